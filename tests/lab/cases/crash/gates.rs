//! The test of the tests: each blow strikes what it says that it strikes. With images, on the same machine.

use super::blow::{Blow, Strike, recover, run_struck};
use super::gate::until_guards_are_free;
use super::rows::Journal;
use super::scenario::BARE;
use super::world::World;
use crate::lab::Lab;
use vbs::faults::Class;

const FILES: &str = r#"
pool "file" "files" {
  host   = host.store1
  path   = "/srv/pool"
  create = true
}
volume "image" {
  pool = pool.files
  size = "8MiB"
}
"#;

/// The frames are those that raise the epoch, make the pool, and make the image.
pub fn blows_strike(lab: &Lab) {
    let world = World::bare(lab, &BARE);
    world.configure(&[FILES]);
    world.save();
    let at = |class: Class, nth: usize, blow: Blow| Strike { class, nth, blow, resume: false };
    // A power cut is over before vbs stops asking for the host, or it is not: what was done is found, or taken back.
    for (strike, is_made) in [
        (at(Class::SentBeforeAct, 3, Blow::Kill), Some(false)),
        (at(Class::ActedBeforeReply, 3, Blow::KillAndRecoverAtOnce), Some(false)),
        (at(Class::SentBeforeAct, 3, Blow::HangUp), Some(true)),
        (at(Class::ActedBeforeReply, 3, Blow::HangUpHere), Some(true)),
        (at(Class::BeforeSend, 3, Blow::HangUpHere), Some(false)),
        (at(Class::ActedBeforeReply, 3, Blow::PowerCut), None),
        (at(Class::BeforeSend, 3, Blow::Kill), Some(false)),
    ] {
        world.rewind();
        run_struck(&world, &strike).unwrap();
        until_guards_are_free(&world);
        recover(&world, false).unwrap();
        let journal = Journal::read(&world.state());
        assert!(!journal.is_open() && journal.open_steps.is_empty(), "{journal:?}");
        println!("  {strike}: {:?}", journal.runs);
        let is_there = lab.sh("ls /srv/pool/image.img").code == 0;
        assert_eq!(is_there, journal.runs == ["applied"], "{strike}: {:?}", journal.runs);
        assert_eq!(is_there, is_made.unwrap_or(is_there), "{strike}");
        world.run(&["apply"], "").expect("the next run", &[0]).unwrap();
    }
}

/// A number of a process here is somebody else's there.
pub fn no_signal_from_there(lab: &Lab) {
    let world = World::bare(lab, &BARE);
    world.configure(&[FILES]);
    for kind in ["kill", "term", "term2", "stop", "slow"] {
        let ended = world.run(&["apply"], &format!("{kind}@SentBeforeAct.3"));
        assert_eq!(ended.output.code, 128 + 6, "{}", ended.output.text());
        assert!(ended.output.stderr.contains("where vbs does not run"), "{}", ended.output.text());
        recover(&world, false).unwrap();
    }
}
