//! What libvirt is told, as XML that scripts send as it is.

use uuid::Uuid;

use crate::model::{Access, Bus, DiskBody, NetworkDisk};

/// What a guest reads of a virtio disk's serial.
const VIRTIO_SERIAL: usize = 20;

/// The serial as the guest sees it.
pub fn serial(bus: Bus, serial: &str) -> String {
    match bus {
        Bus::Virtio => serial.chars().take(VIRTIO_SERIAL).collect(),
        Bus::Scsi => serial.to_owned(),
    }
}

/// The disk's alias: nobody else gives such a name, so what has it is ours. libvirt leaves users what begins with `ua-`.
pub fn alias(lineage: Uuid, id: Uuid) -> String {
    format!("ua-vbs-{}-{}", lineage.simple(), id.simple())
}

/// What the secret of a network disk is for. Its UUID is the disk's id, so it is the disk's alone and goes with it.
pub fn usage(lineage: Uuid, id: Uuid) -> String {
    format!("vbs-{}-{}", lineage.simple(), id.simple())
}

/// The bus that a device of this name is on and its number there: `vda` is 0 on virtio. Nothing for other names.
pub fn place(device: &str) -> Option<(Bus, u32)> {
    let (bus, letters) = match device.split_at_checked(2)? {
        ("vd", letters) => (Bus::Virtio, letters),
        ("sd", letters) => (Bus::Scsi, letters),
        _ => return None,
    };
    if !(1..=2).contains(&letters.len()) || !letters.bytes().all(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let number = letters.bytes().fold(0, |number, letter| number * 26 + u32::from(letter - b'a') + 1);
    Some((bus, number - 1))
}

/// The ways to describe what is attached, one a line, the best first: a script tries those that fit what it finds.
pub fn disks(lineage: Uuid, id: Uuid, disk: &DiskBody) -> String {
    let whole = |kind: &str, source: &str| {
        let mut text = format!(
            "<disk type='{kind}' device='disk'><driver name='qemu' type='raw' cache='none' discard='unmap'/>{source}\
             <target dev='{}' bus='{}'/>",
            escaped(&disk.device),
            disk.bus.word()
        );
        if disk.access == Access::ReadOnly {
            text += "<readonly/>";
        }
        if disk.shared {
            text += "<shareable/>";
        }
        text += &format!(
            "<serial>{}</serial><alias name='{}'/>",
            escaped(&serial(disk.bus, &disk.serial)),
            alias(lineage, id)
        );
        if let (Bus::Scsi, Some((_, unit))) = (disk.bus, place(&disk.device)) {
            text += &format!("<address type='drive' controller='0' bus='0' target='0' unit='{unit}'/>");
        }
        text + "</disk>"
    };
    let ways: Vec<String> = match &disk.network {
        Some(network) => {
            network.portals.iter().map(|portal| whole("network", &iscsi(id, network, portal))).collect()
        }
        None => [("file", "file"), ("block", "dev")]
            .map(|(kind, name)| whole(kind, &format!("<source {name}='{}'/>", escaped(&disk.host_path))))
            .into(),
    };
    ways.join("\n")
}

fn iscsi(id: Uuid, network: &NetworkDisk, portal: &str) -> String {
    let (host, port) = portal.rsplit_once(':').unwrap_or((portal, "3260"));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut text = format!(
        "<source protocol='iscsi' name='{}/{}'><host name='{}' port='{}'/><initiator><iqn name='{}'/></initiator>",
        escaped(&network.target),
        network.lun,
        escaped(host),
        escaped(port),
        escaped(&network.initiator)
    );
    if let Some(login) = &network.login {
        text +=
            &format!("<auth username='{}'><secret type='iscsi' uuid='{id}'/></auth>", escaped(&login.user));
    }
    text + "</source>"
}

/// The secret of a network disk, without its value.
pub fn secret(lineage: Uuid, id: Uuid) -> String {
    format!(
        "<secret ephemeral='no' private='no'><uuid>{id}</uuid><description>A disk of vbs</description>\
         <usage type='iscsi'><target>{}</target></usage></secret>",
        usage(lineage, id)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\'' => safe.push_str("&apos;"),
            '"' => safe.push_str("&quot;"),
            // As it is it would be read as a blank, and a line is a whole description.
            c if c.is_control() => safe.push_str(&format!("&#{};", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_a_place() {
        assert_eq!(place("vda"), Some((Bus::Virtio, 0)));
        assert_eq!(place("sdz"), Some((Bus::Scsi, 25)));
        assert_eq!(place("sdaa"), Some((Bus::Scsi, 26)));
        for other in ["", "v", "vd", "hda", "vdaaa", "vd1", "vdA", "xvda", "sd/", "vdä"] {
            assert_eq!(place(other), None, "{other}");
        }
    }

    #[test]
    fn whatever_a_path_holds_is_read_back() {
        let path = "a b'c\"d<e>&f\tg\u{e4}";
        let text = format!("<x y='{}'>{}</x>", escaped(path), escaped(path));
        let read = roxmltree::Document::parse(&text).unwrap();
        let root = read.root_element();
        assert_eq!((root.attribute("y"), root.text()), (Some(path), Some(path)));
    }
}
