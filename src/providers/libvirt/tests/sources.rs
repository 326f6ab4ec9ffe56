//! Disks that a target server offers, with their secrets.

use super::daemon::Guest;
use super::rig::{Rig, contents, disk_of};
use crate::model::{Bus, Login, NetworkDisk, READY};
use crate::plan::step::{Operation, Undo};
use crate::providers::store::testing::{SECRET, id};
use crate::providers::tgt::server::Server;

const TARGET: &str = "iqn.2026-01.test:vbs";

/// The fingerprint of [`SECRET`] for the user `vbs-in`.
fn fingerprint() -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{TARGET} vbs-in {SECRET}"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_secret_comes_with_its_disk_is_watched_and_goes_with_it() {
    let Some(rig) = Rig::new(Guest::Releasing, true) else { return };
    let Some(server) = Server::start() else { return };
    let adm = |arguments: &str| server.adm(&arguments.split(' ').collect::<Vec<_>>());
    let record = {
        let mut record = rig.writing(1, Bus::Virtio);
        let image = rig.bench.root.path().join("net.raw");
        std::fs::rename(rig.image(), &image).unwrap();
        adm(&format!("--op new --mode target --tid 1 -T {TARGET}"));
        adm(&format!("--op new --mode logicalunit --tid 1 --lun 1 -b {}", image.display()));
        adm("--op bind --mode target --tid 1 -I ALL");
        adm(&format!("--op new --mode account --user vbs-in --password {SECRET}"));
        adm("--op bind --mode account --tid 1 --user vbs-in");
        let disk = disk_of(&mut record);
        disk.host_path = String::new();
        disk.network = Some(NetworkDisk {
            target: TARGET.to_owned(),
            // The first one does not answer.
            portals: vec!["127.0.0.1:1".to_owned(), format!("127.0.0.1:{}", server.port)],
            lun: 1,
            initiator: "iqn.2026-01.test:vm.web".to_owned(),
            login: Some(Login {
                user: "vbs-in".to_owned(),
                secret: "chap/in".to_owned(),
                fingerprint: fingerprint(),
            }),
            mutual: None,
        });
        record
    };
    let empty = contents(&rig.daemon, "web");
    let attach = rig.bench.create(&record, None);
    assert!(attach.run.arguments.iter().all(|(_, value)| !value.contains(SECRET)));
    rig.bench.succeed(&attach.run);
    assert!(rig.bench.shows(&attach.proof.done), "{:?}", rig.surveyed(&[]));
    assert!(server.show().contains("Connection:"), "QEMU is logged in");
    let key = id(1).to_string();
    assert!(rig.daemon.say(&["secret-list"]).contains(&key));
    // Somebody changes it, somebody removes it.
    rig.daemon.feed(&["secret-set-value", &key, "--file", "/dev/stdin", "--plain"], "another");
    assert_eq!(rig.presence(1), (READY.to_owned(), "another secret".to_owned()));
    rig.bench.succeed(&rig.update(&record, &record)[0].run);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
    rig.daemon.say(&["secret-undefine", &key]);
    assert_eq!(rig.presence(1).1, "no secret");
    rig.bench.succeed(&rig.update(&record, &record)[0].run);
    assert_eq!(rig.bench.observed(id(1)).unwrap().body, record.object.body);
    let detach = rig.detach(&record);
    let Undo::Run(back) = &detach.undo else { panic!() };
    for action in [&detach.run, back, &detach.run] {
        rig.bench.succeed(action);
    }
    assert_eq!(contents(&rig.daemon, "web"), empty, "the secret is gone with its last user");

    // A portal that nobody answers on: nothing of it stays, its secret neither.
    let mut nowhere = record.clone();
    disk_of(&mut nowhere).network.as_mut().unwrap().portals.truncate(1);
    let refused = rig.bench.refuse(&rig.bench.create(&nowhere, None).run);
    assert!(refused.contains("libvirt would not take the disk of VM web"), "{refused}");
    assert_eq!(contents(&rig.daemon, "web"), empty);
    let mut mutual = record.clone();
    let network = disk_of(&mut mutual).network.as_mut().unwrap();
    network.mutual = network.login.clone();
    let said = rig.bench.request(Operation::Create { after: mutual, source: None }).unwrap_err();
    assert!(said.detail.contains("mutual CHAP"), "{}", said.detail);
}
