//! Saved plans: JSON of typed operations, authenticated with a key, written whole and private.
//!
//! What is authenticated is what was understood: the file is read into values, and the values, written again, must
//! give the bytes that were authenticated. Spacing may differ; nothing that has an effect may.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files;
use super::outputs::StoredOutput;
use super::secrets::{Key, hex};
use crate::diag::Diagnostic;
use crate::model::ObjectKey;
use crate::plan::{self, Plan};

/// The encoding of the file around the plan.
const FORMAT: u32 = 1;

/// No plan is larger; what is, is not read into memory.
const LARGEST: u64 = 1 << 30;

/// A plan, and what must still hold when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    pub plan: Plan,
    /// What the outputs become; sensitive ones are encrypted.
    pub outputs: Option<Vec<StoredOutput>>,
    /// The values that variables were given, encrypted; nothing where none were.
    pub variables: Option<StoredOutput>,
    pub preconditions: Vec<Precondition>,
    /// Over configuration, files read and variables.
    pub configuration_digest: String,
    /// The state's, when the plan was made. For people: unrelated changes do not matter.
    pub serial: u64,
}

/// How one object was when the plan was made; nothing where it was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precondition {
    pub key: ObjectKey,
    pub record_digest: Option<String>,
    pub live_digest: Option<String>,
}

/// Whether a plan is known to be as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    Yes,
    /// The key that it was written with is not here: it may be anybody's. Plan again and compare.
    No,
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    vbs_version: String,
    #[serde(flatten)]
    saved: SavedPlan,
    /// SHA-256: finds accidents even without the key.
    digest: String,
    /// Which key it was.
    key: String,
    /// HMAC-SHA-256: finds intent.
    mac: String,
}

/// What is read first: another format may look different in everything else.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// Saves a plan; what was there is replaced whole.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, saved: &SavedPlan, key: &Key) -> Result<(), Diagnostic> {
    let vbs_version = env!("CARGO_PKG_VERSION").to_owned();
    let content = content(FORMAT, &vbs_version, saved)?;
    let file = File {
        format: FORMAT,
        vbs_version,
        saved: saved.clone(),
        digest: digest(&content),
        key: key.fingerprint(),
        mac: key.authenticate(&content),
    };
    let mut text = serde_json::to_vec(&file).map_err(no_json)?;
    text.push(b'\n');
    files::write_whole(path, &text)
}

/// Reads a saved plan.
///
/// # Errors
/// Where it is no saved plan, of another format, or not as it was written.
pub fn read(path: &Path, key: Option<&Key>) -> Result<(SavedPlan, Verified), Diagnostic> {
    let text = read_text(path)?;
    let head: Head = serde_json::from_slice(&text).map_err(|error| no_plan(path, &error))?;
    if head.format != FORMAT {
        return Err(other_format(path, head.format, FORMAT));
    }
    let file: File = serde_json::from_slice(&text).map_err(|error| no_plan(path, &error))?;
    if file.saved.plan.format != plan::FORMAT {
        return Err(other_format(path, file.saved.plan.format, plan::FORMAT));
    }
    let content = content(file.format, &file.vbs_version, &file.saved)?;
    if digest(&content) != file.digest {
        return Err(altered(path));
    }
    // The fingerprint is not authenticated: whoever alters it gains no more than a plan that is not trusted.
    match key.filter(|key| key.fingerprint() == file.key) {
        Some(key) if key.is_authentic(&content, &file.mac) => Ok((file.saved, Verified::Yes)),
        Some(_) => Err(altered(path)),
        None => Ok((file.saved, Verified::No)),
    }
}

/// SHA-256 in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The bytes that are authenticated.
fn content(format: u32, version: &str, saved: &SavedPlan) -> Result<Vec<u8>, Diagnostic> {
    serde_json::to_vec(&(format, version, saved)).map_err(no_json)
}

/// A plan may come from elsewhere, so its owner and mode are free; but a pipe or device is never read.
fn read_text(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let cannot = |error: std::io::Error| files::cannot(path, &error);
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path).map_err(cannot)?;
    let found = file.metadata().map_err(cannot)?;
    if !found.is_file() {
        return Err(no_plan(path, &"it is no regular file"));
    }
    if found.len() > LARGEST {
        return Err(no_plan(path, &"it is larger than 1 GiB"));
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).map_err(cannot)?;
    Ok(text)
}

fn no_json(error: serde_json::Error) -> Diagnostic {
    Diagnostic::bug(format!("A plan has no JSON form: {error}"))
}

fn no_plan(path: &Path, why: &dyn std::fmt::Display) -> Diagnostic {
    let detail = format!(
        "{} cannot be read as a saved plan: {why}. Nothing was changed. Make one with `vbs plan --out FILE`.",
        path.display()
    );
    Diagnostic::error("This is not a saved plan", detail)
}

fn altered(path: &Path) -> Diagnostic {
    let detail = format!(
        "{} is not as vbs wrote it: it was damaged, or somebody changed what it would do. Nothing was changed. Plan \
         again.",
        path.display()
    );
    Diagnostic::error("The plan file was altered", detail)
}

fn other_format(path: &Path, found: u32, known: u32) -> Diagnostic {
    let detail = format!(
        "{} has format {found}, and this vbs knows format {known}. Guessing what it means could destroy data. Apply it \
         with the vbs that wrote it, or plan again.",
        path.display()
    );
    Diagnostic::error("The plan file was written by another version of vbs", detail)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "these tests damage files")]

    use super::*;
    use crate::state::tests::{Home, key};
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    fn a_key(digit: &str) -> Key {
        Key::parse(&digit.repeat(64), "test").unwrap()
    }

    fn saved(home: &Home) -> SavedPlan {
        let value = crate::state::OutputValue::Clear(serde_json::json!([0.1, 1e300, 5e-324, "x"]));
        SavedPlan {
            plan: home.plan(2),
            outputs: Some(vec![StoredOutput { name: "numbers".into(), value }]),
            variables: None,
            preconditions: vec![Precondition {
                key: key("volume.db"),
                record_digest: Some("r".into()),
                live_digest: None,
            }],
            configuration_digest: "c".into(),
            serial: 3,
        }
    }

    #[test]
    fn a_saved_plan_is_private_and_read_back_as_it_was() {
        let home = Home::new();
        let path = home.directory.path().join("plan.json");
        let saved = saved(&home);
        write(&path, &saved, &a_key("a")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path, Some(&a_key("a"))).unwrap(), (saved.clone(), Verified::Yes));
        assert_eq!(read(&path, None).unwrap(), (saved.clone(), Verified::No));
        assert_eq!(read(&path, Some(&a_key("b"))).unwrap(), (saved, Verified::No), "another runner");
        let text = fs::read_to_string(&path).unwrap();
        let spaced: serde_json::Value = serde_json::from_str(&text).unwrap();
        fs::write(&path, serde_json::to_string_pretty(&spaced).unwrap()).unwrap();
        assert_eq!(read(&path, Some(&a_key("a"))).unwrap().1, Verified::Yes, "spacing has no effect");
    }

    #[test]
    fn whoever_alters_a_plan_is_found_out() {
        let home = Home::new();
        let path = home.directory.path().join("plan.json");
        write(&path, &saved(&home), &a_key("a")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (what, with) in
            [("\"create\"", "\"purge\""), ("volume.db", "volume.dc"), ("\"serial\":3", "\"serial\":4")]
        {
            fs::write(&path, text.replacen(what, with, 1)).unwrap();
            assert_ne!(fs::read_to_string(&path).unwrap(), text);
            for key in [Some(&a_key("a")), None] {
                assert_eq!(read(&path, key).unwrap_err().summary, "The plan file was altered");
            }
        }
        // Somebody who knows how the digest is made, but not the key.
        let mut forged = saved(&home);
        forged.plan.steps.pop();
        write(&path, &forged, &a_key("b")).unwrap();
        let other = fs::read_to_string(&path).unwrap();
        fs::write(&path, other.replace(&a_key("b").fingerprint(), &a_key("a").fingerprint())).unwrap();
        assert_eq!(read(&path, Some(&a_key("a"))).unwrap_err().summary, "The plan file was altered");
    }

    #[test]
    fn every_byte_that_is_flipped_is_noticed_or_does_not_matter() {
        let home = Home::new();
        let path = home.directory.path().join("plan.json");
        let saved = saved(&home);
        write(&path, &saved, &a_key("a")).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            fs::write(&path, &broken).unwrap();
            if let Ok((read, _)) = read(&path, Some(&a_key("a"))) {
                assert_eq!(read, saved, "byte {at} changed the plan");
            }
        }
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        let home = Home::new();
        let path = home.directory.path().join("plan.json");
        write(&path, &saved(&home), &a_key("a")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let deep = format!("{{\"format\":1,\"plan\":{}", "[".repeat(200_000));
        let newer = text.replacen("\"format\":1", "\"format\":2", 1);
        let newer_plan = text.replacen("\"plan\":{\"format\":1", "\"plan\":{\"format\":2", 1);
        let cases = [
            ("", "This is not a saved plan"),
            ("{}", "This is not a saved plan"),
            (&text[..text.len() / 2], "This is not a saved plan"),
            (&deep, "This is not a saved plan"),
            (&newer, "The plan file was written by another version of vbs"),
            (&newer_plan, "The plan file was written by another version of vbs"),
        ];
        for (content, expected) in cases {
            fs::write(&path, content).unwrap();
            assert_eq!(read(&path, None).unwrap_err().summary, expected);
        }
        assert_eq!(read(home.directory.path(), None).unwrap_err().summary, "This is not a saved plan");
    }
}
