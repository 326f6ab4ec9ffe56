//! Storage for a case to begin with, and ways to look at it and to break it.

use std::collections::BTreeMap;

use crate::lab::{Lab, quoted};

/// 8 GiB.
pub const DISK_B: &str = "/dev/disk/by-id/virtio-lab-b";
/// 4 GiB.
pub const DISK_C: &str = "/dev/disk/by-id/virtio-lab-c";
/// 1 GiB.
pub const DISK_D: &str = "/dev/disk/by-id/virtio-lab-d";

/// What a [breakable](Lab::breakable) device does.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    Works,
    /// Every read and write fails.
    Fails,
    /// Writes fail; what was there can be read.
    RefusesWrites,
    /// Every read and write takes so many milliseconds longer.
    Slow(u32),
}

/// A volume that is none of vbs's: what LVM says of it, its part of the metadata, and a digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    pub report: String,
    pub metadata: String,
    /// Of the whole device; "inactive" where there is none.
    pub content: String,
}

impl Lab<'_> {
    /// A volume group on one disk.
    pub fn volume_group(&self, name: &str, disk: &str) {
        self.ok(&format!("vgcreate -qq {name} {disk}"));
    }

    /// A thin pool; `size` as LVM takes it, such as `1G`.
    pub fn thin_pool(&self, group: &str, name: &str, size: &str) {
        self.ok(&format!("lvcreate -qq -L {size} -T {group}/{name}"));
    }

    /// A thick volume that is none of vbs's, with its name in its first bytes.
    pub fn stranger(&self, group: &str, name: &str, size: &str) {
        self.ok(&format!("lvcreate -qq -y -W y -L {size} -n {name} {group}"));
        self.stamp(&format!("/dev/{group}/{name}"), 0, name);
    }

    /// Everything that vbs has to leave alone in the named volumes of a group, to be compared with what it was before.
    pub fn strangers(&self, group: &str, names: &[&str]) -> BTreeMap<String, Stranger> {
        // One look, because each is a connection, and each command a process that reads every disk.
        let found = self.ok(&format!(
            "vgcfgbackup -qq -f /run/lab-metadata {group} >/dev/null; cat /run/lab-metadata; rm /run/lab-metadata; \
             echo '== volumes'; \
             lvs --noheadings --units b --separator '|' -o lv_name,lv_uuid,lv_size,lv_tags,\
             lv_permissions,lv_active,lv_role,lv_layout,origin,pool_lv,seg_start_pe,devices {}; \
             for name in {}; do \
               echo \"== content $name\"; \
               if [ -b /dev/{group}/$name ]; then sha256sum < /dev/{group}/$name; else echo inactive; fi; \
             done",
            names.iter().map(|name| format!("{group}/{name}")).collect::<Vec<_>>().join(" "),
            names.join(" ")
        ));
        let (metadata, rest) = found.split_once("== volumes\n").unwrap();
        let mut parts = rest.split("== content ");
        let report = parts.next().unwrap_or_default();
        let contents: BTreeMap<&str, &str> = parts.filter_map(|part| part.split_once('\n')).collect();
        let stranger = |name: &str| {
            let begins = format!("{name}|");
            let report = report.lines().filter(|line| line.trim_start().starts_with(&begins));
            Stranger {
                report: report.collect::<Vec<_>>().join("\n"),
                metadata: volume_in(metadata, name).unwrap_or_else(|| "not in the metadata".to_owned()),
                content: contents[name].trim_end().to_owned(),
            }
        };
        names.iter().map(|name| ((*name).to_owned(), stranger(name))).collect()
    }

    /// Writes `text` at a byte of a device, and flushes it to the disk.
    pub fn stamp(&self, device: &str, offset: u64, text: &str) {
        self.ok(&format!(
            "printf %s {} | dd of={device} bs=4096 seek={offset} oflag=seek_bytes conv=notrunc,fsync status=none",
            quoted(text)
        ));
    }

    /// As many bytes as `text` has, from the device itself and not from what is remembered of it.
    pub fn has_stamp(&self, device: &str, offset: u64, text: &str) -> bool {
        let read = self.ok(&format!(
            "blockdev --flushbufs {device}; dd if={device} bs=4096 skip={offset} count={} \
             iflag=skip_bytes,count_bytes,fullblock status=none",
            text.len()
        ));
        read == text
    }

    /// A device over so many MiB of a disk, from one of its MiB on: a small disk of its own. Gives its path.
    pub fn part(&self, name: &str, disk: &str, first: u32, size: u32) -> String {
        self.ok(&format!(
            "dmsetup create {name} --table \"0 $(({size} * 2048)) linear $(readlink -f {disk}) $(({first} * 2048))\"; \
             udevadm settle"
        ));
        format!("/dev/mapper/{name}")
    }

    /// A device over a disk that can be broken and mended; a volume group may be made on it. Gives its path. It begins
    /// 4 MiB into the disk, so that LVM finds its label in one place and not in two.
    pub fn breakable(&self, name: &str, disk: &str) -> String {
        self.ok(&format!(
            "modprobe -a dm_flakey dm_delay; \
             disk=$(readlink -f {disk}); echo $disk > /run/lab-under-{name}; \
             dmsetup create {name} --table \"0 $(($(blockdev --getsz $disk) - 8192)) linear $disk 8192\"; \
             udevadm settle"
        ));
        format!("/dev/mapper/{name}")
    }

    /// Changes what a breakable device does.
    pub fn behave(&self, name: &str, behaviour: Behaviour) {
        let table = match behaviour {
            Behaviour::Works => "linear $disk 8192".to_owned(),
            Behaviour::Fails => "error".to_owned(),
            Behaviour::RefusesWrites => "flakey $disk 8192 0 1 1 error_writes".to_owned(),
            Behaviour::Slow(milliseconds) => format!("delay $disk 8192 {milliseconds}"),
        };
        self.ok(&format!(
            "disk=$(cat /run/lab-under-{name}); \
             dmsetup load {name} --table \"0 $(($(blockdev --getsz $disk) - 8192)) {table}\"; \
             dmsetup suspend --noflush --nolockfs {name}; \
             dmsetup resume {name}"
        ));
    }
}

/// The block of one volume in the text that `vgcfgbackup` writes. It indents by tabs: a volume has two.
fn volume_in(metadata: &str, name: &str) -> Option<String> {
    let volumes = &metadata[metadata.find("\n\tlogical_volumes {")?..];
    let block = &volumes[volumes.find(&format!("\n\t\t{name} {{"))?..];
    Some(block[..block.find("\n\t\t}")?].trim().to_owned())
}
