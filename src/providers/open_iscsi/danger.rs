//! What may go wrong one day on a host that logs in to targets.

use crate::providers::needs::Danger;

/// A finding of `scripts/examine.sh`, in words.
pub fn explain(word: &str, about: &str) -> Option<Danger> {
    let (what, todo) = match word {
        "no_daemon" => (
            "iscsid does not run, so a login that breaks off does not come back".to_owned(),
            "`systemctl enable --now iscsid`".to_owned(),
        ),
        "multipath" => (
            "multipathd runs, and may take disks of guests for its own".to_owned(),
            "blacklist them in multipath.conf (`wwid \"36001405.*\"` for LIO), or set find_multipaths strict".to_owned(),
        ),
        "lvm" => (
            "LVM uses every disk that this host logs in to, and with it volume groups of guests".to_owned(),
            "list this host's own: devices/use_devicesfile = 1 and `vgimportdevices --all`, or devices/global_filter in lvm.conf".to_owned(),
        ),
        "held" => (
            format!("a disk that is meant for a guest is held on the host itself: {about}"),
            "stop what holds it (`lsblk`), and keep LVM and multipath from such disks".to_owned(),
        ),
        "twice" => (
            format!("{about} is known to this host under another interface record as well, so that it may log in twice"),
            format!("remove the other record: `iscsiadm -m node -T {about} -I default -o delete`"),
        ),
        "automatic" => (
            format!("this host tries to log in to {about} for ever, and is not let in"),
            format!("`iscsiadm -m node -T {about} -o delete`, where it is gone for good"),
        ),
        "orphan_session" => (
            format!("this host is logged in to {about} by vbs, and no mark knows of it"),
            format!("where nobody uses its disk: `iscsiadm -m node -T {about} --logout`"),
        ),
        "orphan_record" => (
            format!("this host has a record of {about} by vbs, and no mark knows of it"),
            format!("`iscsiadm -m node -T {about} -o delete`"),
        ),
        _ => return None,
    };
    Some(Danger { what, todo })
}
