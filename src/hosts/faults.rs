//! The four boundaries around a frame that changes something, and what faults make of it. Debug builds only.

use super::frame::Body;
use super::pool::Held;
use super::{Fence, Hosts, Verdict};
use crate::faults::{Class, Kind, hook, pass, wrong};
use crate::model::HostName;
use crate::model::quote::quote;

/// Sends a frame as [`Hosts::send`] does, with whatever is to strike on its way.
pub async fn send(hosts: &Hosts, host: &HostName, held: Held<'_>, mut body: Body, fence: &Fence) -> Verdict {
    let elsewhere = hosts.is_elsewhere(host);
    let mut swallowed = false;
    for class in [Class::BeforeSend, Class::SentBeforeAct, Class::ActedBeforeReply] {
        match pass(class) {
            None => {}
            Some(Kind::Drop) if class == Class::BeforeSend => {
                return Verdict::NotStarted { why: "connection refused (injected)".to_owned() };
            }
            Some(Kind::Mute) => swallowed = true,
            Some(kind) => {
                if elsewhere && class != Class::BeforeSend {
                    refuse_elsewhere(kind, host);
                }
                strike(kind, class, &mut body);
            }
        }
    }
    let verdict = hosts.send(held, &body, fence).await;
    if matches!(verdict, Verdict::Answered(_)) {
        match pass(Class::ReplyBeforeCommit) {
            Some(Kind::Mute) => swallowed = true,
            Some(kind) => kind.strike(),
            None => {}
        }
    }
    if swallowed { Verdict::InDoubt { why: "the reply was lost (injected)".to_owned() } } else { verdict }
}

/// A process number means something on one machine only: on another it would strike whoever has that number there.
/// There a [`Kind::Hook`] holds the frame up until somebody outside has struck vbs.
fn refuse_elsewhere(kind: Kind, host: &HostName) {
    if kind.strikes_vbs_from_the_frame() {
        wrong(format_args!("{kind:?} would signal a process on {host}, where vbs does not run: use a hook"));
    }
}

/// Writes a fault into the frame, or lets it strike vbs itself where the frame is not sent yet.
fn strike(kind: Kind, class: Class, body: &mut Body) {
    let vbs = std::process::id();
    let text = match kind {
        Kind::LieZero => return ":".clone_into(&mut body.act),
        Kind::LieFive => return body.after += "vbs_acted=5\n",
        Kind::Fail => return "'echo injected >&2; exit 5'".clone_into(&mut body.act),
        Kind::Slow => return slow(body, vbs),
        Kind::Kill => format!("kill -KILL {vbs}\n"),
        Kind::Term => format!("kill -TERM {vbs}\n"),
        Kind::TermTwice => format!("kill -TERM {vbs}; sleep 0.2; kill -TERM {vbs}\n"),
        Kind::Stop => format!("kill -STOP {vbs}\n"),
        Kind::Hook => {
            let hook = quote(hook()).unwrap_or_default();
            format!("/bin/sh -c {hook} </dev/null >&2 9>&- || exit 99\n")
        }
        Kind::Drop => "kill -KILL $$; exit 1\n".to_owned(),
        Kind::Cut => "kill -KILL $$\n".to_owned(),
        // Its reply is swallowed where it arrives.
        Kind::Mute => return,
    };
    match class {
        Class::SentBeforeAct => body.before += &text,
        Class::ActedBeforeReply => body.after += &text,
        _ => kind.strike(),
    }
}

/// A frame that takes the guard itself sleeps once it has locked it.
fn slow(body: &mut Body, vbs: u32) {
    body.before += &format!("kill -KILL {vbs}\n");
    body.before +=
        if body.guarded { "sleep 0.5 9>&-\n" } else { "flock() { command flock \"$@\" && sleep 0.5; }\n" };
}
