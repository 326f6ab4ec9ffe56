//! What is wrong with LVM on a host beyond any one pool, and endangers the data of guests.

use super::report::{Group, LogicalVolume, Report, Segment};
use crate::model::Bytes;
use crate::providers::needs::Danger;

/// What lvm.conf says where nobody wrote a filter.
const NO_FILTER: &str = "[\"a|.*|\"]";

fn danger(what: impl Into<String>, todo: impl Into<String>) -> Danger {
    Danger { what: what.into(), todo: todo.into() }
}

/// Every danger that the report shows: of lvm.conf first, then of each volume group.
pub fn dangers(report: &Report<'_>) -> Vec<Danger> {
    let mut dangers = scanning(report);
    for group in &report.groups {
        if let Some((one, other)) = report.seen_twice(group) {
            dangers.push(danger(
                format!("LVM sees one disk twice, as {one} and as {other}, and changes nothing in its volume group"),
                "hide one of the two: devices/global_filter in lvm.conf, or `lvmdevices`",
            ));
        }
        for pool in group.volumes.iter().filter(|lv| lv.is_thin_pool()) {
            dangers.extend(of_pool(report, group, pool));
        }
    }
    dangers
}

/// LVM must not look for physical volumes in what belongs to guests: it would take over their volume groups.
fn scanning(report: &Report<'_>) -> Vec<Danger> {
    let setting = |name: &str| report.settings.get(name).copied();
    let mut dangers = Vec::new();
    if setting("devices/scan_lvs") == Some("1") {
        dangers.push(danger(
            "LVM looks for volume groups inside logical volumes, so it takes those of guests for this host's own",
            "set devices/scan_lvs = 0 in lvm.conf",
        ));
    }
    let filtered = ["devices/filter", "devices/global_filter"]
        .iter()
        .any(|name| setting(name).is_some_and(|filter| filter != NO_FILTER));
    // No settings were told at all: nothing is known.
    let told = !report.settings.is_empty();
    if told && setting("devices/use_devicesfile") != Some("1") && !filtered {
        dangers.push(danger(
            "LVM uses every disk that this host sees, those that are meant for guests too",
            "list this host's own: devices/use_devicesfile = 1 and `vgimportdevices --all`, or devices/global_filter in lvm.conf",
        ));
    }
    dangers
}

fn of_pool(report: &Report<'_>, group: &Group<'_>, pool: &LogicalVolume<'_>) -> Vec<Danger> {
    let name = format!("{}/{}", group.about().map_or("", |vg| &vg.name), pool.name());
    let mut dangers = Vec::new();
    let segment = group.segment(pool);
    if segment.is_some_and(|segment| segment.zero != "zero") {
        dangers.push(danger(
            format!("the thin pool {name} does not clear its chunks, so new volumes show what others have left there"),
            format!("`lvchange --zero y {name}`; what is written from then on is clean"),
        ));
    }
    if !segment.is_some_and(Segment::is_monitored) {
        dangers.push(danger(
            format!("dmeventd does not watch the thin pool {name}, so nobody would notice that it fills up"),
            format!("`lvchange --monitor y {name}`, and activation/monitoring = 1 in lvm.conf"),
        ));
    }
    let volumes = group.volumes.iter().filter(|lv| lv.pool_uuid == pool.uuid && lv.thin_pool().is_some());
    let promised = volumes.filter_map(|lv| lv.size().ok()).fold(Bytes::ZERO, Bytes::saturating_add);
    let size = pool.size().unwrap_or_default();
    if promised > size {
        let what = format!("the thin pool {name} has {size} and has promised {promised}");
        dangers.push(match report.settings.get("activation/thin_pool_autoextend_threshold") {
            Some(&"100") | None => danger(
                format!("{what}, and LVM does not extend it before it is full"),
                "set activation/thin_pool_autoextend_threshold = 70 in lvm.conf and keep space free in its volume group, or watch it",
            ),
            Some(_) => danger(what, "keep space free in its volume group, and watch it"),
        });
    }
    dangers
}
