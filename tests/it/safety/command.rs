//! A volume server and a hypervisor that vbs does not know, by templates, with real tools: what happens to volumes, to
//! other people's, and when the tool or vbs fails at any moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::bench::*;

const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools");

/// `LIST` becomes the block that reads what there is.
const CONTAINERS: &str = r#"
vbs { name = "lab" }

pool "command" "san" {
  path     = "ROOT/seat"
  device   = "ROOT/san/{name}/data.img"
  create   = ["TOOLS/sanctl", "ROOT/san", "create", "{name}", "{size_bytes}", "{mark}"]
  grow     = ["TOOLS/sanctl", "ROOT/san", "grow", "{name}", "{size_bytes}"]
  rename   = ["TOOLS/sanctl", "ROOT/san", "rename", "{name}", "{new_name}"]
  destroy  = ["TOOLS/sanctl", "ROOT/san", "delete", "{name}"]
  snapshot = ["TOOLS/sanctl", "ROOT/san", "snapshot", "{source}", "{name}", "{mark}"]
  clone    = ["TOOLS/sanctl", "ROOT/san", "clone", "{source}", "{name}", "{mark}"]
  list {
    LIST
  }
}

hypervisor "command" "xen" {
  path   = "ROOT/dom0"
  attach = ["TOOLS/xm", "ROOT/vms", "block-attach", "{vm}", "phy:{host_path}", "{device}", "w"]
  detach = ["TOOLS/xm", "ROOT/vms", "block-detach", "{vm}", "{device}"]
  list {
    command = ["TOOLS/xm", "ROOT/vms", "list", "{vm}"]
    pattern = "^\\s*\\(dev (?<device>[a-z0-9]+)(:disk)?\\)$"
    ignore  = "^\\s*[()]"
    absent  = "Domain '.*' does not exist"
  }
}
"#;

const LINES: &str = r#"
    command = ["TOOLS/sanctl", "ROOT/san", "list"]
    pattern = "^(?<name>\\S+) (?<size_bytes>\\d+) (?<mark>\\S+)$"
    ignore  = "^NAME "
"#;

const JSON: &str = r#"
    command    = ["TOOLS/sanctl", "ROOT/san", "json"]
    format     = "json"
    items      = "pool.volumes"
    name       = "name"
    size_bytes = "size.bytes"
    mark       = "meta.note"
"#;

/// No room for a mark.
const BARE: &str = r#"
    command = ["TOOLS/sanctl", "ROOT/san", "bare"]
    pattern = "^(?<name>\\S+) (?<size_bytes>\\d+)$"
"#;

const VOLUMES: &str = r#"
volume "db" {
  pool = pool.san
  size = "1MiB"
}

snapshot "before" { volume = volume.db }

volume "copy" {
  pool   = pool.san
  source = snapshot.before
  size   = "2MiB"
}

attachment "web" {
  volume     = volume.db
  hypervisor = hypervisor.xen
  vm         = "web"
  device     = "xvdb"
}
"#;

struct San {
    bench: Bench,
    list: &'static str,
}

impl San {
    /// With somebody else's volume and disk in it, and nothing of ours.
    fn new(list: &'static str) -> San {
        let san = San { bench: Bench::new(""), list };
        for directory in ["san", "vms/web"] {
            fs::create_dir_all(san.bench.at(directory)).unwrap();
        }
        san.ctl("create theirs 4096 mine");
        fs::write(san.bench.at("vms/web/xvda"), "w /their/disk\n").unwrap();
        san.declare(VOLUMES);
        san
    }

    fn declare(&self, blocks: &str) {
        let containers = CONTAINERS.replace("LIST", self.list).replace("TOOLS", TOOLS);
        self.bench.write(&format!("{containers}{blocks}"));
    }

    fn ctl(&self, arguments: &str) {
        let mut tool = Command::new(format!("{TOOLS}/sanctl"));
        tool.arg(self.bench.at("san")).args(arguments.split(' '));
        assert!(tool.status().unwrap().success(), "{arguments}");
    }

    fn fault(&self, words: &str) {
        fs::write(self.bench.at("san.fault"), format!("{words}\n")).unwrap();
    }

    fn mend(&self) {
        fs::remove_file(self.bench.at("san.fault")).unwrap();
    }

    /// Everything that a volume server and a hypervisor hold, and what vbs keeps beside it.
    fn world(&self) -> BTreeMap<PathBuf, String> {
        let parts = ["san", "vms", "seat", "dom0"].map(|part| tree(&self.bench.at(part)));
        parts.into_iter().flatten().collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.bench.at("san")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn volumes_live_and_go_on_a_server_that_vbs_does_not_know() {
    for list in [LINES, JSON, BARE] {
        let san = San::new(list);
        let before = san.world();
        san.bench.apply().succeeds().says("Apply complete!");
        assert_eq!(san.names(), ["before", "copy", "db", "theirs"]);
        assert!(fs::read_to_string(san.bench.at("vms/web/xvdb")).unwrap().contains("/san/db/data.img"));
        san.bench.settled();

        // Grown and detached; then to the trash and back.
        fs::write(san.bench.at("san/db/data.img"), vec![b'x'; 1 << 20]).unwrap();
        let without = VOLUMES.split("attachment").next().unwrap();
        let grown = without.replacen("1MiB", "2MiB", 1);
        san.declare(&grown);
        san.bench.apply().succeeds().says("Point of no return: grow volume db");
        san.bench.settled();
        san.declare(
            &grown[grown.find("volume \"copy\"").unwrap()..].replace("  source = snapshot.before\n", ""),
        );
        san.bench.apply().succeeds();
        let kept = san.names().into_iter().find(|name| name.starts_with("vbs-trash-")).unwrap();
        assert_eq!(san.names(), ["copy", "theirs", &kept]);
        san.bench.settled();
        let id = san.bench.recorded().trash.keys().next().unwrap().to_string();
        let restore = "volume \"again\" {\n pool = pool.san\n size = \"2MiB\"\n name = \"db\"\n}\n";
        san.declare(
            &(restore.to_owned()
                + &grown[grown.find("volume \"copy\"").unwrap()..]
                    .replace("  source = snapshot.before\n", "")),
        );
        san.bench.vbs(&format!("trash restore {id} --to volume.again")).succeeds();
        assert!(fs::read(san.bench.at("san/db/data.img")).unwrap().starts_with(b"xxxx"));
        san.bench.settled();

        san.bench.vbs("destroy --purge --auto-approve").succeeds();
        assert_eq!(san.world(), before, "something was left or taken");
    }
}

#[test]
fn a_check_finds_the_programs_of_templates() {
    let san = San::new(LINES);
    san.bench.vbs("host check").succeeds().never_says("is not there");
    let wrong = CONTAINERS
        .replace("[\"TOOLS/sanctl\", \"ROOT/san\", \"grow\"", "[\"TOOLS/sanctl2\", \"grow\"")
        .replace("[\"TOOLS/xm\", \"ROOT/vms\", \"block-attach\"", "[\"xm-of-nobody\"")
        .replace("LIST", LINES)
        .replace("TOOLS", TOOLS);
    san.bench.write(&wrong);
    let checked = san.bench.vbs("host check").ends(1);
    checked
        .says(&format!("! pool.san: {TOOLS}/sanctl2, the program of grow, is not there"))
        .says("! hypervisor.xen: xm-of-nobody, the program of attach, is not there")
        .never_says("the program of list.command");
}

/// At every boundary of a run vbs is killed; what recovery leaves is what was before, and what an apply makes after it is
/// whole.
#[test]
fn a_run_that_is_killed_anywhere_is_closed() {
    let san = San::new(BARE);
    let before = san.world();
    let mut number = 1;
    loop {
        let mut apply = san.bench.command("apply --auto-approve");
        let run = Run::of(apply.env("VBS_FAULT", format!("kill@{number}")));
        if run.code == Some(0) {
            break;
        }
        assert_eq!(run.code, None, "kill@{number}: {run:?}");
        san.bench.vbs("recover --auto-approve").succeeds();
        if san.bench.recorded().records.is_empty() {
            assert_eq!(san.world(), before, "kill@{number}");
        } else {
            san.bench.settled();
            san.bench.vbs("destroy --purge --auto-approve").succeeds();
            assert_eq!(san.world(), before, "kill@{number}, destroyed");
        }
        // Every fourth one: the table of boundaries is walked in full with a pool of files.
        number += 4;
    }
    assert!(number > 20, "{number} boundaries are too few");
    san.bench.settled();
}

#[test]
fn a_tool_that_fails_lies_or_dies_leaves_everything_as_it_was() {
    for (list, fault) in [
        (LINES, "clone fail"),
        (LINES, "snapshot lie"),
        (JSON, "grow lie"),
        (JSON, "create die"),
        (BARE, "clone die"),
        (BARE, "snapshot fail"),
    ] {
        let san = San::new(list);
        let before = san.world();
        san.fault(fault);
        let run = san.bench.apply();
        assert_ne!(run.code, Some(0), "{fault}: {run:?}");
        san.mend();
        assert_eq!(san.world(), before, "{fault}: {run:?}");
        san.bench.apply().succeeds();
        san.bench.settled();
    }
    for (list, fault) in [(LINES, "create grumble"), (JSON, "clone half"), (BARE, "rename grumble")] {
        let san = San::new(list);
        san.fault(fault);
        san.bench.apply().succeeds();
        san.bench.settled();
        san.bench.vbs("destroy --purge --auto-approve").succeeds();
        assert_eq!(san.names(), ["theirs"], "{fault}");
    }
}

#[test]
fn what_others_do_is_seen_and_what_is_theirs_is_left_alone() {
    for list in [LINES, JSON, BARE] {
        let san = San::new(list);
        san.ctl("create db 1048576 theirs-too");
        let before = san.world();
        san.bench.vbs("plan").refuses("db").says("pool.san");
        san.bench.apply().refuses("db");
        assert_eq!(san.world(), before);
        san.ctl("delete db");
        san.bench.apply().succeeds();

        // Grown by hand, and destroyed by hand.
        san.ctl("grow copy 4194304");
        san.bench.vbs("drift").ends(2).says("volume.copy");
        san.ctl("delete copy");
        san.bench.vbs("plan").refuses("Vanished").says("volume.copy");
        san.bench.vbs("apply --auto-approve --recreate volume.copy").succeeds();
        san.bench.settled();

        // A list that is out of order says nothing of what is there.
        let verb = if list == LINES {
            "list"
        } else if list == JSON {
            "json"
        } else {
            "bare"
        };
        let whole = san.world();
        for how in ["fail", "garble"] {
            san.fault(&format!("{verb} {how}"));
            san.bench.vbs("plan").refuses("Cannot be looked at").says("pool.san");
            san.bench.vbs("destroy --auto-approve").refuses("Cannot be looked at");
            san.mend();
        }
        assert_eq!(san.world(), whole);
    }
}

/// Without a rename there is no trash: the plan says that it is for good.
#[test]
fn without_a_rename_a_destroy_is_for_good_and_says_so() {
    let san = San::new(LINES);
    let volume = "volume \"db\" {\n pool = pool.san\n size = \"1MiB\"\n}\n";
    san.declare(volume);
    let file = san.bench.at("ws/main.vbs.hcl");
    let cut = |text: String| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("rename"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    fs::write(&file, cut(fs::read_to_string(&file).unwrap())).unwrap();
    san.bench.apply().succeeds();
    san.declare("");
    fs::write(&file, cut(fs::read_to_string(&file).unwrap())).unwrap();
    san.bench.vbs("plan").succeeds().says("has no template `rename`");
    san.bench.apply().succeeds();
    assert_eq!(san.names(), ["theirs"]);
    assert!(san.bench.recorded().trash.is_empty());
}

/// What cannot work is found before anybody is asked, each at its place.
#[test]
fn what_is_wrong_with_a_template_is_found_by_validate() {
    let san = San::new(LINES);
    let file = san.bench.at("ws/main.vbs.hcl");
    let text = fs::read_to_string(&file).unwrap();
    for (from, to, said) in [
        ("\"{name}\", \"{new_name}\"", "\"{name}\", \"{newname}\"", "Did you mean {new_name}?"),
        ("\"{size_bytes}\", \"{mark}\"", "\"{size_bytes}\"", "use {mark}"),
        ("(?<size_bytes>", "(?<size>", "no group `size_bytes`"),
        ("(?<name>\\\\S+)", "(?<name>\\\\S+", "cannot be read as a regular expression"),
        ("ignore  = \"^NAME \"", "formt = \"json\"", "Did you mean `list.format`?"),
        ("  list {", "  lists {", "list"),
        ("size   = \"2MiB\"", "size   = \"2MiB\"\n  name = \"a b\"", "cannot be a name here"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        fs::write(&file, wrong).unwrap();
        san.bench.vbs("validate").refuses(if said.starts_with("Did you mean `list") {
            "Did you mean"
        } else {
            said
        });
    }
    let wrong = text.replacen("\"{name}\", \"{new_name}\"", "\"{name}\", \"{newname}\"", 1);
    fs::write(&file, wrong).unwrap();
    san.bench.vbs("validate").refuses("rename").says("main.vbs.hcl line 9");
}
