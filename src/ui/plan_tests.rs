//! Plans as a user sees them.

use uuid::Uuid;

use super::*;
use crate::model::{Action, Bytes, GuardDirectory, HostName, InstanceKey, ObjectKey, Part, Texts};
use crate::plan::step::{Proof, Step, StepId, Title, TitleVerb, Undo};
use crate::plan::{AttributeChange, FORMAT, Shown};

pub(in crate::ui) fn plan(changes: Vec<ResourceChange>, steps: Vec<Step>) -> Plan {
    Plan {
        format: FORMAT,
        workspace: "shop".to_owned(),
        lineage: Uuid::nil(),
        mode: Mode::Normal,
        changes,
        drift: Vec::new(),
        looked: true,
        selected: false,
        steps,
        edges: Vec::new(),
        state_effects: Vec::new(),
        containers: std::collections::BTreeMap::new(),
        pools: Vec::new(),
        hosts: Default::default(),
    }
}

pub(in crate::ui) fn step(id: &str, verb: TitleVerb, object: &str, undo: Undo) -> Step {
    Step {
        id: StepId(id.to_owned()),
        object: ObjectKey::new(Address::new(Kind::Volume, "db"), Part::VOLUME),
        host: HostName("store1".to_owned()),
        guard: GuardDirectory("/srv/.vbs".to_owned()),
        title: Title { verb, object: object.to_owned(), detail: String::new() },
        run: Action {
            provider: "file".into(),
            verb: "create".into(),
            arguments: Texts::default(),
            secrets: Vec::new(),
        },
        undo,
        proof: Proof { done: Vec::new(), not_done: Vec::new() },
        effects: Vec::new(),
        claims: Vec::new(),
        copies: Bytes::ZERO,
        holds: crate::plan::step::Holds::Guard,
    }
}

pub(in crate::ui) fn change(
    address: &str,
    action: ChangeAction,
    attributes: Vec<AttributeChange>,
) -> ResourceChange {
    ResourceChange {
        address: address.parse().unwrap(),
        layer: None,
        previous_address: None,
        action,
        reason: String::new(),
        attributes,
        unchanged_attributes: 0,
    }
}

pub(in crate::ui) fn attribute(name: &str, before: Option<Shown>, after: Option<Shown>) -> AttributeChange {
    AttributeChange { name: name.to_owned().into(), before, after, forces_replacement: false }
}

pub(in crate::ui) fn text(value: &str) -> Option<Shown> {
    Some(Shown::Text(value.to_owned()))
}

pub(in crate::ui) fn bare(value: &str) -> Option<Shown> {
    Some(Shown::Bare(value.to_owned()))
}

fn shown(plan: &Plan) -> String {
    let mut out = Vec::new();
    render(plan, Style::PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn one_block(change: ResourceChange) -> String {
    let shown = shown(&plan(vec![change], vec![step("a", TitleVerb::Grow, "x", Undo::Nothing)]));
    let (_, rest) = shown.split_once("actions:\n\n").unwrap();
    rest.split_once("\nPlan:").unwrap().0.to_owned()
}

#[test]
fn a_plan_reads_as_documented() {
    let mut pool = change("pool.fast", ChangeAction::Create, Vec::new());
    pool.reason = "first use by this workspace".to_owned();
    let created = change(
        "volume.db",
        ChangeAction::Create,
        vec![
            attribute("pool", None, bare("pool.fast")),
            attribute("size", None, text("20 GiB")),
            attribute("on", None, text("vg0/db on store1")),
        ],
    );
    let mut grown =
        change("volume.logs", ChangeAction::Update, vec![attribute("size", text("10 GiB"), text("20 GiB"))]);
    grown.unchanged_attributes = 3;
    let mut gone = change("volume.old", ChangeAction::Forget, Vec::new());
    gone.reason = "vanished from pool.fast".to_owned();
    let steps = vec![
        step("a", TitleVerb::Create, "volume db", Undo::Nothing),
        step("b", TitleVerb::Grow, "volume logs", Undo::Impossible { why: "seen".to_owned() }),
    ];
    let mut plan = plan(vec![pool, created, grown, gone], steps);
    plan.drift = vec![Drift {
        address: "volume.old".parse().unwrap(),
        what: "vanished from pool.fast".to_owned(),
        mended: true,
    }];
    plan.pools = vec![PoolUse {
        rooms: Vec::new(),
        pool: "pool.fast".parse().unwrap(),
        size: Bytes(100 << 30),
        before: Bytes(34 << 30),
        after: Bytes(64 << 30),
    }];
    let expected = r#"Changed outside of vbs since the last apply:

  ~ volume.old vanished from pool.fast (this plan mends it)

vbs will perform the following actions:

  + pool.fast will be prepared for use (first use by this workspace)

  # volume.db will be created
  + volume "db" {
      + pool = pool.fast
      + size = "20 GiB"
      + on   = "vg0/db on store1"
    }

  # volume.logs will grow in place
  ~ volume "logs" {
      ~ size = "10 GiB" -> "20 GiB"
        # (3 unchanged attributes hidden)
    }

  # volume.old will be forgotten
  # vanished from pool.fast
  . volume "old"

Plan: 1 to add, 1 to change, 0 to destroy, 1 to forget.
Revertible up to step 1 of 2. Point of no return: grow volume logs.
Pool fast: 34 GiB of 100 GiB used -> 64 GiB.
"#;
    assert_eq!(shown(&plan), expected);
}

#[test]
fn every_action_says_what_will_happen() {
    let mut moved = change("volume.db", ChangeAction::Record, Vec::new());
    moved.previous_address = Some("volume.old".parse().unwrap());
    assert_eq!(one_block(moved.clone()), "  # volume.old has moved to volume.db\n  ~ volume \"db\"\n");
    moved.action = ChangeAction::Destroy;
    moved.reason = "not in configuration".to_owned();
    let expected = "  # volume.db will be destroyed\n  # moved from volume.old\n  # not in configuration\n  - volume \"db\"\n";
    assert_eq!(one_block(moved), expected);
    let mut size = attribute("size", text("2 GiB"), text("1 GiB"));
    size.forces_replacement = true;
    assert_eq!(
        one_block(change("volume.db[\"a\"]", ChangeAction::Replace, vec![size])),
        "  # volume.db[\"a\"] must be replaced\n-/+ volume \"db\" {\n      ~ size = \"2 GiB\" -> \"1 GiB\" # forces \
         replacement\n    }\n"
    );
    let mut restored = change("volume.db", ChangeAction::Restore, Vec::new());
    restored.reason = "from snapshot.before".to_owned();
    restored.unchanged_attributes = 1;
    assert_eq!(
        one_block(restored),
        "  # volume.db will be restored from snapshot.before\n  ~ volume \"db\" {\n        # (1 unchanged attribute \
         hidden)\n    }\n"
    );
    let secret = attribute("token", Some(Shown::Sensitive), Some(Shown::Sensitive));
    let updated = one_block(change("volume.db", ChangeAction::Update, vec![secret]));
    assert!(
        updated.contains("will be updated in place") && updated.contains("(sensitive value) -> (sensitive")
    );
    assert!(one_block(change("volume.db", ChangeAction::Record, Vec::new())).contains("in the state only"));
}

#[test]
fn texts_of_several_lines_are_shown_as_a_difference() {
    let before: String = (1..=12).map(|n| format!("line {n}\n")).collect();
    let after = before.replace("line 9\n", "line nine\n");
    let block = one_block(change(
        "volume.db",
        ChangeAction::Update,
        vec![attribute("note", text(&before), text(&after))],
    ));
    let expected = r#"  # volume.db will be updated in place
  ~ volume "db" {
      ~ note = <<-EOT
            # (5 unchanged lines hidden)
            line 6
            line 7
            line 8
          - line 9
          + line nine
            line 10
            line 11
            line 12
        EOT
    }
"#;
    assert_eq!(block, expected);
    let created = one_block(change(
        "volume.db",
        ChangeAction::Create,
        vec![attribute("note", None, text("a\n\u{1b}b"))],
    ));
    assert!(
        created.contains("+ note = <<-EOT\n          + a\n          + \\u{1b}b\n        EOT\n"),
        "{created}"
    );
}

#[test]
fn no_changes_stands_alone_with_a_reason() {
    let mut empty = plan(Vec::new(), Vec::new());
    assert_eq!(shown(&empty), "No changes. What is configured, recorded and found on the hosts agrees.\n");
    empty.selected = true;
    assert_eq!(
        shown(&empty),
        "No changes in what was selected. What is configured, recorded and found on the hosts agrees there; what was left \
         out may differ.\n"
    );
    empty.selected = false;
    empty.looked = false;
    assert_eq!(shown(&empty), "No changes. What is configured and recorded agrees. No host was looked at.\n");
    empty.mode = Mode::Destroy;
    assert_eq!(shown(&empty), "No changes. There is nothing to destroy.\n");
}

#[test]
fn drift_is_reported_apart_from_a_plan() {
    let report = |found: &[Drift]| {
        let mut out = Vec::new();
        drift_report(found, Style::PLAIN, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(report(&[]), "No drift. Every recorded object is as it was recorded.\n");
    let size = Drift {
        address: "volume.db".parse().unwrap(),
        what: "size is 5 GiB, recorded 10 GiB".to_owned(),
        mended: false,
    };
    assert!(report(&[size]).ends_with(":\n\n  ~ volume.db size is 5 GiB, recorded 10 GiB\n"));
}

#[test]
fn the_point_of_no_return_is_named_wherever_it_lies() {
    let undoable = step("a", TitleVerb::Create, "volume db", Undo::Nothing);
    let final_step = step("b", TitleVerb::Purge, "volume x", Undo::Impossible { why: "gone".to_owned() });
    assert_eq!(revertibility(&plan(vec![], vec![undoable])), "Every step can be reverted.");
    assert_eq!(
        revertibility(&plan(vec![], vec![final_step])),
        "No step can be reverted. Point of no return: purge volume x."
    );
    assert_eq!(revertibility(&plan(vec![], vec![])), "Only the state changes; nothing is done on any host.");
}

#[test]
fn hostile_names_and_values_reach_no_terminal() {
    let key = InstanceKey::Name("\u{1b}[2J\n\u{202e}".into());
    let mut hostile = change(
        "volume.db",
        ChangeAction::Update,
        vec![attribute("la\nbel\u{1b}", text("\u{1b}]0;x\u{7}"), bare("b\u{9b}\nc"))],
    );
    hostile.address = hostile.address.with_key(key);
    hostile.reason = "\u{1b}[31m\nforged line".to_owned();
    let mut all = plan(vec![hostile.clone()], Vec::new());
    all.drift = vec![Drift { address: hostile.address, what: "\u{1b}c\n".to_owned(), mended: false }];
    let shown = shown(&all);
    assert!(!shown.contains(|c: char| c != '\n' && c.is_control()) && !shown.contains('\u{202e}'), "{shown}");
    assert!(!shown.lines().any(|line| line.trim_start().starts_with("forged") || line.trim() == "bel"));
}

#[test]
fn a_plan_of_two_hundred_thousand_changes_is_written_as_it_goes() {
    /// Counts, and remembers the largest piece it was given.
    struct Counter(usize, usize);
    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            self.1 = self.1.max(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let one = change("volume.db", ChangeAction::Create, vec![attribute("size", None, text("1 GiB"))]);
    let changes = (0..200_000)
        .map(|index| ResourceChange {
            address: one.address.with_key(InstanceKey::Index(index)),
            ..one.clone()
        })
        .collect();
    let mut counter = Counter(0, 0);
    render(&plan(changes, Vec::new()), Style::PLAIN, &mut counter).unwrap();
    assert!(counter.0 > 200_000 * 60 && counter.1 < 1000, "{} bytes, {} at once", counter.0, counter.1);
}

#[test]
fn beside_errors_nothing_is_said_of_reverting() {
    let steps = vec![step("a", TitleVerb::Create, "volume db", Undo::Nothing)];
    let plan = plan(vec![change("volume.db", ChangeAction::Create, Vec::new())], steps);
    assert!(shown(&plan).contains("reverted"));
    let mut out = Vec::new();
    render_beside(&plan, true, Style::PLAIN, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("1 to add") && !text.contains("reverted"), "{text}");
}

#[test]
fn colour_is_used_only_when_asked() {
    let plan = plan(vec![change("volume.db", ChangeAction::Replace, Vec::new())], Vec::new());
    assert!(!shown(&plan).contains('\u{1b}'));
    let mut coloured = Vec::new();
    render(&plan, Style::COLOUR, &mut coloured).unwrap();
    assert!(String::from_utf8(coloured).unwrap().contains("\u{1b}[31m-"));
}
