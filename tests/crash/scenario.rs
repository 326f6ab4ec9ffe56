//! The worlds that runs are killed in: small configurations that together hold every kind of step.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// One configuration before the run, one after it, and the command in between.
#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// Applied one after the other while the world is made; then every image is filled with data.
    pub before: &'static [&'static str],
    /// Commands that are run after that, still while the world is made.
    pub prepare: &'static [&'static [&'static str]],
    /// What the command is given.
    pub config: &'static str,
    pub command: &'static [&'static str],
    /// The same as a plan.
    pub plan: &'static [&'static str],
    /// A plan that is empty once the command was carried out.
    pub empty: &'static [&'static str],
    /// What finishes it where it was halted.
    pub finish: &'static [&'static str],
    /// The volume that grows while nothing has it open: recovery keeps the new size.
    pub grows: Option<&'static str>,
    /// Whether every earlier image may be gone for good afterwards.
    pub purges: bool,
    /// Whether files of others lie in its directories.
    pub foreign: bool,
}

const HEAD: &str = r#"
vbs { name = "crash" }
pool "file" "p" {
  path   = "pool"
  create = true
}
hypervisor "directory" "h" {
  path   = "vms"
  create = true
}
variable "secret" {
  type      = string
  sensitive = true
}
output "secret" {
  value     = var.secret
  sensitive = true
}
"#;

const SMALL: &str = r#"
volume "a" {
  pool = pool.p
  size = "64KiB"
}
volume "b" {
  pool = pool.p
  size = "64KiB"
}
snapshot "s" { volume = volume.a }
volume "c" {
  pool   = pool.p
  source = snapshot.s
}
attachment "x" {
  volume     = volume.a
  hypervisor = hypervisor.h
  vm         = "web"
  device     = "vda"
}
"#;

const EARLIER: &str = r#"
volume "grow" {
  pool = pool.p
  size = "64KiB"
}
volume "live" {
  pool = pool.p
  size = "64KiB"
}
volume "named" {
  pool = pool.p
  size = "64KiB"
}
volume "gone" {
  pool = pool.p
  size = "64KiB"
}
volume "back" {
  pool = pool.p
  size = "64KiB"
}
snapshot "kept" { volume = volume.grow }
snapshot "dropped" { volume = volume.named }
snapshot "good" { volume = volume.back }
attachment "live_on_one" {
  volume     = volume.live
  hypervisor = hypervisor.h
  vm         = "one"
  device     = "vda"
}
attachment "named_on_one" {
  volume     = volume.named
  hypervisor = hypervisor.h
  vm         = "one"
  device     = "vdb"
}
attachment "gone_on_two" {
  volume     = volume.gone
  hypervisor = hypervisor.h
  vm         = "two"
  device     = "vda"
}
"#;

const LATER: &str = r#"
volume "grow" {
  pool = pool.p
  size = "128KiB"
}
volume "live" {
  pool = pool.p
  size = "128KiB"
}
volume "named" {
  pool = pool.p
  name = "renamed"
  size = "64KiB"
}
volume "back" {
  pool = pool.p
  size = "64KiB"
}
snapshot "kept" { volume = volume.grow }
snapshot "good" { volume = volume.back }
volume "clone" {
  pool   = pool.p
  source = snapshot.kept
}
attachment "live_on_one" {
  volume     = volume.live
  hypervisor = hypervisor.h
  vm         = "one"
  device     = "vda"
}
attachment "named_on_one" {
  volume     = volume.named
  hypervisor = hypervisor.h
  vm         = "one"
  device     = "vdb"
}
attachment "clone_on_three" {
  volume     = volume.clone
  hypervisor = hypervisor.h
  vm         = "three"
  device     = "vda"
}
"#;

/// Pool and hypervisor are taken into use, and everything is made from nothing.
pub static NOTHING: Scenario = Scenario {
    name: "nothing",
    before: &[],
    prepare: &[],
    config: SMALL,
    command: &["apply"],
    plan: &["plan"],
    empty: &["plan"],
    finish: &["apply"],
    grows: None,
    purges: false,
    foreign: false,
};

/// One apply that does everything else at once, in directories that hold files of others.
pub static EXISTING: Scenario = Scenario {
    name: "existing",
    before: &[EARLIER],
    prepare: &[],
    config: LATER,
    command: &["apply", "--restore", "volume.back=snapshot.good"],
    plan: &["plan", "--restore", "volume.back=snapshot.good"],
    empty: &["plan"],
    finish: &["apply"],
    grows: Some("grow"),
    purges: false,
    foreign: true,
};

/// Everything goes to the trash.
pub static DESTROY: Scenario = Scenario {
    name: "destroy",
    before: &[SMALL],
    prepare: &[],
    config: SMALL,
    command: &["destroy"],
    plan: &["plan", "--destroy"],
    empty: &["plan", "--destroy"],
    finish: &["destroy"],
    grows: None,
    purges: false,
    foreign: false,
};

/// The trash is emptied, in a run of its own.
pub static PURGE: Scenario = Scenario {
    name: "purge",
    before: &[SMALL],
    prepare: &[&["destroy"]],
    config: SMALL,
    command: &["destroy", "--purge"],
    plan: &["plan", "--destroy"],
    empty: &["plan", "--destroy"],
    finish: &["destroy", "--purge"],
    grows: None,
    purges: true,
    foreign: false,
};

pub static ALL: [&Scenario; 4] = [&NOTHING, &EXISTING, &DESTROY, &PURGE];

impl Scenario {
    pub fn write(&self, directory: &Path, config: &str) {
        fs::write(directory.join("main.vbs.hcl"), format!("{HEAD}{config}")).unwrap();
    }
}

/// Files that vbs has not made and must never touch, some of them with names much like its own.
pub fn put_foreign(directory: &Path) {
    fs::create_dir_all(directory.join("pool/sub")).unwrap();
    fs::create_dir_all(directory.join("vms/one")).unwrap();
    for (path, content) in [
        ("pool/foreign.img", "an image of somebody else"),
        ("pool/notes.txt", "notes"),
        ("pool/sub/grow.img", "named like one of ours"),
        ("vms/one/vdz", "a file in the directory of a virtual machine"),
        ("vms/README", "read me"),
    ] {
        fs::write(directory.join(path), content).unwrap();
    }
    symlink("../../pool/foreign.img", directory.join("vms/one/vdy")).unwrap();
}
