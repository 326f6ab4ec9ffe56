//! What `tgtadm --op show --mode target` prints, and the files that vbs writes for tgt-admin.

use std::collections::BTreeSet;

/// A target of tgtd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub luns: Vec<Lun>,
    /// Users that may log in, of whom nobody may see the secret.
    pub accounts: BTreeSet<String>,
    /// Names and addresses that are let in; `ALL` is everybody.
    pub acl: BTreeSet<String>,
    /// Who is logged in.
    pub connected: BTreeSet<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lun {
    pub number: String,
    pub scsi_id: String,
    pub serial: String,
    pub is_online: bool,
    pub is_readonly: bool,
    pub device: String,
}

impl Target {
    /// The LUN that a volume is.
    pub fn lun(&self) -> Option<&Lun> {
        self.luns.iter().find(|lun| lun.number == "1")
    }
}

/// # Errors
/// Where the text has another form, in words.
pub fn targets(text: &str) -> Result<Vec<Target>, String> {
    let mut all: Vec<Target> = Vec::new();
    let mut part = "";
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let unread = || format!("tgtadm shows the line {line:?}");
        if let Some(rest) = line.strip_prefix("Target ") {
            let (_, name) = rest.split_once(": ").ok_or_else(unread)?;
            all.push(Target { name: name.to_owned(), ..Target::default() });
            part = "";
            continue;
        }
        let target = all.last_mut().ok_or_else(unread)?;
        let told = line.trim_start();
        if line.len() - told.len() == 4 {
            part = told.trim_end().trim_end_matches(':');
        } else {
            take(target, part, told.trim_end()).ok_or_else(unread)?;
        }
    }
    Ok(all)
}

fn take(target: &mut Target, part: &str, told: &str) -> Option<()> {
    match part {
        "Account information" if !told.ends_with(" (outgoing)") => {
            target.accounts.insert(told.to_owned());
        }
        "ACL information" => {
            target.acl.insert(told.to_owned());
        }
        "I_T nexus information" => {
            if let Some(rest) = told.strip_prefix("Initiator: ") {
                let name = rest.split_once(" alias:").map_or(rest, |(name, _)| name);
                target.connected.insert(name.to_owned());
            }
        }
        "LUN information" => {
            if let Some(number) = told.strip_prefix("LUN: ") {
                target.luns.push(Lun { number: number.to_owned(), ..Lun::default() });
                return Some(());
            }
            let lun = target.luns.last_mut()?;
            match told.split_once(": ") {
                Some(("SCSI ID", text)) => text.clone_into(&mut lun.scsi_id),
                Some(("SCSI SN", text)) => text.clone_into(&mut lun.serial),
                Some(("Online", text)) => lun.is_online = text == "Yes",
                Some(("Readonly", text)) => lun.is_readonly = text == "Yes",
                Some(("Backing store path", text)) => text.clone_into(&mut lun.device),
                _ => {}
            }
        }
        _ => {}
    }
    Some(())
}

/// A file of ours, with fingerprints where secrets stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conf {
    lines: BTreeSet<String>,
}

impl Conf {
    pub fn of(text: &str) -> Self {
        Conf { lines: text.lines().map(|line| line.trim().to_owned()).collect() }
    }

    pub fn has(&self, line: &str) -> bool {
        self.lines.contains(line)
    }

    /// Who is let in after a restart, but for the address that nobody has.
    pub fn admitted(&self) -> impl Iterator<Item = &str> {
        let who = |line: &str, word: &str| line.strip_prefix(word).map(str::trim_start).map(str::len);
        self.lines.iter().filter_map(move |line| {
            let length = who(line, "initiator-name ").or_else(|| who(line, "initiator-address "))?;
            line.get(line.len() - length..)
        })
    }

    pub fn users(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().filter_map(|line| line.strip_prefix("incominguser ")?.split_once(' '))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(text: &str) -> Vec<Target> {
        targets(text).unwrap()
    }

    #[test]
    fn recordings_are_understood() {
        assert_eq!(recorded(include_str!("fixtures/none.txt")), []);
        let [theirs, ours] = &recorded(include_str!("fixtures/connected.txt"))[..] else { panic!() };
        assert_eq!(theirs.name, "iqn.2001-04.com.example:theirs");
        assert_eq!(theirs.acl.iter().collect::<Vec<_>>(), ["10.0.0.0/8", "ALL"]);
        assert!(theirs.connected.is_empty() && theirs.accounts.is_empty());
        assert_eq!(theirs.lun().unwrap().serial, "beaf11", "what tgtd makes up");
        assert_eq!(ours.name, "iqn.2026-11.vbs.shop:6ba7b810-9dad-41d1-80b4-00c04fd430c8");
        let lun = ours.lun().unwrap();
        assert_eq!(lun.serial, "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
        assert_eq!(lun.scsi_id, "6ba7b8109dad41d180b400c04fd430c8");
        assert!(lun.device.ends_with("/db.img") && lun.is_online && lun.is_readonly);
        assert_eq!(ours.connected.iter().collect::<Vec<_>>(), ["iqn.2026-11.vbs.shop:host.kvm1"]);
        assert_eq!(ours.accounts.iter().collect::<Vec<_>>(), ["vbs-in-1"]);
        assert_eq!(ours.acl.len(), 2);
        let no_lun = recorded(include_str!("fixtures/no_lun.txt"));
        assert_eq!((no_lun.len(), no_lun[1].lun(), no_lun[1].luns.len()), (2, None, 1));
        let offline = recorded(include_str!("fixtures/offline.txt"));
        assert!(!offline[1].lun().unwrap().is_online);
    }

    #[test]
    fn another_form_is_an_error() {
        for text in [
            "nonsense",
            "    ACL information:\n",
            "Target 1\n",
            "Target 1: a\n    LUN information:\n        Size: 1\n",
        ] {
            assert!(targets(text).is_err(), "{text:?}");
        }
    }
}
