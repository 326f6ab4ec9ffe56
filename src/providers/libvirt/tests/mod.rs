#![expect(clippy::disallowed_methods, reason = "tests run the scripts on real files and a real libvirt")]

mod daemon;
mod rig;

use crate::model::Bus;
use crate::providers::store::testing::id;
use daemon::Guest;
use rig::{Rig, contents};

#[test]
fn attaching_and_detaching_endure() {
    for runs in [false, true] {
        let Some(rig) = Rig::new(Guest::Releasing, runs) else { return };
        let before = contents(&rig.daemon, "web");
        for (number, bus) in [(1, Bus::Virtio), (2, Bus::Scsi)] {
            let record = rig.disk(number, bus);
            let attach = rig.bench.create(&record, None);
            rig.bench.minds_a_full_disk(&attach);
            rig.bench.endures(&attach);
            assert_eq!(contents(&rig.daemon, "web"), before, "nothing stays in the VM");
            rig.bench.succeed(&attach.run);
            assert_eq!(rig.bench.observed(id(number)).unwrap().body, record.object.body);
            rig.bench.endures(&rig.detach(&record));
            rig.bench.succeed(&rig.detach(&record).run);
            assert_eq!(contents(&rig.daemon, "web"), before);
        }
    }
}
