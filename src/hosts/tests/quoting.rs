//! Any text that has no NUL reaches a script unchanged: as a variable, as a script and on standard input.

use proptest::prelude::*;

use super::*;
use crate::hosts::channel::Channel;
use crate::model::quote;

fn text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "$(false)",
        "`false`",
        "\n",
        "\r",
        "${x}",
        "!",
        "*",
        "~",
        "v",
        "\nvbs_end\n",
    ]);
    let piece = prop_oneof![nasty.prop_map(str::to_owned), ".{0,8}", "[\u{1}-\u{ff}]{0,8}"];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().replace('\0', ""))
}

fn sent(value: &str) -> Vec<Body> {
    let printing =
        Query { script: "printf '%s.' \"$value\"", variables: vec![("value".to_owned(), value.to_owned())] };
    let reading = Frame { stdin: value.to_owned(), ..frame("cat; printf .") };
    let script = format!("printf '%s.' {}", quote::quote(value).unwrap());
    let scripted = Body { act: quote::quote(&script).unwrap(), ..Body::default() };
    vec![Body::of_query(&printing).unwrap(), Body::of_frame(&reading, &fence(1)).unwrap(), scripted]
}

/// A here-document ends in a newline, and one that is empty is none.
fn as_document(value: &str) -> String {
    if value.is_empty() || value.ends_with('\n') { value.to_owned() } else { format!("{value}\n") }
}

#[test]
fn every_text_arrives_unchanged() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for shell in shells() {
        let channel = runtime.block_on(async { Channel::open(&shell).unwrap() });
        let channel = std::cell::RefCell::new(channel);
        proptest!(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() }, |(value in text())| {
            let messages: Vec<Message> = sent(&value).iter().map(Body::message).collect();
            let mut channel = channel.borrow_mut();
            let answers =
                runtime.block_on(channel.exchange(&messages, Duration::from_secs(60))).unwrap();
            let plain = format!("{value}.");
            let document = format!("{}.", as_document(&value));
            let said: Vec<&str> = answers.iter().map(|answer| answer.stdout.as_str()).collect();
            prop_assert_eq!(said, [plain.as_str(), document.as_str(), plain.as_str()], "{:?}", shell);
        });
    }
}

#[tokio::test]
async fn hostile_documents_end_nothing() {
    let hosts = here();
    let stdin = "EOF\n)\n}\nvbs-00000000000000000000000000000000 0\n$(exit 9) `exit 9` \\\n'\"\n".to_owned();
    let frame = Frame { stdin: stdin.clone(), ..frame("cat") };
    assert_eq!(answered(hosts.act(&local(), &frame, &fence(1)).await), answer(0, &stdin, ""));
}

#[tokio::test]
async fn what_no_shell_can_hold_is_never_sent() {
    let hosts = here();
    let variable = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let refused = [
        Frame { variables: variable("name", "a\0b"), ..frame("true") },
        Frame { stdin: "a\0b".to_owned(), ..frame("true") },
        Frame { variables: variable("PATH", "/tmp"), ..frame("true") },
        Frame { variables: variable("vbs_epoch", "99"), ..frame("true") },
        Frame { variables: variable("a;reboot", "x"), ..frame("true") },
        Frame { guard: Some(GuardDirectory("/a\0".to_owned())), ..frame("true") },
        Frame { guard: None, ..frame("true") },
    ];
    for frame in refused {
        let verdict = hosts.act(&local(), &frame, &fence(1)).await;
        assert!(matches!(verdict, Verdict::NotStarted { .. }), "{frame:?} led to {verdict:?}");
    }
    assert_eq!(hosts.frames_sent(), 0);
}
