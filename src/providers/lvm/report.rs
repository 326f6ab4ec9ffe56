//! What the survey of a host printed, taken apart: `lvm fullreport --reportformat json` and what goes with it.
//!
//! LVM writes every value as text; `""` and `unknown` are none. Fields that it did not write in 2.03.11, and everything
//! that is not asked for here, may be there or not.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Bytes;
use crate::model::command::Answer;

/// The oldest LVM whose reports and options are the ones that are used here.
const OLDEST: [u32; 3] = [2, 3, 11];

/// `timeout` ended LVM.
const TIMED_OUT: i32 = 124;

/// Everything about the volume groups of one host.
#[derive(Debug, Clone, Default)]
pub struct Report<'a> {
    pub has_thin_check: bool,
    /// What lvm.conf says in effect, `devices/scan_lvs` = `0`, and texts in their quotation marks.
    pub settings: BTreeMap<String, &'a str>,
    /// What stands in every `epoch.<lineage>`, by the directory that it lies in.
    pub epochs: BTreeMap<&'a str, &'a str>,
    pub groups: Vec<Group<'a>>,
    /// What LVM said beside it: why a group is not in the report.
    pub said: &'a str,
    pub status: i32,
}

/// One volume group.
#[derive(Debug, Clone, Deserialize)]
pub struct Group<'a> {
    #[serde(borrow, default)]
    vg: Vec<VolumeGroup<'a>>,
    #[serde(borrow, default, rename = "pv")]
    pub devices: Vec<PhysicalVolume<'a>>,
    #[serde(borrow, default, rename = "lv")]
    pub volumes: Vec<LogicalVolume<'a>>,
    /// Of thin pools only.
    #[serde(borrow, default, rename = "seg")]
    pub segments: Vec<Segment<'a>>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct VolumeGroup<'a> {
    #[serde(borrow, rename = "vg_name")]
    pub name: Cow<'a, str>,
    #[serde(borrow, rename = "vg_uuid")]
    pub uuid: Cow<'a, str>,
    #[serde(borrow, rename = "vg_free")]
    free: Cow<'a, str>,
    #[serde(borrow, rename = "vg_extent_size")]
    extent_size: Cow<'a, str>,
    #[serde(borrow, rename = "vg_permissions")]
    pub permissions: Cow<'a, str>,
    #[serde(borrow, rename = "vg_missing_pv_count")]
    pub missing: Cow<'a, str>,
    #[serde(borrow, rename = "vg_exported")]
    pub exported: Cow<'a, str>,
    #[serde(borrow, rename = "vg_systemid")]
    pub system_id: Cow<'a, str>,
    #[serde(borrow, rename = "vg_lock_type")]
    pub lock_type: Cow<'a, str>,
    #[serde(borrow, rename = "vg_mda_size")]
    metadata_size: Cow<'a, str>,
    #[serde(borrow, rename = "vg_mda_free")]
    metadata_free: Cow<'a, str>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PhysicalVolume<'a> {
    #[serde(borrow, rename = "pv_name")]
    pub name: Cow<'a, str>,
    #[serde(borrow, rename = "pv_uuid")]
    pub uuid: Cow<'a, str>,
    #[serde(borrow, rename = "pv_missing")]
    pub missing: Cow<'a, str>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct LogicalVolume<'a> {
    /// In brackets where LVM hides it.
    #[serde(borrow, rename = "lv_name")]
    shown_name: Cow<'a, str>,
    #[serde(borrow, rename = "lv_uuid")]
    pub uuid: Cow<'a, str>,
    #[serde(borrow, rename = "lv_size")]
    size: Cow<'a, str>,
    #[serde(borrow, rename = "lv_tags")]
    pub tags: Cow<'a, str>,
    /// Seconds since 1970.
    #[serde(borrow, rename = "lv_time")]
    pub made: Cow<'a, str>,
    #[serde(borrow, rename = "lv_role")]
    pub role: Cow<'a, str>,
    #[serde(borrow, rename = "lv_layout")]
    pub layout: Cow<'a, str>,
    #[serde(borrow, rename = "lv_active")]
    pub active: Cow<'a, str>,
    #[serde(borrow, rename = "lv_device_open")]
    pub open: Cow<'a, str>,
    #[serde(borrow, rename = "lv_health_status")]
    pub health: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(borrow)]
    pub origin_uuid: Cow<'a, str>,
    #[serde(borrow)]
    origin_size: Cow<'a, str>,
    #[serde(borrow, rename = "pool_lv")]
    pool: Cow<'a, str>,
    #[serde(borrow, rename = "pool_lv_uuid")]
    pub pool_uuid: Cow<'a, str>,
    #[serde(borrow)]
    data_percent: Cow<'a, str>,
    #[serde(borrow)]
    metadata_percent: Cow<'a, str>,
    #[serde(borrow, rename = "lv_metadata_size")]
    metadata_size: Cow<'a, str>,
    #[serde(borrow, rename = "lv_merging")]
    pub merging: Cow<'a, str>,
    #[serde(borrow, rename = "lv_merge_failed")]
    pub merge_failed: Cow<'a, str>,
    #[serde(borrow, rename = "lv_snapshot_invalid")]
    pub invalid: Cow<'a, str>,
    #[serde(borrow, rename = "lv_check_needed")]
    pub check_needed: Cow<'a, str>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Segment<'a> {
    #[serde(borrow, rename = "lv_uuid")]
    pub uuid: Cow<'a, str>,
    #[serde(borrow, rename = "seg_monitor")]
    pub monitored: Cow<'a, str>,
    #[serde(borrow)]
    chunk_size: Cow<'a, str>,
    #[serde(borrow)]
    pub zero: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    report: Vec<Group<'a>>,
}

impl<'a> Report<'a> {
    /// # Errors
    /// Why nothing is known of this host's volume groups, in words that begin in the middle of a sentence.
    pub fn parse(answer: &'a Answer) -> Result<Self, String> {
        let said = answer.stderr.trim();
        if answer.status != 0 {
            return Err(match said {
                "" => format!("looking at its volume groups ended with status {}", answer.status),
                _ => said.to_owned(),
            });
        }
        let [version, tools, config, epochs, json, status] =
            sections(&answer.stdout).ok_or_else(|| "the survey of its volume groups broke off".to_owned())?;
        check_version(version)?;
        let status = status.trim().parse().map_err(|_| "its survey did not tell how LVM ended".to_owned())?;
        if status == TIMED_OUT {
            return Err("LVM did not answer within a minute: another LVM command may hold its locks (see \
                 `ps -C lvm,lvcreate,vgs,pvmove`), or a disk may not answer"
                .to_owned());
        }
        let whole: Whole<'a> = serde_json::from_str(json)
            .map_err(|error| format!("LVM's report cannot be understood ({error}){}", behind(said)))?;
        Ok(Report {
            has_thin_check: tools.lines().any(|line| line.ends_with("thin_check")),
            settings: settings(config),
            epochs: epochs.lines().map(epoch).collect::<Result<_, _>>()?,
            groups: whole.report.into_iter().filter(|group| group.vg.len() == 1).collect(),
            said,
            status,
        })
    }

    /// The volume group of this name, if there is one and no more.
    ///
    /// # Errors
    /// Why it is not one that can be worked with, and what to do.
    pub fn group(&self, name: &str) -> Result<&Group<'a>, String> {
        let mut named = self.groups.iter().filter(|group| group.about().is_some_and(|vg| vg.name == name));
        match (named.next(), named.next()) {
            (Some(one), None) => Ok(one),
            (Some(one), Some(other)) => Err(format!(
                "two volume groups are called {name} ({} and {}): rename one of them with `vgrename UUID NAME`",
                one.uuid(),
                other.uuid()
            )),
            _ if self.status != 0 || self.said.contains(name) => {
                Err(format!("the volume group {name} cannot be read{}", behind(self.said)))
            }
            _ => Err(format!(
                "there is no volume group {name} here{}. Are its disks connected, and does lvm.conf let LVM see them \
                 (`pvs --all`)? LVM hides groups that hosts share through lvmlockd, too. vbs makes no volume groups; \
                 `vgcreate` does",
                behind(self.said)
            )),
        }
    }
}

impl Report<'_> {
    /// A disk of this group that LVM sees under two names, where there is one. It warns of the second name, and reports
    /// the first.
    pub fn seen_twice(&self, group: &Group<'_>) -> Option<(String, String)> {
        group.devices.iter().find_map(|device| {
            let told = |line: &&str| line.contains("Not using device") && line.contains(&*device.uuid);
            let line = self.said.lines().find(told)?;
            let other = line.split_whitespace().find(|word| word.starts_with('/'))?;
            Some((device.name.to_string(), other.to_owned()))
        })
    }
}

impl<'a> Group<'a> {
    pub fn about(&self) -> Option<&VolumeGroup<'a>> {
        self.vg.first()
    }

    pub fn uuid(&self) -> &str {
        self.about().map_or("", |vg| &vg.uuid)
    }

    /// The part of the report that only thin pools have.
    pub fn segment(&self, pool: &LogicalVolume<'_>) -> Option<&Segment<'a>> {
        self.segments.iter().find(|segment| segment.uuid == pool.uuid)
    }
}

impl VolumeGroup<'_> {
    pub fn free(&self) -> Result<Bytes, String> {
        bytes("vg_free", &self.free)
    }

    pub fn extent_size(&self) -> Result<Bytes, String> {
        match bytes("vg_extent_size", &self.extent_size)? {
            Bytes::ZERO => Err("LVM tells a vg_extent_size of nothing".to_owned()),
            size => Ok(size),
        }
    }

    /// How large its metadata can become, and how much of that is free. LVM writes a new copy beside the old one, so
    /// it tells half of the area's room as free (lib/format_text/format-text.c of lvm2 2.03.16).
    pub fn metadata(&self) -> Result<(Bytes, Bytes), String> {
        let size = Bytes(bytes("vg_mda_size", &self.metadata_size)?.0 / 2);
        Ok((size, bytes("vg_mda_free", &self.metadata_free)?.min(size)))
    }
}

impl LogicalVolume<'_> {
    pub fn name(&self) -> &str {
        visible(&self.shown_name)
    }

    pub fn is_hidden(&self) -> bool {
        self.shown_name.starts_with('[')
    }

    pub fn size(&self) -> Result<Bytes, String> {
        bytes("lv_size", &self.size)
    }

    /// Of copy-on-write snapshots and their origins.
    pub fn origin_size(&self) -> Result<Bytes, String> {
        bytes("origin_size", &self.origin_size)
    }

    pub fn metadata_size(&self) -> Result<Bytes, String> {
        bytes("lv_metadata_size", &self.metadata_size)
    }

    pub fn origin(&self) -> &str {
        visible(&self.origin)
    }

    /// The thin pool that it lies in; nothing for what is not thin.
    pub fn thin_pool(&self) -> Option<&str> {
        (self.has_layout("thin") && !self.has_layout("pool")).then(|| visible(&self.pool))
    }

    pub fn is_thin_pool(&self) -> bool {
        self.has_layout("thin") && self.has_layout("pool")
    }

    pub fn has_layout(&self, layout: &str) -> bool {
        self.layout.split(',').any(|each| each == layout)
    }

    pub fn has_role(&self, role: &str) -> bool {
        self.role.split(',').any(|each| each == role)
    }

    /// A snapshot with a copy-on-write store of its own.
    pub fn is_thick_snapshot(&self) -> bool {
        self.has_role("thicksnapshot")
    }

    pub fn is_open(&self) -> bool {
        self.open == "open"
    }

    pub fn is_active(&self) -> bool {
        !matches!(&*self.active, "" | "unknown")
    }

    /// In hundredths of a percent; nothing where it is not active.
    pub fn data_used(&self) -> Option<u64> {
        hundredths(&self.data_percent)
    }

    /// See [`Self::data_used`].
    pub fn metadata_used(&self) -> Option<u64> {
        hundredths(&self.metadata_percent)
    }

    /// As LVM writes it: `39.06`.
    pub fn used_percent(&self) -> &str {
        &self.data_percent
    }
}

impl Segment<'_> {
    pub fn chunk_size(&self) -> Result<Bytes, String> {
        bytes("chunk_size", &self.chunk_size)
    }

    pub fn is_monitored(&self) -> bool {
        self.monitored == "monitored"
    }
}

/// A name without the brackets of what is hidden.
fn visible(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

fn bytes(field: &str, text: &str) -> Result<Bytes, String> {
    text.parse().map(Bytes).map_err(|_| format!("LVM tells {text:?} as {field}"))
}

/// `39.06` is 3906.
fn hundredths(percent: &str) -> Option<u64> {
    let (whole, part) = percent.split_once('.').unwrap_or((percent, "0"));
    let part = match part.len() {
        1 => part.parse::<u64>().ok()? * 10,
        2 => part.parse().ok()?,
        _ => return None,
    };
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// `: said`, or nothing where nothing was said.
fn behind(said: &str) -> String {
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if said.is_empty() { String::new() } else { format!(": LVM says {:?}", said.join(" ")) }
}

/// What stands behind the lines `version`, `tools`, `config`, `epochs`, `report` and `end`, in this order and each
/// whole: the last one ends in a newline and is the last line.
fn sections(text: &str) -> Option<[&str; 6]> {
    let mut rest = text.strip_prefix("version\n")?;
    let mut sections = [""; 6];
    for (section, next) in sections.iter_mut().zip(["tools\n", "config\n", "epochs\n", "report\n", "end\n"]) {
        let at = line_at(rest, next)?;
        *section = &rest[..at];
        rest = &rest[at + next.len()..];
    }
    let last = rest.strip_suffix('\n').filter(|last| !last.contains('\n'))?;
    sections[5] = last;
    Some(sections)
}

/// Where `line`, with its end, first stands as a whole line.
fn line_at(text: &str, line: &str) -> Option<usize> {
    if text.starts_with(line) {
        return Some(0);
    }
    let mut from = 0;
    loop {
        let at = from + text[from..].find(line)?;
        if text[..at].ends_with('\n') {
            return Some(at);
        }
        from = at + line.len();
    }
}

fn check_version(told: &str) -> Result<(), String> {
    let told = told.lines().find_map(|line| line.trim().strip_prefix("LVM version:")).map(str::trim);
    let told = told.ok_or_else(|| "`lvm version` told no version".to_owned())?;
    let number = told.split(['(', ' ']).next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    let found: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    if found < OLDEST {
        return Err(format!("lvm2 >= 2.03.11 is needed, {number} found. Install lvm2, or a newer one"));
    }
    Ok(())
}

/// `lvmconfig` prints sections in braces with a setting a line.
fn settings(config: &str) -> BTreeMap<String, &str> {
    let mut settings = BTreeMap::new();
    let mut section = "";
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix('{') {
            section = name.trim();
        } else if let Some((name, value)) = line.split_once('=') {
            settings.insert(format!("{section}/{name}"), value);
        }
    }
    settings
}

/// `NUMBER DIRECTORY/epoch.LINEAGE`
fn epoch(line: &str) -> Result<(&str, &str), String> {
    let file = line.split_once(' ').and_then(|(number, file)| Some((file.rsplit_once('/')?.0, number)));
    file.ok_or_else(|| format!("its survey tells an epoch as {line:?}"))
}
