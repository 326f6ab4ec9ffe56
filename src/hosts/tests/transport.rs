//! Frames, answers, and what becomes of a shell that is lost.

use super::*;
use crate::hosts::channel::Channel;

#[tokio::test]
async fn a_batch_of_queries_is_one_round_trip_answered_in_order() {
    let hosts = here();
    let queries = [
        query("printf 'no newline'; exit 3"),
        query("echo out; echo err >&2"),
        query("cat; true"),
        query("false; echo not reached"),
        query("echo $- | grep -q u && echo \"$unset\""),
    ];
    let answers = hosts.ask(&local(), &queries).await.unwrap();
    assert_eq!(
        answers[..4],
        [answer(3, "no newline", ""), answer(0, "out\n", "err\n"), answer(0, "", ""), answer(1, "", "")]
    );
    assert_ne!(answers[4].status, 0, "an unset variable must end a script");
    assert_eq!((hosts.round_trips(), hosts.frames_sent()), (1, 5));
}

#[tokio::test]
async fn scripts_run_in_a_known_environment() {
    let hosts = here();
    let script = "umask; pwd; env | LC_ALL=C sort | grep -v -e ^_= -e ^PWD= -e ^OLDPWD= -e ^SHLVL=";
    let answers = hosts.ask(&local(), &[query(script)]).await.unwrap();
    assert_eq!(answers, [answer(0, "0077\n/\nLC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n", "")]);
}

#[tokio::test]
async fn nothing_of_one_frame_is_left_for_the_next() {
    let hosts = here();
    let scripts = [
        query("left=1; cd /tmp; umask 0; exec >/dev/null; set +e; f() { :; }"),
        query("echo \"${left-nothing} $(pwd) $(umask)\""),
    ];
    let answers = hosts.ask(&local(), &scripts).await.unwrap();
    assert_eq!(answers[1], answer(0, "nothing / 0077\n", ""));
}

#[tokio::test]
async fn large_answers_on_both_streams_arrive_whole() {
    let hosts = here();
    let script = "i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\\0' o; \
                  head -c 100000 /dev/zero | tr '\\0' e >&2; i=$((i+1)); done";
    let answers = hosts.ask(&local(), &[query(script), query("echo after")]).await.unwrap();
    assert_eq!((answers[0].stdout.len(), answers[0].stderr.len()), (4_000_000, 4_000_000));
    assert_eq!(answers[1], answer(0, "after\n", ""));
}

/// The shell answers early questions while later ones are still being written: both pipes are full at once.
#[tokio::test]
async fn many_large_questions_with_large_answers_do_not_stall() {
    let hosts = here();
    let value = "x".repeat(10_000);
    let echo = Query { script: "echo \"$value\"", variables: vec![("value".to_owned(), value.clone())] };
    let answers = hosts.ask(&local(), &vec![echo; 300]).await.unwrap();
    assert!(answers.iter().all(|answer| answer.stdout.trim_end() == value));
    assert_eq!(answers.len(), 300);
}

#[tokio::test]
async fn a_syntax_error_ends_its_frame_and_not_the_shell() {
    let hosts = here();
    let scripts =
        [query("if then ) ' \" {"), query("echo )"), query("echo alive $$"), query("echo again $$")];
    let answers = hosts.ask(&local(), &scripts).await.unwrap();
    assert_ne!(answers[0].status, 0);
    assert_ne!(answers[1].status, 0);
    assert_eq!(answers[2].stdout.replace("alive", "again"), answers[3].stdout);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced_and_not_lost() {
    let hosts = here();
    let answers = hosts.ask(&local(), &[query("printf 'a\\377\\000b'")]).await.unwrap();
    assert_eq!(answers[0].stdout, "a\u{fffd}\0b");
}

#[tokio::test]
async fn a_shell_killed_in_the_middle_is_in_doubt_and_the_next_frame_gets_another() {
    let hosts = here();
    let before = answered(hosts.act(&local(), &frame("echo $$"), &fence(1)).await);
    let verdict = hosts.act(&local(), &frame("kill -9 $$; exit 0"), &fence(1)).await;
    assert!(matches!(verdict, Verdict::InDoubt { .. }), "{verdict:?}");
    let after = answered(hosts.act(&local(), &frame("echo $$"), &fence(1)).await);
    assert_ne!(before.stdout, after.stdout);
}

/// The rest of the frame lives on and keeps the pipes open: the end of the shell is what is noticed.
#[tokio::test]
async fn a_lost_shell_is_noticed_although_its_frame_lives_on() {
    let hosts = here();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("done").to_str().unwrap().to_owned();
    let frame = Frame {
        variables: vec![("file".to_owned(), file.clone())],
        ..frame("mkfifo \"$file.go\"; kill -9 $$; read -r line <\"$file.go\"; touch \"$file\"")
    };
    let verdict = hosts.act(&local(), &frame, &fence(1)).await;
    assert!(matches!(verdict, Verdict::InDoubt { .. }), "{verdict:?}");
    std::fs::write(format!("{file}.go"), "go\n").unwrap();
    wait_for(file.as_ref()).await;
}

/// Nobody reads what the frame prints then. That fails its `echo`, but it does not kill the shell, which could not
/// clean up.
#[tokio::test]
async fn dropping_the_hosts_lets_a_running_frame_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("done").to_str().unwrap().to_owned();
    let started = format!("{file}.started");
    let script = "mkfifo \"$file.go\"; : >\"$file.started\"; read -r line <\"$file.go\"
        trap 'touch \"$file\"' EXIT; echo a message that nobody reads";
    let frame = Frame { variables: vec![("file".to_owned(), file.clone())], ..frame(script) };
    {
        let hosts = here();
        let (local, fence) = (local(), fence(1));
        tokio::select! {
            verdict = hosts.act(&local, &frame, &fence) => panic!("{verdict:?}"),
            () = wait_for(started.as_ref()) => {}
        }
    }
    std::fs::write(format!("{file}.go"), "go\n").unwrap();
    wait_for(file.as_ref()).await;
}

#[tokio::test]
async fn a_shell_that_died_while_idle_is_replaced_before_anything_is_sent() {
    let hosts = here();
    let first = answered(hosts.act(&local(), &frame("echo $$"), &fence(1)).await);
    let kill = Query {
        // It stays in the process table until the runtime looks for it.
        script: "kill -9 \"$pid\"; until grep -q '^State:.Z' \"/proc/$pid/status\"; do sleep 0.01; done",
        variables: vec![("pid".to_owned(), first.stdout.trim().to_owned())],
    };
    assert_eq!(hosts.ask(&local(), &[kill]).await.unwrap(), [answer(0, "", "")]);
    let second = answered(hosts.act(&local(), &frame("echo $$"), &fence(1)).await);
    assert_ne!(first.stdout, second.stdout);
}

#[tokio::test]
async fn a_host_without_a_shell_was_never_sent_anything() {
    let spec = HostSpec { become_root: false, address: Some("ssh://nowhere".to_owned()), ..pool::local() };
    let away = HostName("away".to_owned());
    let hosts = Hosts::new(BTreeMap::from([(away.clone(), spec)]));
    for host in [away, HostName("unknown".to_owned())] {
        let verdict = hosts.act(&host, &frame("true"), &fence(1)).await;
        assert!(matches!(verdict, Verdict::NotStarted { .. }), "{verdict:?}");
        assert!(hosts.ask(&host, &[query("true")]).await.is_err());
    }
}

#[tokio::test]
async fn the_end_of_patience_is_doubt_and_kills_nothing() {
    let hosts =
        here().with_patience(Patience { query: Duration::ZERO, mutation: Duration::from_millis(200) });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("done").to_str().unwrap().to_owned();
    let frame = Frame {
        variables: vec![("file".to_owned(), file.clone())],
        ..frame("mkfifo \"$file.go\"; read -r line <\"$file.go\"; touch \"$file\"")
    };
    let verdict = hosts.act(&local(), &frame, &Fence { wait_seconds: 0, ..fence(1) }).await;
    assert!(matches!(verdict, Verdict::InDoubt { .. }), "{verdict:?}");
    std::fs::write(format!("{file}.go"), "go\n").unwrap();
    wait_for(file.as_ref()).await;
    assert!(hosts.ask(&local(), &[query("sleep 5")]).await.is_err());
}

/// As many frames run at once as the host's parallelism allows: each waits until the other has begun.
#[tokio::test]
async fn frames_run_side_by_side() {
    let hosts = here();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| vec![("path".to_owned(), directory.path().join(name).to_str().unwrap().to_owned())];
    let script = "mkfifo \"$path\" 2>/dev/null || :; read -r line <\"$path\"; echo \"$line\"";
    let reads = Frame { variables: at("pipe"), ..frame(script) };
    let writes =
        Frame { variables: at("pipe"), ..frame("mkfifo \"$path\" 2>/dev/null || :; echo met >\"$path\"") };
    let (local, fence) = (local(), fence(1));
    let (read, _) = tokio::join!(hosts.act(&local, &reads, &fence), hosts.act(&local, &writes, &fence));
    assert_eq!(answered(read), answer(0, "met\n", ""));
}

/// What a connection that breaks while a frame is written leaves behind does nothing, wherever it was cut.
#[test]
fn a_part_of_a_frame_runs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("acted");
    let frame = Frame {
        stdin: "one line\nand another\n".to_owned(),
        variables: vec![("file".to_owned(), file.to_str().unwrap().to_owned())],
        ..frame("touch \"$file\"")
    };
    let text = Body::of_frame(&frame, &fence(1)).unwrap().message().text;
    for shell in shells() {
        for cut in (0..text.len()).step_by(3).chain([text.len()]) {
            use std::io::Write;
            let mut child = std::process::Command::new(&shell[0])
                .args(&shell[1..])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&text.as_bytes()[..cut]).unwrap();
            child.wait().unwrap();
            assert_eq!(file.exists(), cut == text.len(), "{shell:?} acted on {:?}", &text[..cut]);
        }
        std::fs::remove_file(&file).unwrap();
    }
}

/// Any user of a machine can list the arguments of every process on it.
#[tokio::test]
async fn what_travels_on_standard_input_is_in_no_argument_and_no_environment() {
    let secret = Uuid::new_v4().to_string();
    let script = "read -r secret
        for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do
            case $(tr '\\0' ' ' 2>/dev/null <\"$file\" || :) in *\"$secret\"*) echo \"$file\" ;; esac
        done 2>/dev/null
        echo read \"$secret\"";
    let frame = Frame { stdin: secret.clone(), ..frame(script) };
    let answer = answered(here().act(&local(), &frame, &fence(1)).await);
    assert_eq!(answer.stdout, format!("read {secret}\n"));
}

#[tokio::test]
async fn a_program_that_is_no_shell_is_quoted_in_the_reason() {
    let programs: [(&[&str], &str); 4] = [
        (&["/bin/sh", "-c", "echo Permission denied >&2; exit 255"], "Permission denied"),
        (&["/bin/false"], "exit status: 1"),
        (&["/bin/sleep", "5"], "no whole answer"),
        (&["/bin/cat"], "no whole answer"),
    ];
    for (program, reason) in programs {
        let program: Vec<String> = program.iter().map(|word| (*word).to_owned()).collect();
        let mut channel = Channel::open(&program).unwrap();
        let lost = channel.greet(Duration::from_millis(500)).await.unwrap_err();
        assert!(lost.0.contains(reason), "{program:?}: {lost:?}");
    }
    assert!(Channel::open(&["/nonexistent/sh".to_owned()]).is_err());
}

#[tokio::test]
async fn a_login_that_talks_before_the_shell_starts_is_no_obstacle() {
    let program = ["/bin/sh", "-c", "printf 'Welcome!\\nnews'; printf warning >&2; exec /bin/sh"];
    let mut channel = Channel::open(&program.map(str::to_owned)).unwrap();
    channel.greet(Duration::from_secs(60)).await.unwrap();
    let message = Body::of_query(&query("echo out")).unwrap().message();
    let answers = channel.exchange(&[message], Duration::from_secs(60)).await.unwrap();
    assert_eq!(answers, [answer(0, "out\n", "")]);
}

#[tokio::test]
async fn no_more_shells_act_than_the_host_allows() {
    let one = HostSpec { parallelism: 1, ..pool::local() };
    let hosts = Hosts::new(BTreeMap::from([(local(), one)]));
    let (local, frame, fence) = (local(), frame("echo $$"), fence(1));
    let act = || hosts.act(&local, &frame, &fence);
    let (a, b, c) = tokio::join!(act(), act(), act());
    let shell = answered(a).stdout;
    assert_eq!([answered(b).stdout, answered(c).stdout], [shell.clone(), shell]);
}
