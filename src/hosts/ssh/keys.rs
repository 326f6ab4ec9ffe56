//! The key that a host shows, looked at without trusting it.

use std::ffi::OsString;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use super::{GRACE, Ssh, config, explain, private, read};
use crate::model::{HostAddress, HostSpec};

/// A host's key as it stands in a known_hosts file, and as people compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// `[name]:port type base64`
    pub line: String,
    /// `ED25519 SHA256:…`
    pub fingerprint: String,
}

impl Ssh {
    /// Asks a host for its key, over its jump hosts where the configuration names some. Nothing is trusted by this:
    /// ssh writes the key into a file of its own and does not log in.
    ///
    /// # Errors
    /// In words, with what to do, where no key was shown.
    pub async fn key(&self, spec: &HostSpec) -> Result<HostKey, String> {
        let address = HostAddress::parse(spec.address.as_deref().unwrap_or_default())?;
        let directory = self.directory()?;
        let _turn = self.opening.acquire().await.map_err(|closed| closed.to_string())?;
        let number = self.next();
        let (shown, said) =
            (directory.join(format!("{number}.key")), directory.join(format!("{number}.log")));
        let seconds = spec.connect_timeout_seconds.max(1);
        let arguments = config::show_key(&directory.join("config"), &shown, &address, seconds);
        let ended = self.run_ssh(&arguments, &said, Duration::from_secs(seconds) + GRACE).await;
        match read(&shown).lines().last() {
            Some(line) => {
                let line = line.trim().to_owned();
                Ok(HostKey { fingerprint: self.fingerprint(&line).await?, line })
            }
            None => Err(explain(spec, &format!("{}\n{}", ended.err().unwrap_or_default(), read(&said)))),
        }
    }

    /// The fingerprint of the key in a line of a known_hosts file.
    ///
    /// # Errors
    /// In words, where it holds none.
    pub async fn fingerprint(&self, line: &str) -> Result<String, String> {
        let path = self.directory()?.join(format!("{}.line", self.next()));
        let written = private(&path).and_then(|mut file| writeln!(file, "{line}"));
        written.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        let arguments: [OsString; 3] = ["-l".into(), "-f".into(), path.clone().into()];
        let output = self.command("ssh-keygen", &arguments).stdout(Stdio::piped()).output().await;
        let output = output.map_err(|error| format!("ssh-keygen could not be started: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // `256 SHA256:… name (ED25519)`
        let words: Vec<&str> = text.split_whitespace().collect();
        match (words.get(1), words.last()) {
            (Some(hash), Some(kind)) => Ok(format!("{} {hash}", kind.trim_matches(['(', ')']))),
            _ => Err(format!("{line:?} holds no host key")),
        }
    }
}
