//! Settings of containers that are templates.

use crate::model::Setting;

/// What a container of templates may hold.
pub fn command(attribute: &str) -> Setting {
    let words = |words: &[&str]| Setting::List(words.iter().map(|&word| word.to_owned()).collect());
    let text = |text: &str| Setting::Text(text.to_owned());
    match attribute {
        "path" => text("/srv/some where"),
        "device" => text("/dev/{name}"),
        "create" => words(&["tool", "create", "{name}", "{size_bytes}", "{mark}"]),
        "grow" => words(&["tool", "grow", "{name}", "{size_bytes}"]),
        "rename" => words(&["tool", "rename", "{name}", "{new_name}"]),
        "destroy" => words(&["tool", "destroy", "{name}"]),
        "snapshot" | "clone" => words(&["tool", "copy", "{source}", "{name}", "{mark}"]),
        "list.command" => words(&["tool", "list"]),
        "list.format" => text("json"),
        "attach" => words(&["tool", "attach", "{vm}", "{device}", "{host_path}", "{mark}"]),
        "detach" => words(&["tool", "detach", "{vm}", "{device}"]),
        "guest_path" => text("/dev/{device}"),
        "list.timeout" | "grants.timeout" => text("9s"),
        "portal" => text("10.0.0.2:3260"),
        "portals" => words(&[]),
        "iqn_prefix" => text("iqn.2026-11.vbs.shop"),
        "lun" => text("1"),
        "by_id" => text("/dev/disk/by-id/wwn-0x{naa}"),
        "chap" | "mutual_chap" => text("off"),
        "chap_in_arguments" => Setting::Bool(true),
        "grants.command" => words(&["tool", "grants"]),
        "grants.format" => text("json"),
        _ => text("key"),
    }
}
