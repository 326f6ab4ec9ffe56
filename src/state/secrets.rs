//! The key beside the state: it encrypts sensitive outputs at rest and authenticates saved plans.
#![expect(clippy::disallowed_methods, reason = "the state room reads and writes its own files")]

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::files;
use super::outputs::{OutputValue, StoredOutput};
use crate::diag::Diagnostic;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// What the names of secrets begin with that hold the secret, encrypted.
const SEALED: &str = "sealed/";

/// 32 random bytes. Each use has a key of its own, derived from them.
#[derive(Clone)]
pub struct Key([u8; KEY_BYTES]);

/// Says nothing: a key that is printed is no key any more.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Where the key of the state at `state` lies: `.vbs/state.key` for `.vbs/state.db`.
pub fn key_path(state: &Path) -> PathBuf {
    state.with_extension("key")
}

impl Key {
    /// A key as it is written in the key file, `VBS_STATE_KEY` or `VBS_PLAN_KEY`: 64 hexadecimal digits. `from` names
    /// the place in messages.
    ///
    /// # Errors
    /// Where the text is anything else; the message does not repeat it.
    pub fn parse(text: &str, from: &str) -> Result<Key, Diagnostic> {
        let bytes = unhex(text.trim()).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Key).ok_or_else(|| {
            Diagnostic::error(
                "The key cannot be used",
                format!(
                    "{from} must hold 64 hexadecimal digits and does not. Without the key sensitive outputs cannot \
                     be read, and saved plans not be told from forged ones. `openssl rand -hex 32` prints a new key; \
                     what was encrypted with the old one stays unreadable without the old one."
                ),
            )
        })
    }

    /// The key in the file beside the state, if there is one.
    ///
    /// # Errors
    /// Where the file is not private or holds no key.
    pub fn load(state: &Path) -> Result<Option<Key>, Diagnostic> {
        let path = key_path(state);
        let Some(found) = files::inspect(&path)? else { return Ok(None) };
        files::refuse_readable_by_others(&path, &found)?;
        let text = files::read_private(&path, 4096)?;
        Key::parse(&String::from_utf8_lossy(&text), &path.display().to_string()).map(Some)
    }

    /// As [`Key::load`], making a new key where there is none. Of two processes that do so at once, both get the same.
    ///
    /// # Errors
    /// As [`Key::load`], and where the file cannot be written or there is no randomness.
    pub fn load_or_create(state: &Path) -> Result<Key, Diagnostic> {
        if let Some(key) = Key::load(state)? {
            return Ok(key);
        }
        files::make_directory(state)?;
        let path = key_path(state);
        let fresh = <[u8; KEY_BYTES]>::try_generate().map_err(|error| no_randomness(&error))?;
        let temporary = files::beside(&path, &format!(".new-{}", Uuid::new_v4().simple()));
        let published = files::create_private(&temporary)
            .and_then(|mut file| writeln!(file, "{}", hex(&fresh)))
            .and_then(|()| files::publish(&temporary, &path));
        if let Err(error) = published {
            let _ = fs::remove_file(&temporary);
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                return Err(files::cannot(&path, &error));
            }
        }
        Key::load(state)?.ok_or_else(|| files::cannot(&path, &"it vanished just after it was written"))
    }

    /// Encrypts a sensitive output, bound to its name and state: it cannot be moved to another one.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn seal(
        &self,
        lineage: Uuid,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<StoredOutput, Diagnostic> {
        let nonce = <[u8; NONCE_BYTES]>::try_generate().map_err(|error| no_randomness(&error))?;
        let (text, bound) = (value.to_string(), bound_to(lineage, name));
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: text.as_bytes(), aad: &bound })
            .map_err(|_| Diagnostic::bug("A sensitive output could not be encrypted"))?;
        let sealed = format!("{}{}", hex(&nonce), hex(&sealed));
        Ok(StoredOutput { name: name.to_owned(), value: OutputValue::Sealed(sealed) })
    }

    /// The value of an output, decrypted if it is sensitive.
    ///
    /// # Errors
    /// Where it was encrypted with another key, or altered.
    pub fn open(&self, lineage: Uuid, output: &StoredOutput) -> Result<serde_json::Value, Diagnostic> {
        let sealed = match &output.value {
            OutputValue::Clear(value) => return Ok(value.clone()),
            OutputValue::Sealed(sealed) => sealed,
        };
        let opened = unhex(sealed).and_then(|bytes| {
            let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
            let bound = bound_to(lineage, &output.name);
            let text =
                self.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &bound }).ok()?;
            serde_json::from_slice(&text).ok()
        });
        opened.ok_or_else(|| {
            let detail = format!(
                "Output {:?} was encrypted with another key, or altered. Give the key that it was written with \
                 (VBS_STATE_KEY, or the key file beside the state), or apply again to write it anew.",
                output.name
            );
            Diagnostic::error("A sensitive output cannot be decrypted", detail)
        })
    }

    /// The secret of this name: the same whenever it is asked for, and rested nowhere. 16 characters of 32, which every
    /// initiator and target takes (12 to 16 is what they agree on). A name that [`Key::seal_secret`] gave holds it.
    ///
    /// # Errors
    /// A sealed secret of another key or state.
    pub fn secret(&self, lineage: Uuid, name: &str) -> Result<String, Diagnostic> {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        if let Some(sealed) = name.strip_prefix(SEALED) {
            return self.unseal(lineage, sealed).ok_or_else(|| {
                Diagnostic::error(
                    "A password cannot be decrypted",
                    "A password that the configuration once gave rests in the state, encrypted with another key. Give the key that it was written with (VBS_STATE_KEY, or the key file beside the state).",
                )
            });
        }
        let bytes = self.derived(&[b"vbs secret\0", lineage.as_bytes(), name.as_bytes()]);
        Ok(bytes.iter().take(16).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
    }

    /// A name for a secret that somebody gave: it holds the secret, encrypted and bound to `name` and the state. The same
    /// secret always gives the same name, so that plans can be compared.
    pub fn seal_secret(&self, lineage: Uuid, name: &str, secret: &str) -> Option<String> {
        let bound = bound_to(lineage, name);
        // The nonce follows from everything that is encrypted, so that no two texts share one.
        let nonce = self.derived(&[b"vbs given secret nonce\0", &bound, b"\0", secret.as_bytes()]);
        let nonce: [u8; NONCE_BYTES] = *nonce.first_chunk()?;
        let sealed = self
            .given_cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: secret.as_bytes(), aad: &bound })
            .ok()?;
        Some(format!("{SEALED}{name}/{}{}", hex(&nonce), hex(&sealed)))
    }

    fn unseal(&self, lineage: Uuid, sealed: &str) -> Option<String> {
        let (name, digits) = sealed.rsplit_once('/')?;
        let bytes = unhex(digits)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let bound = bound_to(lineage, name);
        let opened =
            self.given_cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &bound }).ok()?;
        String::from_utf8(opened).ok()
    }

    fn given_cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derived(&[b"vbs given secrets\0"]).into())
    }

    /// What tells that somebody has a secret without telling the secret: see `model::Login`.
    pub fn fingerprint_of(&self, lineage: Uuid, target: &str, user: &str, name: &str) -> String {
        use sha2::Digest;
        let Ok(secret) = self.secret(lineage, name) else { return "unknown".to_owned() };
        hex(&Sha256::digest(format!("{target} {user} {secret}")))[..16].to_owned()
    }

    /// Authenticates the bytes of a saved plan.
    pub(super) fn authenticate(&self, content: &[u8]) -> String {
        hex(&self.derived(&[b"vbs saved plan\0", content]))
    }

    /// Whether `code` is what [`Key::authenticate`] gives, in a time that tells nothing about it.
    pub(super) fn is_authentic(&self, content: &[u8], code: &str) -> bool {
        let Some(code) = unhex(code) else { return false };
        self.hmac(&[b"vbs saved plan\0", content]).verify_slice(&code).is_ok()
    }

    /// Tells keys apart without giving anything of them away.
    pub(super) fn fingerprint(&self) -> String {
        hex(&self.derived(&[b"vbs key fingerprint\0"])[..8])
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derived(&[b"vbs sensitive outputs\0"]).into())
    }

    fn derived(&self, parts: &[&[u8]]) -> [u8; KEY_BYTES] {
        self.hmac(parts).finalize().into_bytes().into()
    }

    fn hmac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut hmac = <Hmac<Sha256> as KeyInit>::new(&block(&self.0).into());
        parts.iter().for_each(|part| hmac.update(part));
        hmac
    }
}

/// HMAC's key of one whole block of SHA-256: a shorter key is padded with zeros, as its definition says.
fn block(key: &[u8; KEY_BYTES]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..KEY_BYTES].copy_from_slice(key);
    block
}

/// Both parts have a fixed place, so no two pairs give the same bytes.
fn bound_to(lineage: Uuid, name: &str) -> Vec<u8> {
    [lineage.as_bytes().as_slice(), name.as_bytes()].concat()
}

fn no_randomness(error: &dyn fmt::Display) -> Diagnostic {
    Diagnostic::error(
        "There is no randomness",
        format!("The system gave no random bytes for a key: {error}."),
    )
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn home() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join(".vbs/state.db");
        (home, state)
    }

    #[test]
    fn the_key_is_made_once_and_private() {
        let (_home, state) = home();
        assert!(Key::load(&state).unwrap().is_none());
        let key = Key::load_or_create(&state).unwrap();
        assert_eq!(Key::load_or_create(&state).unwrap().0, key.0);
        assert_eq!(fs::metadata(key_path(&state)).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(key_path(&state), fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Key::load(&state).unwrap_err().summary, "A file of vbs is not safe to use");
        assert!(!format!("{key:?}").contains(&hex(&key.0)[..8]));
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_and_not_repeated() {
        for text in ["", "hunter2", &"0".repeat(63), &"g".repeat(64)] {
            let problem = Key::parse(text, "VBS_STATE_KEY").unwrap_err();
            assert!(text.is_empty() || !problem.detail.contains(text));
        }
        assert!(Key::parse(&format!("{}\n", "0a".repeat(32)), "x").is_ok());
    }

    #[test]
    fn a_sensitive_output_rests_encrypted_and_bound_to_its_place() {
        let key = Key([7; 32]);
        let (lineage, value) = (Uuid::new_v4(), serde_json::json!({"password": "hunter2"}));
        let sealed = key.seal(lineage, "secret", &value).unwrap();
        let rested = serde_json::to_string(&sealed).unwrap();
        assert!(!rested.contains("hunter2") && !rested.contains(&hex(b"hunter2")));
        assert_eq!(key.open(lineage, &sealed).unwrap(), value);
        let again = key.seal(lineage, "secret", &value).unwrap();
        assert_ne!(again, sealed, "a nonce is never used twice");
        let elsewhere = StoredOutput { name: "other".into(), ..sealed.clone() };
        assert!(key.open(lineage, &elsewhere).is_err());
        assert!(key.open(Uuid::new_v4(), &sealed).is_err());
        assert!(Key([8; 32]).open(lineage, &sealed).is_err());
        let OutputValue::Sealed(text) = &sealed.value else { panic!("it is sealed") };
        for broken in ["", "00", "zz", &text[..text.len() - 2]] {
            let broken = StoredOutput { value: OutputValue::Sealed(broken.to_owned()), ..sealed.clone() };
            assert!(key.open(lineage, &broken).is_err());
        }
    }

    #[test]
    fn a_secret_that_was_given_is_in_its_name_and_nobody_reads_it_there() {
        let (key, lineage) = (Key([7; 32]), Uuid::new_v4());
        let seal = |name: &str, secret: &str| key.seal_secret(lineage, name, secret).unwrap();
        let name = seal("given/export.fast/chap", "hunter2hunter2");
        assert!(!name.contains("hunter2") && !name.contains(&hex(b"hunter2")));
        assert_eq!(key.secret(lineage, &name).unwrap(), "hunter2hunter2");
        assert_eq!(seal("given/export.fast/chap", "hunter2hunter2"), name);
        assert_ne!(seal("given/export.fast/chap", "hunter3hunter3"), name);
        // It is the name of one attribute of one state, under one key.
        let moved = name.replace("/chap/", "/mutual_chap/");
        assert_eq!(key.secret(lineage, &moved).unwrap_err().summary, "A password cannot be decrypted");
        assert!(key.secret(Uuid::new_v4(), &name).is_err() && Key([8; 32]).secret(lineage, &name).is_err());
        assert!(key.secret(lineage, "sealed/x/zz").is_err() && key.secret(lineage, "sealed/").is_err());
        assert_eq!(key.secret(lineage, "chap/x").unwrap().len(), 16);
    }

    #[test]
    fn authentication_is_hmac_sha256() {
        // RFC 4231, case 1: its key of 20 bytes and ours of 32 differ only in the zeros that HMAC adds anyway.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let code = Key(key).hmac(&[b"Hi There"]).finalize().into_bytes();
        assert_eq!(hex(&code), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
