//! What targets of every kind have in common: how portals and names are written, and who an initiator may be. Pure.

use std::net::SocketAddr;

use crate::diag::{Diagnostic, Diagnostics};
use crate::model::schema::{Attribute, AttributeType};
use crate::model::{ContainerSpec, Record, Setting};

/// An IQN has at most this many bytes.
const LONGEST_NAME: usize = 223;
/// `:` and a UUID, which stand behind the prefix of a target.
const BEHIND_PREFIX: usize = 37;

/// `portal`, `portals` and `iqn_prefix`.
pub fn attributes() -> Vec<Attribute> {
    let optional = |name, kind, doc| Attribute { name, kind, required: false, default: None, doc };
    vec![
        optional(
            "portal",
            AttributeType::Text,
            "Where initiators reach the target: `\"10.0.0.2:3260\"` or `\"[fd00::2]:3260\"`.",
        ),
        optional("portals", AttributeType::TextList, "Several of them, in the place of `portal`."),
        optional(
            "iqn_prefix",
            AttributeType::Text,
            "What the names of targets begin with; the volume's id follows. Without it `iqn.2026-11.vbs.<workspace>`.",
        ),
    ]
}

/// What is wrong with those attributes.
pub fn check(container: &ContainerSpec) -> Diagnostics {
    let mut found = Diagnostics::new();
    let portal = container.text("portal");
    let portals: &[String] = match container.settings.get("portals") {
        Some(Setting::List(list)) => list,
        _ => &[],
    };
    if portal.is_empty() == portals.is_empty() {
        let detail = if portal.is_empty() {
            "Nobody could reach its targets. Write where they are reached, such as portal = \"10.0.0.2:3260\"."
        } else {
            "It has both `portal` and `portals`. Write one of them."
        };
        found.push(wrong(container, "Missing portal", detail));
    }
    for portal in portals.iter().map(String::as_str).chain((!portal.is_empty()).then_some(portal)) {
        if let Err(why) = check_portal(portal) {
            found.push(wrong(container, "Invalid portal", &why));
        }
    }
    let prefix = container.text("iqn_prefix");
    if !prefix.is_empty()
        && let Err(why) = check_prefix(prefix)
    {
        found.push(wrong(container, "Invalid target name", &why));
    }
    found
}

pub fn wrong(container: &ContainerSpec, summary: &'static str, detail: &str) -> Diagnostic {
    Diagnostic::error(summary, format!("{}: {detail}", container.address))
}

/// One address and port in the form that tools print, so that texts can be compared.
///
/// # Errors
/// In a sentence for people.
pub fn check_portal(text: &str) -> Result<(), String> {
    let form = "Write an IP address and a port, such as 10.0.0.2:3260 or [fd00::2]:3260.";
    let Ok(address) = text.parse::<SocketAddr>() else {
        return Err(format!("{text:?} is no portal. {form}"));
    };
    if address.to_string() != text {
        return Err(format!("{text:?} is written in another way by every tool: {address}. {form}"));
    }
    if address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast() {
        return Err(format!("{text:?} cannot be reached by anybody. {form}"));
    }
    Ok(())
}

/// `iqn.2026-11.vbs.shop`, with room for a UUID behind it.
///
/// # Errors
/// In a sentence for people.
pub fn check_prefix(prefix: &str) -> Result<(), String> {
    let form = "Write iqn., the year and month of a domain that is yours, and the domain backwards, such as iqn.2026-11.com.example:vbs.";
    let date_and_name = prefix.strip_prefix("iqn.").and_then(|rest| rest.split_once('.'));
    let is_date = |date: &str| {
        date.split_once('-').is_some_and(|(year, month)| {
            let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
            digits(year, 4) && digits(month, 2) && ("01"..="12").contains(&month)
        })
    };
    if !date_and_name.is_some_and(|(date, name)| is_date(date) && !name.is_empty()) {
        return Err(format!("{prefix:?} does not begin like the name of a target. {form}"));
    }
    let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:".contains(c);
    if let Some(c) = prefix.chars().find(|c| !is_known(*c)) {
        return Err(format!(
            "{prefix:?} holds {c:?}: names of targets are made of a to z, 0 to 9, dots, dashes and colons. {form}"
        ));
    }
    if prefix.ends_with(['.', ':', '-']) {
        return Err(format!("{prefix:?} ends in a mark. {form}"));
    }
    if prefix.len() + BEHIND_PREFIX > LONGEST_NAME {
        return Err(format!(
            "{prefix:?} has {} bytes; {} are left beside the volume's id.",
            prefix.len(),
            LONGEST_NAME - BEHIND_PREFIX
        ));
    }
    Ok(())
}

/// Mutual CHAP that QEMU's own initiator would leave out without a word.
pub fn qemu_knows_no_mutual(after: &Record) -> Diagnostic {
    Diagnostic::error(
        "QEMU cannot check a target's secret",
        format!(
            "{} reaches its target by QEMU's own iSCSI, and the export asks for mutual CHAP, for which QEMU has no option: it \
             would attach without the check. Take mutual CHAP from the export, or let the host log in, with an initiator other \
             than \"builtin\".",
            after.object.key.address
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_is_one_address_in_one_form() {
        for good in ["10.0.0.2:3260", "[fd00::2]:3260", "127.0.0.1:1"] {
            assert_eq!(check_portal(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "10.0.0.2",
            "10.0.0.2:",
            "10.0.0.2:0",
            "10.0.0.2:70000",
            "san:3260",
            "fd00::2:3260",
            "[fd00::2]",
            "[FD00::2]:3260",
            "[fd00:0::2]:3260",
            "0.0.0.0:3260",
            "[::]:3260",
            "10.0.0.2:3260 ",
            "010.0.0.2:3260",
            "10.0.0.2:3260,1",
            "10.0.0.2:03260",
            "224.0.0.1:3260",
        ] {
            assert!(check_portal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_leaves_room_and_has_no_underscore() {
        for good in [
            "iqn.2026-11.vbs.shop",
            "iqn.2001-04.com.example:a-b.c",
            &format!("iqn.2026-11.{}", "a".repeat(174)),
        ] {
            assert_eq!(check_prefix(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "iqn",
            "iqn.",
            "iqn.2026-11",
            "iqn.2026-11.",
            "iqn.2026-13.x",
            "iqn.2026-00.x",
            "iqn.26-11.x",
            "iqn.2026-11.my_shop",
            "iqn.2026-11.Shop",
            "iqn.2026-11.a b",
            "eui.0123456789abcdef",
            "iqn.2026-11.a:",
            "iqn.2026-11.a>\n",
            &format!("iqn.2026-11.{}", "a".repeat(175)),
        ] {
            assert!(check_prefix(bad).is_err(), "{bad}");
        }
    }
}
