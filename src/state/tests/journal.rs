use super::{Home, begin, info, put, put_pool, record, summary};
use crate::exit::Exit;
use crate::state::{
    Access, Direction, Evidence, OutputValue, RunKind, RunStatus, StepEvent, StepStatus, Store, StoredOutput,
};

#[test]
fn a_run_is_on_disk_before_anything_is_sent_and_survives_the_process() {
    let home = Home::new();
    let mut store = home.create();
    let plan = home.plan(3);
    let run = begin(&mut store, &plan);
    assert_eq!(run.epoch, 1);
    store.append(&run, &[(0, StepEvent::Intend, None), (1, StepEvent::Intend, None)]).unwrap();
    let reply = Evidence { why: "created".into(), status: Some(0), ..Evidence::default() };
    store.append(&run, &[(0, StepEvent::Answer, Some(reply.clone()))]).unwrap();
    // The process dies between the reply and the close.
    drop(store);
    let store = home.open();
    let open = store.open_run().unwrap().unwrap();
    assert_eq!(open.statuses, [StepStatus::Answered, StepStatus::Intent, StepStatus::Planned]);
    assert_eq!((open.plan, open.direction, open.status), (plan, Direction::Forward, RunStatus::Open));
    assert_eq!(store.evidence(run.id, 0).unwrap(), (Some(reply), None));
    assert!(store.snapshot().unwrap().open_run.is_some());
}

#[test]
fn an_unfinished_run_bars_the_next_one() {
    let home = Home::new();
    let mut store = home.create();
    let plan = home.plan(1);
    begin(&mut store, &plan);
    let failure = store.begin_run(RunKind::Apply, &plan, &info()).unwrap_err();
    assert_eq!(failure.exit, Exit::Locked);
    assert_eq!(summary::<()>(Err(failure)), "An unfinished run must be recovered first");
    assert_eq!(summary(store.write(&[put_pool()], 0)), "An unfinished run must be recovered first");
}

#[test]
fn closing_records_the_effects_at_once() {
    let home = Home::new();
    let mut store = home.create();
    let run = begin(&mut store, &home.plan(1));
    let volume = record("volume.db");
    let outputs = [StoredOutput { name: "path".into(), value: OutputValue::Clear("/x".into()) }];
    store.close_run(&run, RunStatus::Applied, &[put(&volume), put_pool()], Some(&outputs), 7).unwrap();
    assert_eq!(store.serial(), 1);
    let recorded = home.open().snapshot().unwrap();
    assert_eq!(recorded.records[&volume.object.key], volume);
    assert_eq!(recorded.containers.len(), 1);
    assert_eq!((recorded.outputs.as_slice(), recorded.serial, recorded.epoch), (outputs.as_slice(), 1, 1));
    assert!(recorded.open_run.is_none());
    let history = store.runs(10).unwrap();
    assert_eq!((history[0].status, history[0].closed_at), (RunStatus::Applied, Some(7)));
    // A reverted run records nothing, and the serial says so.
    let run = begin(&mut store, &home.plan(1));
    store.close_run(&run, RunStatus::Reverted, &[], None, 8).unwrap();
    assert_eq!((store.serial(), store.epoch()), (1, 2));
}

#[test]
fn a_close_that_contradicts_the_state_changes_nothing_and_leaves_the_run_open() {
    let home = Home::new();
    let mut store = home.create();
    let run = begin(&mut store, &home.plan(1));
    let homeless = record("volume.db");
    let refused = store.close_run(&run, RunStatus::Applied, &[put(&homeless)], None, 7);
    assert_eq!(summary(refused), "This is a bug in vbs");
    let recorded = store.snapshot().unwrap();
    assert!(recorded.records.is_empty() && recorded.open_run.is_some());
}

#[test]
fn a_run_is_not_closed_while_a_step_is_in_doubt() {
    let home = Home::new();
    let mut store = home.create();
    let run = begin(&mut store, &home.plan(1));
    for event in [StepEvent::Intend, StepEvent::Answer, StepEvent::Doubt] {
        store.append(&run, &[(0, event, None)]).unwrap();
        let closed = store.close_run(&run, RunStatus::Applied, &[], None, 1);
        assert_eq!(summary(closed), "This is a bug in vbs", "after {event:?}");
    }
    store.append(&run, &[(0, StepEvent::ProveDone, None)]).unwrap();
    store.close_run(&run, RunStatus::Applied, &[], None, 1).unwrap();
}

#[test]
fn an_illegal_event_rolls_the_whole_batch_back() {
    let home = Home::new();
    let mut store = home.create();
    let run = begin(&mut store, &home.plan(2));
    let batch = [(0, StepEvent::Intend, None), (1, StepEvent::Answer, None)];
    assert_eq!(summary(store.append(&run, &batch)), "This is a bug in vbs");
    assert_eq!(store.open_run().unwrap().unwrap().statuses, [StepStatus::Planned; 2]);
    assert!(store.append(&run, &[(2, StepEvent::Intend, None)]).is_err(), "there is no such step");
}

#[test]
fn a_holder_that_was_fenced_off_writes_nothing_more() {
    let home = Home::new();
    let mut stale = home.create();
    let run = begin(&mut stale, &home.plan(2));
    stale.append(&run, &[(0, StepEvent::Intend, None)]).unwrap();
    let mut other = home.open();
    let taken = other.adopt_run(run.id).unwrap();
    assert!(taken.epoch > run.epoch);
    let failures = [
        stale.append(&run, &[(0, StepEvent::Answer, None)]),
        stale.set_direction(&run, Direction::Reverting),
        stale.close_run(&run, RunStatus::Applied, &[put(&record("volume.db")), put_pool()], None, 1),
        stale.mark_stuck(&run, "x"),
        stale.raise_epoch(&run).map(|_| ()),
    ];
    for failure in failures {
        let failure = failure.unwrap_err();
        assert_eq!(failure.exit, Exit::Locked);
        assert_eq!(summary::<()>(Err(failure)), "This run was fenced off");
    }
    assert_eq!(other.open_run().unwrap().unwrap().statuses, [StepStatus::Intent, StepStatus::Planned]);
    other.append(&taken, &[(0, StepEvent::Doubt, None)]).unwrap();
    other.append(&taken, &[(0, StepEvent::ProveNotDone, None)]).unwrap();
    other.close_run(&taken, RunStatus::Reverted, &[], None, 2).unwrap();
}

#[test]
fn a_fence_without_a_run_stops_a_stale_holder_too() {
    let home = Home::new();
    let mut stale = home.create();
    home.open().fence().unwrap();
    assert_eq!(summary(stale.write(&[put_pool()], 0)), "The state changed meanwhile");
    assert_eq!(
        summary(stale.begin_run(RunKind::Apply, &home.plan(1), &info())),
        "The state changed meanwhile"
    );
    assert!(home.open().snapshot().unwrap().open_run.is_none());
}

#[test]
fn a_run_that_reverts_keeps_its_direction_through_a_crash() {
    let home = Home::new();
    let mut store = home.create();
    let run = begin(&mut store, &home.plan(1));
    store.append(&run, &[(0, StepEvent::Intend, None), (0, StepEvent::Doubt, None)]).unwrap();
    store.set_direction(&run, Direction::Reverting).unwrap();
    let why = Evidence { why: "device busy".into(), stderr: "é".repeat(5000), ..Evidence::default() };
    store.append(&run, &[(0, StepEvent::IntendUndo, None), (0, StepEvent::FailUndo, Some(why))]).unwrap();
    store.mark_stuck(&run, "one undo failed").unwrap();
    drop(store);
    let mut store = home.open();
    let open = store.open_run().unwrap().unwrap();
    assert_eq!(
        (open.direction, open.status, open.note.as_str()),
        (Direction::Reverting, RunStatus::Stuck, "one undo failed")
    );
    assert_eq!(open.statuses, [StepStatus::UndoFailed]);
    let (forward, undo) = store.evidence(open.id, 0).unwrap();
    let undo = undo.unwrap();
    assert!(forward.is_none() && undo.why == "device busy" && undo.stderr.len() == 4096);
    let run = store.adopt_run(open.id).unwrap();
    assert!(store.set_direction(&run, Direction::Forward).is_err());
    store.append(&run, &[(0, StepEvent::IntendUndo, None), (0, StepEvent::Undo, None)]).unwrap();
    store.close_run(&run, RunStatus::Reverted, &[], None, 3).unwrap();
    assert_eq!(summary(store.adopt_run(run.id)), "The run is closed already");
}

#[test]
fn twenty_thousand_steps_take_a_bounded_number_of_commits() {
    let home = Home::new();
    let mut store = home.create();
    let plan = home.plan(20_000);
    let run = begin(&mut store, &plan);
    assert_eq!(store.commits(), 1);
    for event in [StepEvent::Intend, StepEvent::Answer, StepEvent::ProveDone] {
        let events: Vec<_> = (0..20_000).map(|step| (step, event, None)).collect();
        store.append(&run, &events).unwrap();
    }
    let mut effects: Vec<_> = (0..20_000).map(|n| put(&record(&format!("volume.v[{n}]")))).collect();
    effects.push(put_pool());
    store.close_run(&run, RunStatus::Applied, &effects, None, 1).unwrap();
    assert_eq!(store.commits(), 5);
    assert_eq!(store.snapshot().unwrap().records.len(), 20_000);
}

#[test]
fn a_journal_in_an_unknown_format_is_refused_and_not_skipped() {
    let home = Home::new();
    let mut store = home.create();
    begin(&mut store, &home.plan(1));
    store.connection().execute("UPDATE plan SET format = 99", []).unwrap();
    let failure = store.open_run().unwrap_err();
    assert_eq!(failure.exit, Exit::Locked);
    assert_eq!(summary::<()>(Err(failure)), "The open run was begun by another version");
    assert!(
        store.connection().execute("UPDATE step SET status = 'perhaps'", []).is_err(),
        "the table has a CHECK"
    );
}

#[test]
fn a_plan_without_a_lock_sees_the_open_run() {
    let home = Home::new();
    let mut store = home.create();
    begin(&mut store, &home.plan(1));
    let mut reader = Store::open(&home.path(), "shop", Access::Read).unwrap().unwrap();
    assert_eq!(reader.snapshot().unwrap().open_run.unwrap().holder, "alice on admin1 (pid 1)");
    assert!(reader.write(&[put_pool()], 0).is_err(), "a reader cannot write");
}

#[test]
fn old_runs_lose_their_plans_and_stay_in_the_history() {
    let home = Home::new();
    let mut store = home.create();
    for now in 0..9 {
        let run = begin(&mut store, &home.plan(2));
        store.close_run(&run, RunStatus::Applied, &[], None, now).unwrap();
    }
    assert_eq!(store.runs(100).unwrap().len(), 9);
    assert_eq!(store.runs(2).unwrap()[0].closed_at, Some(8));
    let count = |sql: &str| store.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM plan"), 6);
    assert_eq!(count("SELECT count(DISTINCT run) FROM step"), 6);
}

#[test]
fn what_recovery_needs_for_the_outputs_lies_with_the_run() {
    let home = Home::new();
    let mut store = home.create();
    let outputs = vec![StoredOutput { name: "n".into(), value: OutputValue::Clear(1.into()) }];
    let about = crate::state::RunInfo { outputs: Some(outputs.clone()), ..info() };
    store.begin_run(RunKind::Apply, &home.plan(1), &about).unwrap();
    assert_eq!(home.open().open_run().unwrap().unwrap().outputs, Some(outputs));
}
