//! Volumes that several VMs have, one after the other or at once.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::qemu::machine::{RELEASING, Rig};
use crate::support::Workspace;

fn attachment(name: &str, vm: &str, more: &str) -> String {
    format!(
        "attachment \"{name}\" {{\n  volume = volume.db\n  hypervisor = @\n  vm = \"{vm}\"\n  device = \"vdb\"\n  {more}\n}}\n"
    )
}

const VOLUME: &str = "volume \"db\" {\n  pool = pool.fast\n  size = \"4MiB\"\n}\n";

/// QEMU locks an image that is not shared, so an order that is wrong fails.
#[test]
fn a_volume_leaves_one_vm_before_it_comes_to_the_next_and_is_shared_only_where_all_say_so() {
    let Some(mut rig) = Rig::new() else { return };
    rig.start("web1", RELEASING);
    rig.start("web2", RELEASING);
    rig.configure(&(VOLUME.to_owned() + &attachment("old", "web1", "")));
    rig.apply();
    // The new one comes first by name.
    rig.configure(&(VOLUME.to_owned() + &attachment("new", "web2", "")));
    rig.apply();
    rig.settled();
    assert_eq!((rig.blocks("web1").len(), rig.blocks("web2").len()), (0, 1));

    let both =
        |more: &str| VOLUME.to_owned() + &attachment("a", "web1", more) + &attachment("new", "web2", more);
    rig.configure(&both(""));
    rig.vbs(&["plan"]).exits(1).says("Not shared").says("attachment.a, attachment.new");
    rig.configure(&both("shared = true"));
    // A device learns that it is shared when it is plugged.
    rig.vbs(&["plan"]).exits(0).says("attachment.new must be replaced").says("shared = true");
    rig.apply();
    rig.settled();
    assert_eq!((rig.blocks("web1").len(), rig.blocks("web2").len()), (1, 1));
    // And back to one, who has it alone then.
    rig.configure(&(VOLUME.to_owned() + &attachment("a", "web1", "")));
    rig.apply();
    rig.settled();
    assert_eq!((rig.blocks("web1").len(), rig.blocks("web2").len()), (1, 0));
    rig.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0);
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

fn partition(image: &Path) {
    // One partition of Linux from sector 2048 to the end, as DOS has written it down since 1983.
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().write(true).open(image).unwrap();
    let entry = [[0, 0, 0, 0, 0x83, 0, 0, 0], [0, 8, 0, 0, 0, 0x18, 0, 0]].concat();
    file.write_all_at(&entry, 446).unwrap();
    file.write_all_at(&[0x55, 0xaa], 510).unwrap();
}

#[test]
fn a_file_system_for_one_host_is_warned_of_where_a_volume_is_shared() {
    let workspace = Workspace::empty();
    let configure = |text: &str| workspace.configure(&text.replace('@', "hypervisor.here"));
    let two = |first: &str, second: &str| {
        VOLUME.to_owned() + &attachment("a", "web1", first) + &attachment("b", "web2", second)
    };
    configure(&(VOLUME.to_owned() + &attachment("a", "web1", "")));
    workspace.apply();
    let image = workspace.path("pool/db.img");
    run("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
    let quiet = |why: &str| {
        let output = workspace.vbs(&["plan"]).exits(0);
        assert!(!output.text().contains("Warning"), "{why}: {}", output.text());
    };
    quiet("one has it");
    configure(&two("shared = true\n  access = \"read_only\"", "shared = true\n  access = \"read_only\""));
    quiet("nobody writes");
    configure(&two("shared = true\n  access = \"read_only\"", "shared = true"));
    let warned = workspace.vbs(&["plan"]).exits(0);
    warned.says("No file system for sharing").says("volume.db is shared and holds ext4.");
    // It is a warning: who knows what he does is not kept from it.
    workspace.apply();
    workspace.vbs(&["plan", "--detailed-exitcode"]).exits(0).says("holds ext4").says("No changes.");
    // What an installer makes is a partition with the file system in it.
    let content = std::fs::read(&image).unwrap();
    let whole = vec![0; content.len()];
    std::fs::write(&image, &whole).unwrap();
    quiet("there is nothing on it");
    let inside = workspace.path("inside.img");
    std::fs::write(&inside, vec![0; 3 << 20]).unwrap();
    run("mkfs.ext4", &["-q", "-F", inside.to_str().unwrap()]);
    let mut whole = whole;
    whole[1 << 20..].copy_from_slice(&std::fs::read(&inside).unwrap());
    std::fs::write(&image, &whole).unwrap();
    partition(&image);
    workspace.vbs(&["plan"]).exits(0).says("volume.db is shared and holds ext4.");
}

/// Several workspaces keep their marks of one server in one directory, and look without waiting for each other.
#[test]
fn a_mark_that_goes_while_marks_are_read_is_told_apart_from_one_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("marks");
    std::fs::create_dir(&store).unwrap();
    for name in ["goes", "stays", "pool"] {
        std::fs::write(store.join(name).with_extension("json"), format!("{{\"{name}\":1}}\n")).unwrap();
    }
    std::fs::create_dir(store.join("odd.json")).unwrap();
    let script = include_str!("../../src/providers/store/scripts/marks.sh");
    let meanwhile = "xargs() { rm -f goes.json; command xargs \"$@\"; }";
    let output = Command::new("/bin/sh")
        .args(["-euc", &format!("{meanwhile}\n{script}")])
        .env("store", &store)
        .env("card", "pool.json")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (names, behind) = printed.split_once("contents\0").unwrap();
    let (contents, left) = behind.split_once("\0still\0").unwrap();
    let sorted = |text: &str| {
        let mut all: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(names), ["mark\tgoes.json", "mark\todd.json", "mark\tstays.json"]);
    assert_eq!(contents, "{\"stays\":1}\n");
    assert_eq!(sorted(left), ["odd.json", "stays.json"]);
    assert!(output.status.success());
}
