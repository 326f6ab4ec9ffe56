//! Guests that freeze. There is no guest in these VMs, so an agent is played: it speaks the guest agent's own protocol on a
//! socket, and what virsh would pass to it goes there.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::{Value, json};

use super::daemon::Guest;
use super::rig::Rig;
use crate::model::command::Action;
use crate::model::observed;
use crate::model::{Body, Bus, Record};
use crate::plan::step::{Operation, Request, Step, Undo};
use crate::providers::store::testing::id;

/// The part of virsh that leads to an agent, with libvirt's own sayings.
const VIRSH: &str = r#"
tell() { printf '%s\n' "{\"execute\":\"$1\"}" | socat -t 5 - "UNIX-CONNECT:$agent"; }
case "$*" in
    *' dumpxml '*)
        /usr/bin/timeout "$@" | sed "s#<memballoon#<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>&#"
        exit ;;
    *' qemu-agent-command '*) said=$(tell guest-fsfreeze-status) ;;
    *' domfsfreeze '*) said=$(tell guest-fsfreeze-freeze) ;;
    *' domfsthaw '*) said=$(tell guest-fsfreeze-thaw) ;;
    *) exec /usr/bin/timeout "$@" ;;
esac
case $said in
    *'"return"'*) printf '%s\n' "$said"; exit 0 ;;
    *) echo 'error: Guest agent is not responding: QEMU guest agent is not connected' >&2; exit 1 ;;
esac
"#;

/// What qemu-ga answers, and what it was asked.
struct Agent {
    is_frozen: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

impl Agent {
    fn start(socket: &std::path::Path) -> Arc<Agent> {
        let agent = Arc::new(Agent { is_frozen: Mutex::new(false), asked: Mutex::new(Vec::new()) });
        let listener = UnixListener::bind(socket).unwrap();
        let played = Arc::clone(&agent);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
                let answer = serde_json::from_str(&line).map_or(Value::Null, |asked| played.answer(&asked));
                let _ = writeln!(stream, "{answer}");
            }
        });
        agent
    }

    fn answer(&self, asked: &Value) -> Value {
        let command = asked["execute"].as_str().unwrap_or_default();
        let mut is_frozen = self.is_frozen.lock().unwrap();
        if command != "guest-fsfreeze-status" {
            self.asked.lock().unwrap().push(command.to_owned());
        }
        match command {
            "guest-fsfreeze-status" => json!({ "return": if *is_frozen { "frozen" } else { "thawed" } }),
            "guest-fsfreeze-freeze" if *is_frozen => {
                json!({"error": {"class": "CommandNotFound", "desc": "Command guest-fsfreeze-freeze has been disabled"}})
            }
            "guest-fsfreeze-freeze" | "guest-fsfreeze-thaw" => {
                *is_frozen = command.ends_with("freeze");
                json!({ "return": 1 })
            }
            _ => json!({"error": {"class": "CommandNotFound", "desc": "unknown"}}),
        }
    }

    fn is_frozen(&self) -> bool {
        *self.is_frozen.lock().unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).collect()
    }
}

/// A running VM with a disk of ours and an agent.
fn frozen_rig() -> Option<(Rig, Arc<Agent>, Record)> {
    let rig = Rig::new(Guest::Releasing, true)?;
    let record = rig.writing(1, Bus::Virtio);
    rig.bench.made(&record, None);
    let socket = rig.bench.root.path().with_extension("agent");
    rig.bench.play("timeout", &format!("agent='{}'\n{VIRSH}", socket.display()));
    let agent = Agent::start(&socket);
    Some((rig, agent, record))
}

fn steps(rig: &Rig, record: &Record) -> [Step; 2] {
    let volume = rig.bench.volume(50, "db", 1 << 20, None);
    let operation =
        Operation::Create { after: rig.bench.snapshot(60, "snap", &volume), source: Some(volume) };
    let Operation::Create { after, .. } = &operation else { panic!() };
    let request = Request {
        key: after.object.key.clone(),
        container: &rig.bench.container,
        identity: rig.bench.identity,
        lineage: rig.bench.lineage,
        workspace: "shop",
        evicts: false,
        operation: operation.clone(),
    };
    rig.bench.provider.freeze(&request, record).unwrap()
}

fn within(action: &Action, seconds: &'static str) -> Action {
    let mut action = action.clone();
    action.arguments.insert("seconds", seconds);
    action
}

#[test]
fn a_guest_is_frozen_and_thawed_and_a_freeze_is_taken_back() {
    let Some((rig, agent, record)) = frozen_rig() else { return };
    let before = rig.bench.tree();
    let [freeze, thaw] = steps(&rig, &record);
    let Undo::Run(melt) = &freeze.undo else { panic!() };
    rig.bench.succeed(&freeze.run);
    assert!(agent.is_frozen() && rig.bench.shows(&freeze.proof.done));
    // Whoever freezes it now is told that it is not theirs, and undoing that thaws nothing of ours.
    let again = rig.bench.refuse(&freeze.run);
    assert!(again.contains("are frozen already, and not by vbs"), "{again}");
    rig.bench.succeed(&thaw.run);
    assert_eq!(agent.asked(), ["guest-fsfreeze-freeze", "guest-fsfreeze-thaw"]);
    assert_eq!(rig.bench.tree(), before);
    for _ in 0..2 {
        rig.bench.succeed(melt);
    }
    assert!(agent.asked().is_empty(), "what is not frozen for us is not thawed by us");
    rig.bench.succeed(&freeze.run);
    for _ in 0..2 {
        rig.bench.succeed(melt);
    }
    assert!(!agent.is_frozen());
    assert_eq!(rig.bench.tree(), before);
    // A thaw that finds nothing frozen has not kept anything whole.
    assert!(rig.bench.refuse(&thaw.run).contains("was not frozen"));
    rig.bench.succeed(&freeze.run);
    *agent.is_frozen.lock().unwrap() = false;
    let answer = rig.bench.run(&thaw.run, None);
    assert!(answer.status == 70 && answer.stderr.contains("is not whole"), "{answer:?}");
    assert_eq!(rig.bench.tree(), before);
}

/// The frame that froze it is gone, and so is vbs: what was armed thaws.
#[test]
fn a_guest_is_thawed_in_time_whatever_becomes_of_who_froze_it() {
    let Some((rig, agent, record)) = frozen_rig() else { return };
    let before = rig.bench.tree();
    let [freeze, thaw] = steps(&rig, &record);
    rig.bench.succeed(&within(&freeze.run, "1"));
    assert!(agent.is_frozen());
    let limit = Instant::now() + Duration::from_secs(30);
    while agent.is_frozen() {
        assert!(Instant::now() < limit, "it stays frozen");
        thread::yield_now();
    }
    let answer = rig.bench.run(&within(&thaw.run, "1"), None);
    assert!(answer.status == 70 && answer.stderr.contains("was thawed after 1 s"), "{answer:?}");
    assert_eq!(rig.bench.tree(), before);
    // One that was armed for an earlier freeze leaves a later one alone.
    rig.bench.succeed(&within(&freeze.run, "1"));
    rig.bench.succeed(&thaw.run);
    rig.bench.succeed(&freeze.run);
    let frozen = rig.bench.path().join(format!(".vbs/{}.{}.frozen", id(1), rig.bench.lineage));
    let line = fs::read_to_string(&frozen).unwrap();
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        assert!(agent.is_frozen() && fs::read_to_string(&frozen).unwrap() == line);
        thread::yield_now();
    }
    rig.bench.succeed(&thaw.run);
}

#[test]
fn a_plan_knows_whose_agent_answers() {
    let Some((rig, agent, record)) = frozen_rig() else { return };
    let Body::Disk(disk) = &record.object.body else { panic!() };
    let guest = || match rig.bench.view_counted() {
        crate::model::ContainerView::Present(surveyed) => surveyed.vms[&disk.vm].guest.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(guest(), observed::Guest::Answers);
    *agent.is_frozen.lock().unwrap() = true;
    assert!(matches!(guest(), observed::Guest::Silent(why) if why.contains("somebody else has frozen")));
    let silent = rig.surveyed(&[]).vms[&disk.vm].guest.clone();
    assert!(
        matches!(silent, observed::Guest::Silent(why) if why.contains("has no channel to a guest agent"))
    );
    rig.daemon.say(&["destroy", "web"]);
    assert_eq!(rig.surveyed(&[]).vms[&disk.vm].guest, observed::Guest::Off);
}
