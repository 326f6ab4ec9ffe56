//! The lines of `vbs.known_hosts`. Pure.

use std::collections::BTreeSet;

/// A known_hosts file that is ours: comments first, then the keys, sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    comments: Vec<String>,
    keys: BTreeSet<String>,
}

/// How a key that a host shows stands to what is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Pinned,
    New,
    /// The host has other keys; the lines of them.
    Another(Vec<String>),
}

/// Host and key of a line; nothing where it is marked (`@revoked`) or cut short.
fn parts(line: &str) -> Option<(&str, &str)> {
    let (host, key) = line.split_once(' ')?;
    (!host.starts_with('@')).then_some((host, key.trim()))
}

/// Type and key, without what may follow them.
fn key(line: &str) -> Option<Vec<&str>> {
    let (_, key) = parts(line)?;
    Some(key.split_whitespace().take(2).collect())
}

impl Pins {
    pub fn parse(text: &str) -> Pins {
        let mut pins = Pins::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with('#') {
                pins.comments.push(line.to_owned());
            } else {
                pins.keys.insert(line.to_owned());
            }
        }
        pins
    }

    pub fn standing(&self, shown: &str) -> Standing {
        let same_host: Vec<&String> = self.of_host(shown).collect();
        if same_host.iter().any(|line| key(line) == key(shown)) {
            return Standing::Pinned;
        }
        if same_host.is_empty() {
            return Standing::New;
        }
        Standing::Another(same_host.into_iter().cloned().collect())
    }

    fn of_host(&self, shown: &str) -> impl Iterator<Item = &String> {
        let host = parts(shown).map(|(host, _)| host.to_owned());
        self.keys.iter().filter(move |line| {
            let names = parts(line).map(|(names, _)| names.split(','));
            names.is_some_and(|mut names| names.any(|name| Some(name) == host.as_deref()))
        })
    }

    /// Pins a key in place of every other one of its host.
    pub fn pin(&mut self, shown: &str) {
        let old: Vec<String> = self.of_host(shown).cloned().collect();
        for line in old {
            self.keys.remove(&line);
            self.keep_other_names(&line, shown);
        }
        self.keys.insert(shown.to_owned());
    }

    /// A line may stand for several names: the others keep their key.
    fn keep_other_names(&mut self, line: &str, shown: &str) {
        let (Some((names, key)), Some((host, _))) = (parts(line), parts(shown)) else { return };
        let others: Vec<&str> = names.split(',').filter(|name| *name != host).collect();
        if !others.is_empty() {
            self.keys.insert(format!("{} {key}", others.join(",")));
        }
    }

    pub fn text(&self) -> String {
        self.comments.iter().chain(&self.keys).map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_pinned_once_and_the_file_is_sorted() {
        let mut pins = Pins::parse("# ours\nb ssh-ed25519 B\na ssh-ed25519 A a comment\n\n");
        assert_eq!(pins.standing("a ssh-ed25519 A"), Standing::Pinned);
        assert_eq!(pins.standing("c ssh-ed25519 C"), Standing::New);
        assert_eq!(pins.standing("b ssh-ed25519 X"), Standing::Another(vec!["b ssh-ed25519 B".into()]));
        pins.pin("aa ssh-ed25519 C");
        pins.pin("b ssh-ed25519 X");
        assert_eq!(pins.text(), "# ours\na ssh-ed25519 A a comment\naa ssh-ed25519 C\nb ssh-ed25519 X\n");
    }

    #[test]
    fn a_line_of_several_names_keeps_the_others() {
        let mut pins = Pins::parse("a,[b]:22 ssh-ed25519 A\n");
        assert!(matches!(pins.standing("[b]:22 ssh-rsa B"), Standing::Another(_)));
        pins.pin("[b]:22 ssh-rsa B");
        assert_eq!(pins.text(), "[b]:22 ssh-rsa B\na ssh-ed25519 A\n");
    }

    #[test]
    fn a_revoked_key_is_not_taken_for_a_pinned_one() {
        let pins = Pins::parse("@revoked a ssh-ed25519 A\n");
        assert_eq!(pins.standing("a ssh-ed25519 A"), Standing::New);
    }
}
