//! What vbs costs on real LVM. What can be counted is counted and bounded; what takes time is measured beside the bare
//! commands, on the same machine in the same minute, and printed: docs/performance.md says what it came to.

use std::time::{Duration, Instant};

use crate::Case;
use crate::lab::{Lab, quoted};
use crate::machine::Host;
use crate::scene::{STORAGE, Scene};
use crate::storage::DISK_B;
use crate::workspace::Output;

pub const CASES: &[Case] = &[
    Case::of("speed: a plan asks for one report, however much is there", one_report).on(STORAGE).shared(),
    Case::of("speed: a command for each volume, and one to purge them all", one_command_each).on(STORAGE),
    Case::of("measure_plan_of_1000_volumes", measure_plan).on(STORAGE),
    Case::of("measure_create_and_destroy_50_volumes", measure_changes).on(STORAGE),
];

/// From now on every LVM command of the machine leaves a line, until they are [looked at](commands).
fn watch(lab: &Lab) {
    lab.ok("mkdir /root/real; mv /usr/sbin/lvm /root/real/lvm; \
            printf '%s\\n' '#!/bin/sh' 'name=${0##*/}' '[ \"$name\" != lvm ] || name=' \
              'printf \"%s\\n\" \"$name ${1-}\" >> /run/lvm-commands' 'exec /root/real/lvm $name \"$@\"' > /usr/sbin/lvm; \
            chmod +x /usr/sbin/lvm; : > /run/lvm-commands");
}

/// What was run since the last look: the name of each LVM command, `fullreport` and `lvcreate` among them.
fn commands(lab: &Lab) -> Vec<String> {
    let run = lab.ok("cat /run/lvm-commands; : > /run/lvm-commands");
    run.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn count(commands: &[String], name: &str) -> usize {
    commands.iter().filter(|command| *command == name).count()
}

/// Everything but looking.
fn changing(commands: &[String]) -> Vec<&str> {
    const LOOKING: [&str; 7] = ["fullreport", "lvs", "vgs", "pvs", "version", "lvmconfig", "vgcfgbackup"];
    commands.iter().map(String::as_str).filter(|command| !LOOKING.contains(command)).collect()
}

/// How often vbs asked a host something and waited for the answer.
pub fn round_trips(output: &Output, host: &str) -> usize {
    let asked = |line: &&str| line.contains("vbs::hosts: asked") && line.contains(&format!("host={host} "));
    output.stderr.lines().filter(asked).count()
}

const MANY: usize = 1000;

/// A volume group `vg1` with a thousand volumes, written as metadata and not made one by one.
fn thousand(lab: &Lab) {
    lab.ok(&format!("pvcreate -qq --metadatasize 8M {DISK_B}; vgcreate -qq vg1 {DISK_B}; \
         lvcreate -qq -an -Wn -Zn -l 1 --addtag backup -n v0 vg1 2>/dev/null; vgcfgbackup -qq -f /run/one vg1 >/dev/null"));
    // Tabs indent what LVM writes: a volume's block begins and ends with two.
    let program = r#"
        /^\t\tv0 \{/ { inside = 1 }
        inside { block = block $0 "\n" }
        !inside { print }
        inside && /^\t\t\}/ {
            inside = 0
            for (i = 0; i < many; i++) {
                text = block
                sub(/v0 \{/, "v" i " {", text)
                sub(/id = "[^"]*"/, sprintf("id = \"vbslab-0000-0000-0000-0000-0000-%06d\"", i), text)
                sub(/"pv0", 0/, "\"pv0\", " i, text)
                printf "%s", text
            }
        }"#;
    lab.ok(&format!(
        "awk -v many={MANY} {} /run/one > /run/many; vgcfgrestore -qq -f /run/many vg1",
        quoted(program)
    ));
    assert_eq!(lab.ok("vgs --noheadings -o lv_count vg1").trim(), MANY.to_string());
}

fn big_pool(lab: &Lab) {
    lab.write(
        "main.vbs.hcl",
        &format!(
            "{}pool \"lvm\" \"big\" {{\n  host = host.store1\n  volume_group = \"vg1\"\n}}\n\
             volume \"new\" {{\n  pool = pool.big\n  size = \"4MiB\"\n}}\n",
            lab.host_block()
        ),
    );
}

/// Three pools on one host, too: they are looked at in one go.
fn one_report(lab: &Lab) {
    let scene = Scene::open(lab);
    thousand(lab);
    watch(lab);
    big_pool(lab);
    for (arguments, code) in [(&["plan", "--log-level", "debug"][..], 0), (&["apply", "--auto-approve"], 0)] {
        let before = lab.ok("lvs --noheadings vg1 | wc -l; : > /run/lvm-commands");
        assert!(before.trim().parse::<usize>().unwrap() >= MANY);
        let output = lab.vbs(arguments).exits(code);
        let run = commands(lab);
        if arguments[0] == "plan" {
            assert!(
                (1..=3).contains(&round_trips(&output, "store1")),
                "{} round trips",
                round_trips(&output, "store1")
            );
            assert_eq!(count(&run, "fullreport"), 1, "{run:?}");
            assert_eq!(changing(&run), [""; 0]);
            assert!(run.len() <= 4, "{run:?}");
        } else {
            assert_eq!(changing(&run), ["lvcreate"], "{run:?}");
        }
    }
    let all = lab.workspace.read("main.vbs.hcl");
    scene.declare("");
    let pools = lab.workspace.read("main.vbs.hcl");
    lab.write("main.vbs.hcl", &(pools + all.split_once("}\n").unwrap().1));
    lab.ok(": > /run/lvm-commands");
    let output = lab.vbs(&["plan", "--log-level", "debug"]).exits(0).says("No changes.");
    assert!(
        (1..=3).contains(&round_trips(&output, "store1")),
        "{} round trips",
        round_trips(&output, "store1")
    );
    assert_eq!(count(&commands(lab), "fullreport"), 1);
    scene.strangers_are_unharmed();
}

const FIFTY: &str =
    "volume \"v\" {\n  count = 50\n  name = \"v${count.index}\"\n  pool = pool.thin\n  size = \"4MiB\"\n}\n";

fn one_command_each(lab: &Lab) {
    let scene = Scene::open(lab);
    watch(lab);
    scene.declare(FIFTY);
    lab.vbs(&["apply", "--auto-approve"]).exits(0).says("50 added");
    assert_eq!(changing(&commands(lab)), ["lvcreate"; 50]);
    assert_eq!(scene.live().len(), 50);
    lab.ok(": > /run/lvm-commands");
    lab.vbs(&["destroy", "--purge", "--auto-approve"]).exits(0).says("50 destroyed");
    let run = commands(lab);
    // Each is laid down before it is renamed, which costs less than renaming what is active.
    let counted = ["lvchange", "lvrename", "lvremove"].map(|name| count(&run, name));
    assert_eq!((counted, changing(&run).len()), ([50, 50, 1], 101), "{run:?}");
    // One look before all are removed, and one before the pool is left.
    assert_eq!(count(&run, "lvs"), 2, "{run:?}");
    scene.nothing_is_left();
}

/// How long a command takes in the machine, measured there.
fn bare(lab: &Lab, script: &str) -> Duration {
    bare_on(lab, Host::Store1, script)
}

pub fn bare_on(lab: &Lab, host: Host, script: &str) -> Duration {
    let took = lab.ok_on(
        host,
        &format!(
            "begun=$(date +%s%N)
             {{ {script}; }} >/run/bare 2>&1 || {{ tail -n 20 /run/bare >&2; exit 1; }}
             echo $(($(date +%s%N) - begun))"
        ),
    );
    Duration::from_nanos(took.parse().unwrap())
}

/// What opening connections to the hosts takes, side by side: the login, and what the host does for it before the first
/// command begins.
pub fn opening(lab: &Lab) -> Duration {
    let of = |host: Host| {
        let took = |anew: bool| median((0..5).map(|_| lab.nothing_over_ssh(host, anew)).collect());
        took(true).saturating_sub(took(false))
    };
    lab.hosts().into_iter().map(of).max().unwrap_or_default()
}

/// How long vbs takes, without `opening` the SSH connections.
pub fn with_vbs(lab: &Lab, opening: Duration, arguments: &[&str]) -> Duration {
    let begun = Instant::now();
    let output = lab.vbs(arguments);
    let took = begun.elapsed();
    assert!(output.code == 0, "{}", output.text());
    took.saturating_sub(opening)
}

pub fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

pub fn tell(what: &str, vbs: Duration, bare: Duration) {
    let (vbs, bare) = (vbs.as_secs_f64(), bare.as_secs_f64());
    println!("measured {what}: vbs {vbs:.2} s, bare {bare:.2} s, ratio {:.2}", vbs / bare);
}

/// The very report that vbs asks for, from its own script.
fn report() -> &'static str {
    let survey = include_str!("../../../src/providers/lvm/scripts/survey.sh");
    let begin = survey.find("lvm fullreport").unwrap();
    let end = begin + survey[begin..].find(" || failed").unwrap();
    &survey[begin..end]
}

fn measure_plan(lab: &Lab) {
    thousand(lab);
    big_pool(lab);
    lab.vbs(&["plan"]).exits(0);
    let opening = opening(lab);
    let mut all = (Vec::new(), Vec::new());
    for _ in 0..5 {
        all.0.push(with_vbs(lab, opening, &["plan"]));
        all.1.push(bare(lab, report()));
    }
    tell("plan beside 1,000 logical volumes", median(all.0), median(all.1));
}

fn measure_changes(lab: &Lab) {
    let scene = Scene::open(lab);
    scene.declare(FIFTY);
    let make = "for n in $(seq 50); do lvcreate -y -V 4M -n bare$n --thinpool tp0 vg0; done";
    let remove = "for n in $(seq 50); do lvremove -y vg0/bare$n; done";
    let opening = opening(lab);
    let mut all = [const { Vec::new() }; 4];
    for _ in 0..3 {
        all[0].push(with_vbs(lab, opening, &["apply", "--auto-approve"]));
        all[1].push(with_vbs(lab, opening, &["destroy", "--purge", "--auto-approve"]));
        all[2].push(bare(lab, make));
        all[3].push(bare(lab, remove));
    }
    let [vbs_make, vbs_remove, make, remove] = all.map(median);
    tell("50 thin volumes made", vbs_make, make);
    tell("50 thin volumes destroyed and purged", vbs_remove, remove);
}
