//! What is there, as LVM, device-mapper and the file system of the machine tell it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lab::Lab;

/// Everything that vbs may change on the machine, and nothing of what changes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// By UUID, hidden ones too.
    pub volumes: BTreeMap<String, Volume>,
    /// Files below the guards, with the content of those that hold a number.
    pub guard_files: BTreeMap<String, String>,
    /// Devices that are suspended, or belong to no volume any more.
    pub stale_devices: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub group: String,
    pub name: String,
    pub uuid: String,
    pub size: u64,
    /// Sorted.
    pub tags: Vec<String>,
    /// Type, permissions, whether it is active: what the metadata and the kernel say, without "open".
    pub attributes: String,
    pub origin: String,
    pub pool: String,
}

impl Volume {
    fn of(row: &Value) -> Volume {
        let text = |field: &str| row[field].as_str().unwrap().trim_matches(['[', ']']).to_owned();
        let mut tags: Vec<String> =
            text("lv_tags").split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        tags.sort();
        let attributes = text("lv_attr");
        Volume {
            group: text("vg_name"),
            name: text("lv_name"),
            uuid: text("lv_uuid"),
            size: text("lv_size").parse().unwrap(),
            tags,
            // The sixth character says whether it is open, which udev may have it for a moment.
            attributes: attributes.chars().enumerate().filter(|(n, _)| *n != 5).map(|(_, c)| c).collect(),
            origin: text("origin"),
            pool: text("pool_lv"),
        }
    }

    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix(name)?.strip_prefix('='))
    }

    pub fn has_tag(&self, name: &str) -> bool {
        self.tags.iter().any(|tag| tag == name)
    }

    /// The id of a volume or snapshot of ours.
    pub fn id(&self) -> Option<&str> {
        self.tag("vbs.volume").or_else(|| self.tag("vbs.snapshot"))
    }

    pub fn is_marked(&self) -> bool {
        self.tags.iter().any(|tag| tag == "vbs" || tag.starts_with("vbs."))
    }

    pub fn path(&self) -> String {
        format!("/dev/{}/{}", self.group, self.name)
    }
}

/// The devices are read once udev has nothing to do, and those of a volume that LVM has in use are all in its report.
const LOOK: &str = r#"
udevadm settle
lvs -a --reportformat json --units b --nosuffix -o vg_name,lv_name,lv_uuid,lv_size,lv_tags,lv_attr,origin,pool_lv
echo '== files'
find /var/lib/vbs -type f 2>/dev/null | sort | while read -r file; do
    case $file in
        */epoch.* | */made.* | */progress.*) printf '%s %s\n' "$file" "$(head -c 200 "$file" | tr '\n' ' ')" ;;
        *) printf '%s\n' "$file" ;;
    esac
done
echo '== suspended'
dmsetup info -c --noheadings --separator ' ' -o suspended,name | sed -n 's/^Suspended //p'
echo '== devices'
dmsetup info -c --noheadings --separator ' ' -o name,uuid
"#;

pub fn look(lab: &Lab) -> Facts {
    let said = lab.ok(LOOK);
    let (report, rest) = said.split_once("== files").unwrap();
    let (files, rest) = rest.split_once("== suspended").unwrap();
    let (suspended, devices) = rest.split_once("== devices").unwrap();
    let report: Value = serde_json::from_str(report).unwrap_or_else(|error| panic!("{error}: {report}"));
    let volumes: BTreeMap<String, Volume> = report["report"][0]["lv"]
        .as_array()
        .unwrap()
        .iter()
        .map(Volume::of)
        .map(|volume| (volume.uuid.clone(), volume))
        .collect();
    let mut stale_devices: Vec<String> = suspended
        .lines()
        .filter(|line| !line.is_empty())
        .map(|name| format!("{name} is suspended"))
        .collect();
    // `LVM-` and the UUIDs of group and volume, without their dashes, and perhaps a suffix.
    let known: Vec<String> = volumes.keys().map(|uuid| uuid.replace('-', "")).collect();
    for line in devices.lines() {
        let Some((name, uuid)) = line.split_once(" LVM-") else { continue };
        if !known.iter().any(|known| uuid.get(32..).is_some_and(|rest| rest.starts_with(known.as_str()))) {
            stale_devices.push(format!("{name} belongs to no volume"));
        }
    }
    let guard_files = files
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .map(|(path, content)| (path.to_owned(), content.trim().to_owned()))
        .collect();
    Facts { volumes, guard_files, stale_devices }
}

/// A digest of the first `size` bytes of each volume, by UUID, from the devices and not from what is remembered of them.
/// A volume that is not active is activated for as long as it is read.
pub fn contents(lab: &Lab, volumes: &[(&Volume, u64)]) -> BTreeMap<String, String> {
    let mut script = String::from(
        "digest() {\n\
         [ -b \"$1\" ] || { lvchange -qq --yes -ay -K \"${1#/dev/}\"; again=yes; }\n\
         udevadm settle; blockdev --flushbufs \"$1\"\n\
         printf '%s %s\\n' \"$3\" \"$(head -c \"$2\" \"$1\" | sha256sum | cut -d' ' -f1)\"\n\
         [ -z \"${again-}\" ] || lvchange -qq --yes -an \"${1#/dev/}\"\n\
         again=\n}\n",
    );
    for (volume, size) in volumes {
        script.push_str(&format!("digest {} {size} {}\n", volume.path(), volume.uuid));
    }
    let said = lab.ok(&script);
    said.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(uuid, digest)| (uuid.to_owned(), digest.to_owned()))
        .collect()
}

/// What LVM says of volumes that are none of ours, what they hold, and what the metadata of their group says of them.
pub fn strangers(lab: &Lab, group: &str, names: &[&str]) -> BTreeMap<String, String> {
    let paths: Vec<String> = names.iter().map(|name| format!("{group}/{name}")).collect();
    let fields =
        "lv_name,lv_uuid,lv_size,lv_tags,lv_permissions,lv_active,lv_role,lv_layout,origin,pool_lv,devices";
    let said = lab.ok(&format!(
        "vgcfgbackup -qq -f /run/lab-metadata {group} >/dev/null; cat /run/lab-metadata; echo '== report'; \
         lvs --noheadings --units b --separator '|' -o {fields} {paths}; \
         for path in {paths}; do blockdev --flushbufs /dev/$path; \
           echo \"${{path#*/}}| $(sha256sum </dev/$path)\"; done",
        paths = paths.join(" ")
    ));
    let (metadata, report) = said.split_once("== report").unwrap_or_default();
    names
        .iter()
        .map(|name| {
            let of_it = |line: &&str| line.trim().split('|').next() == Some(*name);
            let lines: Vec<&str> = report.lines().filter(of_it).collect();
            ((*name).to_owned(), format!("{}\n{}", lines.join("\n"), of_volume(metadata, name)))
        })
        .collect()
}

/// The block of one volume in the text that `vgcfgbackup` writes. It indents by tabs: a volume has two.
fn of_volume<'m>(metadata: &'m str, name: &str) -> &'m str {
    let block = metadata.split_once(&format!("\n\t\t{name} {{")).map_or("", |(_, rest)| rest);
    block.split_once("\n\t\t}").map_or("", |(block, _)| block)
}
