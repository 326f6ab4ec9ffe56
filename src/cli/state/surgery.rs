//! `vbs state mv` and `vbs state rm`: what the state says changes, and nothing on a host does.

use std::collections::BTreeSet;

use super::known;
use crate::cli::context::{Context, now};
use crate::cli::describe::unknown_address;
use crate::cli::situation::refuse_open_run;
use crate::cli::workspace::Located;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::{Exit, Failure};
use crate::model::{Address, ObjectKey, Record};
use crate::plan::moves::{self, Move};
use crate::plan::step::Effect;
use crate::state::{Access, Recorded};
use crate::ui::print;

pub fn mv(context: &mut Context, from: &Address, to: &Address, dry_run: bool) -> Result<Exit, Failure> {
    change(context, dry_run, |recorded| {
        if from.kind != to.kind {
            let detail = format!("{from} is a {} and cannot become a {}.", from.kind, to.kind);
            return Err(Diagnostic::error("Cannot be moved there", detail).into());
        }
        let wanted = Move { from: from.clone(), to: to.clone(), span: None };
        let effects = moves::apply(&recorded.records, &[wanted])?.effects;
        if effects.is_empty() {
            return Err(unknown_address(from, known(recorded)).into());
        }
        let lines = effects.iter().filter_map(|effect| match effect {
            Effect::Move { from, to } => Some(format!("{from} is now {to}")),
            _ => None,
        });
        let mut lines: Vec<String> = lines.collect();
        lines.push("Declare it under that address, or the next plan destroys it.".to_owned());
        Ok(Surgery { effects, lines })
    })
}

pub fn rm(context: &mut Context, addresses: &[Address], dry_run: bool) -> Result<Exit, Failure> {
    change(context, dry_run, |recorded| forget(recorded, addresses))
}

/// What is to be written, and what is said of it.
struct Surgery {
    effects: Vec<Effect>,
    lines: Vec<String>,
}

/// A backup first, and all of it or nothing.
fn change(
    context: &mut Context,
    dry_run: bool,
    decide: impl FnOnce(&Recorded) -> Result<Surgery, Failure>,
) -> Result<Exit, Failure> {
    let located = Located::find(context);
    if dry_run {
        let store = located.open(context, Access::Read)?;
        let recorded = store.map(|store| store.snapshot()).transpose()?;
        let surgery = match &recorded {
            Some(recorded) => decide(recorded)?,
            None => decide(&crate::cli::situation::nothing_recorded(""))?,
        };
        print::data(&format!("Nothing was written. It would be:\n\n{}\n", surgery.lines.join("\n")))?;
        return Ok(Exit::Success);
    }
    let (_lock, mut store) = located.hold(context)?;
    let recorded = store.snapshot()?;
    refuse_open_run(&recorded)?;
    let surgery = decide(&recorded)?;
    store.backup()?;
    store.write(&surgery.effects, now())?;
    print::data(&format!("{}\n", surgery.lines.join("\n")))?;
    Ok(Exit::Success)
}

fn forget(recorded: &Recorded, addresses: &[Address]) -> Result<Surgery, Failure> {
    let mut problems = Diagnostics::new();
    for asked in addresses.iter().filter(|asked| !known(recorded).any(|known| asked.covers(known))) {
        problems.push(unknown_address(asked, known(recorded)));
    }
    let goes = |address: &Address| addresses.iter().any(|asked| asked.covers(address));
    let records = with_their_way(recorded, &goes);
    let containers: BTreeSet<&Address> = recorded.containers.keys().filter(|address| goes(address)).collect();
    for container in &containers {
        problems.extend(refuse_in_use(recorded, container, &goes));
    }
    if problems.has_errors() {
        return Err(problems.into());
    }
    let mut lines: Vec<String> = records.iter().map(|record| forgotten(record)).collect();
    if !records.is_empty() {
        lines.push(
            "What was forgotten stays on its host as it is, marked as this workspace's. Until it is removed there by \
             hand, every plan says that it is ours and not recorded; `vbs state rebuild` takes it in again."
                .to_owned(),
        );
    }
    lines
        .extend(containers.iter().map(|address| format!("Forgot {address}, in which nothing was recorded.")));
    let effects = records.iter().map(|record| Effect::Forget(record.object.key.clone()));
    let effects = effects.chain(containers.into_iter().cloned().map(Effect::ForgetContainer)).collect();
    Ok(Surgery { effects, lines })
}

/// The records of addresses, and with the last attachment that needs it what leads to a disk: left in the state, the next
/// apply would take it away below a disk that is still there.
fn with_their_way<'a>(recorded: &'a Recorded, goes: &dyn Fn(&Address) -> bool) -> Vec<&'a Record> {
    let all = &recorded.records;
    let mut gone: BTreeSet<&ObjectKey> = all.keys().filter(|key| goes(&key.address)).collect();
    loop {
        let before = gone.len();
        let links = gone.iter().filter_map(|key| Some(&all.get(key)?.object.body.link()?.key));
        let unused = |link: &&ObjectKey| {
            let users = all
                .values()
                .filter(|user| user.object.body.link().is_some_and(|needed| needed.key == **link));
            users.into_iter().all(|user| gone.contains(&user.object.key))
        };
        let more: Vec<&ObjectKey> = links.filter(unused).collect();
        gone.extend(more);
        if gone.len() == before {
            return all.values().filter(|record| gone.contains(&record.object.key)).collect();
        }
    }
}

fn forgotten(record: &Record) -> String {
    let object = &record.object;
    let name = object.body.name().map_or_else(String::new, |name| format!("{name:?}, "));
    format!("Forgot {} ({name}id {}, in {}).", object.key.shown(), object.id, object.container)
}

/// Where things lie must be known for as long as anything of ours lies there.
fn refuse_in_use(
    recorded: &Recorded,
    container: &Address,
    goes: &dyn Fn(&Address) -> bool,
) -> Option<Diagnostic> {
    let stays = recorded
        .records
        .values()
        .filter(|record| record.object.container == *container && !goes(&record.object.key.address));
    let mut held: Vec<String> = stays.map(|record| record.object.key.address.to_string()).collect();
    let trash = recorded.trash.values().filter(|entry| entry.record.object.container == *container);
    held.extend(trash.map(|entry| format!("{} in the trash", entry.id)));
    if held.is_empty() {
        return None;
    }
    let detail = format!(
        "{container} holds {}. Without it vbs would not know where they are. Forget or purge them first.",
        held.join(", ")
    );
    Some(Diagnostic::error("Something is recorded in it", detail))
}
