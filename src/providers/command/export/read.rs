//! Reads what a survey of a target server printed.

use std::collections::BTreeSet;

use crate::model::command::Answer;
use crate::model::{Body, ContainerView, ExportBody, GrantBody, Health, Observed, Place};
use crate::providers::Scope;
use crate::providers::command::look;
use crate::providers::command::reader::{HEADING, Reader, Row};
use crate::providers::seat::{self, Contents, Seat, SeatedMark};

use super::kinds::Readers;

/// The state of a target that is there without its LUN.
const NO_LUN: &str = "no_lun";

/// What the server lists.
struct Server {
    targets: Vec<Row>,
    admitted: Vec<Row>,
}

pub fn view(scope: &Scope<'_>, answers: &[Answer]) -> ContainerView {
    let unsurveyed = |why: String| ContainerView::Unsurveyed { why };
    let readers = match Readers::of(scope.container) {
        Ok(readers) => readers,
        Err(faults) => return unsurveyed(look::told(&faults)),
    };
    let Some((seat, lists)) = answers.split_first().filter(|(_, lists)| lists.len() == readers.all().count())
    else {
        return unsurveyed(format!("{} answers came to its questions", answers.len()));
    };
    let rows = |reader: &Reader, answer: &Answer| -> Result<Vec<Row>, String> {
        Ok(look::rows(reader, &[reader.lister(&[])?], answer)?.concat())
    };
    let admitted = match (&readers.admitted, lists.get(1)) {
        (Some(reader), Some(answer)) => rows(reader, answer),
        _ => Ok(Vec::new()),
    };
    let targets = lists.first().map_or(Ok(Vec::new()), |answer| rows(&readers.targets, answer));
    match (targets, admitted) {
        (Ok(targets), Ok(admitted)) => {
            let server = Server { targets, admitted };
            seat::view(scope, std::slice::from_ref(seat), |seat| understand(seat, &server))
        }
        (Err(why), _) | (_, Err(why)) => unsurveyed(why),
    }
}

fn understand(seat: &Seat<'_>, server: &Server) -> Result<Contents, String> {
    let mut objects = Vec::new();
    for mark in &seat.marks {
        match mark.body() {
            Body::Export(body) => {
                objects.push(export(seat, server, mark, body)?.unwrap_or_else(|| mark.vanished()))
            }
            Body::Grant(body) => objects.push(grant(server, mark, body).unwrap_or_else(|| mark.vanished())),
            other => {
                let health = seat::replaced("a mark of something else");
                objects.push(mark.observed(Place::Live, other.clone(), health));
            }
        }
    }
    Ok(Contents { objects, ..Contents::default() })
}

fn says(row: &Row, field: &str, value: &str) -> bool {
    row.get(field).map(String::as_str) == Some(value)
}

/// Nothing where the server has no such target.
fn export(
    seat: &Seat<'_>,
    server: &Server,
    mark: &SeatedMark,
    made: &ExportBody,
) -> Result<Option<Observed>, String> {
    let rows: Vec<&Row> = server.targets.iter().filter(|row| says(row, "target", &made.target)).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let luns: Vec<&&Row> = rows.iter().filter(|row| !row.contains_key(HEADING)).collect();
    let mut body = ExportBody { others: others(seat, server, mark, made), ..made.clone() };
    match luns.as_slice() {
        [] => NO_LUN.clone_into(&mut body.state),
        [lun] => {
            for (field, fact) in [("device", &mut body.device), ("serial", &mut body.serial)] {
                if let Some(found) = lun.get(field).filter(|found| !found.is_empty()) {
                    found.clone_into(fact);
                }
            }
        }
        _ => return Err(format!("the target {} is listed more than once", made.target)),
    }
    Ok(Some(mark.observed(Place::Live, Body::Export(body), Health::Good)))
}

/// Who is let in and has no grant of ours.
fn others(seat: &Seat<'_>, server: &Server, mark: &SeatedMark, made: &ExportBody) -> Vec<String> {
    let is_ours = |who: &str| {
        seat.marks.iter().any(|each| match each.body() {
            Body::Grant(grant) => grant.export.id == mark.id && grant.initiator == who,
            _ => false,
        })
    };
    let here = server.admitted.iter().filter(|row| says(row, "target", &made.target));
    let others: BTreeSet<&String> =
        here.filter_map(|row| row.get("initiator")).filter(|who| !is_ours(who)).collect();
    others.into_iter().cloned().collect()
}

/// Nothing where its initiator is not let in.
fn grant(server: &Server, mark: &SeatedMark, made: &GrantBody) -> Option<Observed> {
    let is_it = |row: &&Row| says(row, "target", &made.target) && says(row, "initiator", &made.initiator);
    server.admitted.iter().find(is_it)?;
    Some(mark.observed(Place::Live, mark.body().clone(), Health::Good))
}
