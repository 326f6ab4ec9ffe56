//! Tables with aligned columns, for what is listed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::{about, harmless, width};
use crate::model::observed::Capacity;
use crate::model::{
    Address, Body, Bytes, ContainerView, Health, Observed, Place, Record, Stranger, TrashEntry,
};
use crate::plan::compare;

/// Rows under a heading. Cells are made harmless as they are added.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(heading: [&str; N]) -> Self {
        Table { rows: vec![heading.map(str::to_owned).to_vec()] }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell).into_owned()).collect());
    }

    /// Whether there is nothing under the heading.
    pub fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// Every row on a line of its own, columns two spaces apart.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max())
            .map(Option::unwrap_or_default)
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, widest) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(widest - width(cell) + 2));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// What the state remembers: `vbs state list`.
pub fn records<'a>(records: impl IntoIterator<Item = &'a Record>) -> Table {
    let mut table = Table::new(["ADDRESS", "IN", "NAME", "SIZE", "ID"]);
    for Record { object, .. } in records {
        table.row([
            object.key.shown(),
            object.container.to_string(),
            name(&object.body),
            size(object.body.size()),
            object.id.to_string(),
        ]);
    }
    table
}

/// What lies in the trash: `vbs trash list`. `retention` is how many seconds things are kept, where that is known.
pub fn trash<'a>(
    entries: impl IntoIterator<Item = &'a TrashEntry>,
    now: i64,
    retention: Option<u64>,
) -> Table {
    let mut table = Table::new(["ID", "WAS", "NAME", "IN", "SIZE", "AGE", "EXPIRES"]);
    for entry in TrashEntry::newest_first(entries) {
        let object = &entry.record.object;
        table.row([
            entry.id.to_string(),
            object.key.address.to_string(),
            name(&object.body),
            object.container.to_string(),
            size(object.body.size()),
            age(now.saturating_sub(entry.trashed_at)),
            expiry(entry, now, retention),
        ]);
    }
    table
}

fn expiry(entry: &TrashEntry, now: i64, retention: Option<u64>) -> String {
    match (entry.purge, retention.map(|seconds| entry.expires_at(seconds))) {
        (true, _) => "to be purged".to_owned(),
        (false, Some(at)) if at <= now => "expired".to_owned(),
        (false, Some(at)) => when(at),
        (false, None) => "-".to_owned(),
    }
}

/// `3d`, `5h`, `12min`, `40s`. A clock that went back makes nothing younger than new.
fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s if s >= 86400 => format!("{}d", s / 86400),
        s if s >= 3600 => format!("{}h", s / 3600),
        s if s >= 60 => format!("{}min", s / 60),
        s => format!("{s}s"),
    }
}

/// Recorded objects and how they were found: `vbs describe volumes`. An object that was looked for and not found is
/// `Some(None)`; one whose container could not be looked at is `None`.
pub fn overview<'a>(objects: impl IntoIterator<Item = (&'a Record, Option<Option<&'a Observed>>)>) -> Table {
    let mut table = Table::new(["ADDRESS", "IN", "NAME", "SIZE", "STATUS"]);
    for (record, found) in objects {
        let object = &record.object;
        table.row([
            object.key.shown(),
            object.container.to_string(),
            name(&object.body),
            size(object.body.size()),
            status(record, found),
        ]);
    }
    table
}

/// Pools and hypervisors as they were found.
pub fn containers(views: &BTreeMap<Address, ContainerView>) -> Table {
    let mut table = Table::new(["ADDRESS", "SIZE", "FREE", "PROMISED", "STATUS"]);
    for (address, view) in views {
        let (capacity, status) = match view {
            ContainerView::Fresh { capacity, .. } => (capacity.as_ref(), "not in use yet"),
            ContainerView::Present(surveyed) => {
                let status = if surveyed.epoch.is_some() { "in use" } else { "not in use yet" };
                (surveyed.capacity.as_ref(), status)
            }
            ContainerView::Unsurveyed { .. } => (None, "not looked at"),
        };
        let cell = |of: fn(&Capacity) -> Bytes| capacity.map_or_else(|| "-".to_owned(), |c| about(of(c)));
        let sizes = [cell(|c| c.size), cell(|c| c.free), cell(|c| c.promised)];
        let [size, free, promised] = sizes;
        table.row([address.to_string(), size, free, promised, status.to_owned()]);
    }
    table
}

/// What this workspace did not make, by pool: `vbs discover`.
pub fn strangers<'a>(found: impl IntoIterator<Item = (&'a Address, &'a Stranger)>) -> Table {
    let mut table = Table::new(["POOL", "NAME", "SIZE", "KIND", "SNAPSHOT OF", "OPEN", "ADOPTABLE"]);
    for (pool, stranger) in found {
        table.row([
            pool.to_string(),
            stranger.name.clone(),
            size(stranger.size),
            stranger.kind().to_string(),
            stranger.origin.clone().unwrap_or_else(|| "-".to_owned()),
            if stranger.open { "yes" } else { "-" }.to_owned(),
            stranger.why_not.as_ref().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}")),
        ]);
    }
    table
}

/// How an object was found, in the words that expressions have for it and a few more; see [`overview`]. What is not as it
/// was recorded follows, in the words of `vbs drift`.
pub fn status(record: &Record, found: Option<Option<&Observed>>) -> String {
    let Some(found) = found else { return "not looked at".to_owned() };
    let Some(observed) = found else { return "vanished".to_owned() };
    let words = match &observed.health {
        Health::Good => {
            let differing: Vec<String> =
                compare::drift(record, observed).into_iter().map(|(_, what)| what).collect();
            // That it is attached, or available, is only said of disks and exports that are as they are meant to be.
            let is_sound = observed.place != Place::Live
                || !matches!(observed.body, Body::Disk(_) | Body::Export(_) | Body::Grant(_));
            match (differing.as_slice(), is_sound) {
                ([], _) => observed.status().to_owned(),
                (all, true) => format!("{}, not as recorded: {}", observed.status(), all.join("; ")),
                (all, false) => format!("not as recorded: {}", all.join("; ")),
            }
        }
        Health::Broken { why } => format!("{}: {why}", observed.status()),
        Health::Replaced { found } => format!("{}: {found}", observed.status()),
    };
    if observed.open { words + ", in use" } else { words }
}

/// The facts of one object as recorded and as found, and what only the host knows: `vbs describe ADDRESS`.
pub fn facts(recorded: Option<&Record>, live: Option<&Observed>) -> Table {
    let mut table = Table::new(["FACT", "RECORDED", "LIVE"]);
    let was = recorded.map(|record| record.object.body.facts()).unwrap_or_default();
    let is = live.map(Observed::facts).unwrap_or_default();
    // Place and health are the status, in other words.
    let names: BTreeSet<&str> =
        was.keys().chain(is.keys()).copied().filter(|name| !matches!(*name, "place" | "health")).collect();
    let cell = |name: &str, value: Option<&String>| {
        value.map_or_else(|| "-".to_owned(), |value| readable(name, value))
    };
    for name in names {
        table.row([name.to_owned(), cell(name, was.get(name)), cell(name, is.get(name))]);
    }
    for (name, value) in live.iter().flat_map(|live| &live.notes) {
        table.row([name.clone(), "-".to_owned(), readable(name, value)]);
    }
    table
}

/// Bytes with their unit and stamps as dates; everything else as it is.
fn readable(name: &str, value: &str) -> String {
    match (name, value.parse::<u64>()) {
        ("size" | "allocated_bytes", Ok(bytes)) => Bytes(bytes).to_string(),
        ("created_at", Ok(seconds)) => i64::try_from(seconds).map_or_else(|_| value.to_owned(), when),
        _ => value.to_owned(),
    }
}

/// A time for people, in their own time zone; `-` where none was stamped.
pub fn when(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(stamp) if seconds != 0 => {
            stamp.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
        }
        Ok(_) | Err(_) => "-".to_owned(),
    }
}

/// What it is called on its host: a disk by its VM and device.
fn name(body: &Body) -> String {
    match body {
        Body::Disk(disk) => format!("{}/{}", disk.vm, disk.device),
        Body::Export(export) => export.target.clone(),
        Body::Grant(grant) => grant.initiator.clone(),
        Body::Session(session) => session.device.clone(),
        _ => body.name().unwrap_or("-").to_owned(),
    }
}

fn size(bytes: Bytes) -> String {
    if bytes.0 == 0 { "-".to_owned() } else { about(bytes) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{Mark, Object, ObjectKey, OnDestroy, Part, Place, VolumeBody};

    fn volume(name: &str, size: u64) -> Body {
        Body::Volume(VolumeBody {
            name: name.to_owned(),
            size: Bytes(size),
            serial: "s".to_owned(),
            source: None,
        })
    }

    fn record(name: &str) -> Record {
        Record {
            object: Object {
                key: ObjectKey::new("volume.db".parse().unwrap(), Part::VOLUME),
                id: Uuid::nil(),
                container: "pool.fast".parse().unwrap(),
                body: volume(name, 1 << 30),
            },
            prevent_destroy: false,
            on_destroy: OnDestroy::Trash,
            labels: BTreeMap::new(),
            depends_on: Vec::new(),
        }
    }

    #[test]
    fn columns_are_aligned_and_cells_are_harmless() {
        let expected = "ADDRESS    IN         NAME        SIZE   ID\n\
                        volume.db  pool.fast  漢字\\u{1b}  1 GiB  00000000-0000-0000-0000-000000000000\n";
        let table = records([&record("漢字\u{1b}")]);
        assert_eq!(table.render(), expected);
        assert!(!table.is_empty() && records([]).is_empty());
    }

    #[test]
    fn trash_says_how_old_it_is_and_when_it_expires() {
        let entry = TrashEntry { id: Uuid::nil(), record: record("db"), purge: false, trashed_at: 1000 };
        let last = |now, retention| {
            let text = trash([&entry], now, retention).render();
            let words: Vec<&str> =
                text.lines().nth(1).unwrap().split("  ").map(str::trim).filter(|w| !w.is_empty()).collect();
            words[words.len() - 2..].join(" ")
        };
        assert_eq!(last(1040, None), "40s -");
        assert_eq!(last(1000 + 7200, Some(7200)), "2h expired");
        assert_eq!(last(0, Some(0)), format!("0s {}", when(1000)), "a clock that went back expires nothing");
        let due = TrashEntry { purge: true, ..entry.clone() };
        assert!(trash([&due], 1_000_000, None).render().ends_with("11d  to be purged\n"));
        assert!(when(1_763_800_000).starts_with("2025-11-22"));
    }

    #[test]
    fn facts_stand_side_by_side() {
        let live = Observed {
            mark: Mark {
                lineage: Uuid::nil(),
                id: Uuid::nil(),
                workspace: String::new(),
                address: String::new(),
            },
            place: Place::Live,
            body: volume("db", 5),
            health: Health::Good,
            open: false,
            notes: BTreeMap::from([("created_at".to_owned(), "today".to_owned())]),
        };
        let text = facts(Some(&record("db")), Some(&live)).render();
        assert!(
            text.contains("size        1 GiB     5 B\n") && text.contains("created_at  -         today"),
            "{text}"
        );
        let shrunk = Observed { open: true, ..live.clone() };
        let live = Observed { body: volume("db", 1 << 30), ..live };
        let in_use = Observed { open: true, ..live.clone() };
        let gone = Observed { health: Health::Replaced { found: "a\ndirectory".to_owned() }, ..live };
        let recorded = record("db");
        let rows = [Some(Some(&in_use)), Some(Some(&shrunk)), Some(Some(&gone)), Some(None), None];
        let overview = overview(rows.map(|found| (&recorded, found))).render();
        let statuses: Vec<&str> =
            overview.lines().skip(1).map(|line| line.rsplit("  ").next().unwrap()).collect();
        let shrunk = "available, not as recorded: size is 5 B, recorded 1 GiB, in use";
        assert_eq!(
            statuses,
            ["available, in use", shrunk, "replaced: a\\ndirectory", "vanished", "not looked at"]
        );
        assert!(facts(Some(&record("db")), None).render().contains("name    db        -\n"));
    }
}
