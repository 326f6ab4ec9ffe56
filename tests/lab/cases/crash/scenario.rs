//! The runs that are struck: small configurations that together hold every kind of step of a volume group, and of the way
//! from a volume to a disk on another host.

use super::world::STRANGERS;

/// What is there, what is to be there, and the command in between. A configuration is put together from pieces, behind
/// the block of the host.
#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// Applied one after the other while the world is made; after each, every volume that has no data yet is filled.
    pub before: &'static [&'static [&'static str]],
    /// Commands that are run after that, still while the world is made.
    pub prepare: &'static [&'static [&'static str]],
    pub config: &'static [&'static str],
    pub command: &'static [&'static str],
    /// The same as a plan.
    pub plan: &'static [&'static str],
    /// A plan that is empty once the command was carried out.
    pub empty: &'static [&'static str],
    /// What finishes it where it was halted.
    pub finish: &'static [&'static str],
    /// Addresses of volumes that grow while nothing has them open: recovery keeps the new size.
    pub grows: &'static [&'static str],
    /// The names of a volume that gets the data of a snapshot, and of that snapshot.
    pub restores: Option<(&'static str, &'static str)>,
    /// The names of volumes that are made from others, and of those.
    pub copies: &'static [(&'static str, &'static str)],
    /// A script that removes a volume that the run makes.
    pub makes: Option<&'static str>,
    /// Whether what lies in the trash before is to be gone for good afterwards.
    pub purges: bool,
    /// The volume group lies on a device that can be made to fail.
    pub brittle: bool,
    /// It plays on two hosts, on [`ROUTE`](crate::cases::route::scene::ROUTE).
    pub route: bool,
    /// What is somebody else's in the volume group.
    pub strangers: &'static [&'static str],
}

const USUAL: Scenario = Scenario {
    name: "",
    before: &[],
    prepare: &[],
    config: &[],
    command: &["apply"],
    plan: &["plan"],
    empty: &["plan"],
    finish: &["apply"],
    grows: &[],
    restores: None,
    copies: &[],
    makes: None,
    purges: false,
    brittle: false,
    route: false,
    strangers: &STRANGERS,
};

const THIN: &str = r#"
pool "lvm" "thin" {
  host         = host.store1
  volume_group = "vg0"
  thin_pool    = "tp0"
}
"#;

const THICK: &str = r#"
pool "lvm" "thick" {
  host         = host.store1
  volume_group = "vg0"
}
"#;

const THIN_BASE: &str = r#"
volume "base" {
  pool = pool.thin
  size = "8MiB"
}
"#;

const THIN_MADE: &str = r#"
volume "base" {
  pool = pool.thin
  size = "12MiB"
}
volume "new" {
  pool = pool.thin
  size = "8MiB"
}
snapshot "snap" { volume = volume.new }
volume "clone" {
  pool   = pool.thin
  source = snapshot.kept
  size   = "12MiB"
}
snapshot "kept" { volume = volume.base }
"#;

const THIN_KEPT: &str = r#"snapshot "kept" { volume = volume.base }"#;

const THICK_BASE: &str = r#"
volume "base" {
  pool = pool.thick
  size = "8MiB"
}
volume "grow" {
  pool = pool.thick
  size = "8MiB"
}
"#;

const THICK_MADE: &str = r#"
volume "base" {
  pool = pool.thick
  size = "8MiB"
}
volume "grow" {
  pool = pool.thick
  size = "16MiB"
}
volume "new" {
  pool = pool.thick
  size = "8MiB"
}
snapshot "snap" { volume = volume.base }
volume "copy" {
  pool   = pool.thick
  source = volume.base
  size   = "12MiB"
}
"#;

const THICK_SNAP: &str = r#"snapshot "snap" { volume = volume.base }"#;

/// A thin pool that the workspace has been in before: one grows, others are made, copied and snapshotted.
pub static THIN_MAKE: Scenario = Scenario {
    name: "thin make",
    before: &[&[THIN, THIN_BASE], &[THIN, THIN_BASE, THIN_KEPT]],
    config: &[THIN, THIN_MADE],
    grows: &["volume.base"],
    copies: &[("clone", "kept")],
    ..USUAL
};

/// The same in a volume group, where a copy is a copy.
pub static THICK_MAKE: Scenario = Scenario {
    name: "thick make",
    before: &[&[THICK, THICK_BASE]],
    config: &[THICK, THICK_MADE],
    grows: &["volume.grow"],
    copies: &[("copy", "base")],
    makes: Some("lvremove -qq --yes vg0/new"),
    ..USUAL
};

/// Nothing was there before: both pools are joined.
pub static NOTHING: Scenario = Scenario {
    name: "from nothing",
    config: &[
        THIN,
        THICK,
        r#"
volume "thin" {
  pool = pool.thin
  size = "8MiB"
}
volume "thick" {
  pool = pool.thick
  size = "8MiB"
}
"#,
    ],
    ..USUAL
};

const OF_EACH: &str = r#"
volume "thin" {
  pool = pool.thin
  size = "8MiB"
}
volume "thick" {
  pool = pool.thick
  size = "8MiB"
}
"#;

const SNAPSHOTS: &str = r#"
snapshot "of_thin" { volume = volume.thin }
snapshot "of_thick" { volume = volume.thick }
"#;

/// Volumes go to the trash, snapshots for good.
pub static DESTROY: Scenario = Scenario {
    name: "destroy",
    before: &[&[THIN, THICK, OF_EACH], &[THIN, THICK, OF_EACH, SNAPSHOTS]],
    config: &[THIN, THICK, OF_EACH, SNAPSHOTS],
    command: &["destroy"],
    plan: &["plan", "--destroy"],
    empty: &["plan", "--destroy"],
    finish: &["destroy"],
    ..USUAL
};

/// The trash is emptied: the thick one is wiped first.
pub static PURGE: Scenario = Scenario {
    name: "purge",
    before: &[&[THIN, THICK, OF_EACH]],
    prepare: &[&["destroy"]],
    config: &[THIN, THICK, OF_EACH],
    command: &["destroy", "--purge"],
    plan: &["plan", "--destroy"],
    empty: &["plan", "--destroy"],
    finish: &["destroy", "--purge"],
    purges: true,
    ..USUAL
};

/// A clone takes the volume's place.
pub static RESTORE_THIN: Scenario = Scenario {
    name: "restore thin",
    before: &[&[THIN, THIN_BASE], &[THIN, THIN_BASE, THIN_KEPT]],
    config: &[THIN, THIN_BASE, THIN_KEPT],
    command: &["apply", "--restore", "volume.base=snapshot.kept"],
    plan: &["plan", "--restore", "volume.base=snapshot.kept"],
    restores: Some(("base", "kept")),
    ..USUAL
};

/// A snapshot is merged.
pub static RESTORE_THICK: Scenario = Scenario {
    name: "restore thick",
    before: &[&[THICK, THICK_BASE], &[THICK, THICK_BASE, THICK_SNAP]],
    config: &[THICK, THICK_BASE, THICK_SNAP],
    command: &["apply", "--restore", "volume.base=snapshot.snap"],
    plan: &["plan", "--restore", "volume.base=snapshot.snap"],
    restores: Some(("base", "snap")),
    ..USUAL
};

const LARGE: &str = r#"
volume "large" {
  pool = pool.thick
  size = "136MiB"
}
"#;

const LARGE_COPY: &str = r#"
volume "large_copy" {
  pool   = pool.thick
  source = volume.large
  size   = "140MiB"
}
"#;

/// A copy that takes several parts, on a disk that can be made slow.
pub static MIDDLE_COPY: Scenario = Scenario {
    name: "middle of a copy",
    before: &[&[THICK, LARGE]],
    config: &[THICK, LARGE, LARGE_COPY],
    copies: &[("large_copy", "large")],
    brittle: true,
    ..USUAL
};

/// A wipe that takes several parts.
pub static MIDDLE_WIPE: Scenario = Scenario {
    name: "middle of a wipe",
    before: &[&[THICK, LARGE_WIPED]],
    prepare: &[&["destroy"]],
    config: &[THICK, LARGE_WIPED],
    brittle: true,
    ..PURGE
};

const LARGE_WIPED: &str = r#"
volume "large" {
  pool = pool.thick
  size = "600MiB"
}
"#;

const EXPORTED: &str = r#"
pool "lvm" "thick" {
  host         = host.store1
  volume_group = "vg0"
  export "lio" { portal = "10.9.0.1:3260" }
}
hypervisor "qemu" "vms" {
  host   = host.kvm1
  socket = "/run/vms/{vm}.qmp"
}
"#;

const OFFERED: &str = r#"
volume "db" {
  pool = pool.thick
  size = "16MiB"
}
"#;

const ATTACHED: &str = r#"
attachment "db_on_web1" {
  volume     = volume.db
  hypervisor = hypervisor.vms
  vm         = "web1"
  device     = "vdb"
  bus        = "scsi"
}
"#;

const ON_TWO_HOSTS: Scenario = Scenario { route: true, strangers: &["foreign"], ..USUAL };

/// Export, grant, session, disk.
pub static ATTACH: Scenario = Scenario {
    name: "attach",
    before: &[&[EXPORTED, OFFERED]],
    config: &[EXPORTED, OFFERED, ATTACHED],
    ..ON_TWO_HOSTS
};

/// The same backwards.
pub static DETACH: Scenario = Scenario {
    name: "detach",
    before: &[&[EXPORTED, OFFERED], &[EXPORTED, OFFERED, ATTACHED]],
    config: &[EXPORTED, OFFERED],
    ..ON_TWO_HOSTS
};

/// What a case brings with it.
pub static BARE: Scenario = Scenario { name: "bare", ..USUAL };

/// [`THICK_MAKE`] on a disk that fails.
pub static BRITTLE: Scenario = Scenario { name: "brittle disk", brittle: true, ..THICK_MAKE };
