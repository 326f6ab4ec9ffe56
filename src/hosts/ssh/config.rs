//! What ssh is told. Pure.
//!
//! ssh takes the first value that it meets for each option, so what must hold stands before the user's own
//! configuration. It is a file and not a list of arguments because the ssh that ssh starts for a jump host reads
//! it too.

use std::ffi::OsString;
use std::path::Path;

use crate::model::HostAddress;

/// What must hold whatever the user's configuration says. Nothing is asked, nothing is accepted silently, nothing of
/// this machine is lent to the other one, and a connection that died is noticed.
const MUST: &str = "\
BatchMode yes
StrictHostKeyChecking yes
VerifyHostKeyDNS no
CheckHostIP no
NoHostAuthenticationForLocalhost no
UpdateHostKeys no
ForwardAgent no
ForwardX11 no
ClearAllForwardings yes
Tunnel no
PermitLocalCommand no
RequestTTY no
RemoteCommand none
EscapeChar none
ControlMaster no
ControlPath none
ControlPersist no
ConnectionAttempts 1
ServerAliveInterval 5
ServerAliveCountMax 3
LogLevel ERROR
";

/// How many seconds a connection outlives the last shell on it, where vbs could not end it itself.
pub const PERSIST_SECONDS: u32 = 15;

/// The whole configuration. `user` replaces the user's and the system's files.
///
/// # Errors
/// In words, where a path cannot be written into it.
pub fn file(known_hosts: &Path, user: Option<&Path>) -> Result<String, String> {
    let known_hosts = quoted(known_hosts)?.replace('%', "%%");
    let mut text = format!("{MUST}UserKnownHostsFile {known_hosts} ~/.ssh/known_hosts ~/.ssh/known_hosts2\n");
    match user {
        Some(path) => text.push_str(&format!("Include {}\n", quoted(path)?)),
        None => text.push_str("Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n"),
    }
    Ok(text)
}

/// ssh has no way to write these characters inside of quotes, or takes them for patterns and variables.
fn quoted(path: &Path) -> Result<String, String> {
    let text = path.to_str().ok_or_else(|| format!("{} is not UTF-8 text", path.display()))?;
    let odd = |c: char| c.is_control() || matches!(c, '"' | '\\' | '$' | '*' | '?' | '[');
    match text.chars().find(|c| odd(*c)) {
        Some(found) => Err(format!("the path {text:?} holds {found:?}, which ssh gives a meaning to")),
        None => Ok(format!("\"{text}\"")),
    }
}

/// The arguments that open a connection to `address`, which goes on in the background once it is there.
pub fn connect(config: &Path, socket: &Path, address: &HostAddress, timeout_seconds: u64) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        vec!["-F".into(), config.into(), "-S".into(), socket.into(), "-M".into(), "-N".into(), "-T".into()];
    arguments.extend([
        "-o".into(),
        format!("ControlPersist={PERSIST_SECONDS}").into(),
        "-o".into(),
        format!("ConnectTimeout={timeout_seconds}").into(),
    ]);
    arguments.extend(destination(address));
    arguments
}

/// The arguments that make ssh write the host's key into the file `shown`, and end without logging in.
pub fn show_key(config: &Path, shown: &Path, address: &HostAddress, timeout_seconds: u64) -> Vec<OsString> {
    let mut file = OsString::from("UserKnownHostsFile=");
    file.push(shown);
    let timeout = format!("ConnectTimeout={timeout_seconds}").into();
    let options: [OsString; 8] = [
        "StrictHostKeyChecking=accept-new".into(),
        file,
        "GlobalKnownHostsFile=/dev/null".into(),
        "HashKnownHosts=no".into(),
        "PreferredAuthentications=none".into(),
        "PubkeyAuthentication=no".into(),
        "GSSAPIAuthentication=no".into(),
        timeout,
    ];
    let mut arguments: Vec<OsString> = vec!["-F".into(), config.into(), "-T".into()];
    arguments.extend(options.into_iter().flat_map(|option| ["-o".into(), option]));
    arguments.extend(destination(address));
    // Where a host lets anybody in.
    arguments.push("exit".into());
    arguments
}

/// The arguments that end a connection.
pub fn disconnect(socket: &Path) -> Vec<OsString> {
    vec![
        "-F".into(),
        "none".into(),
        "-S".into(),
        socket.into(),
        "-O".into(),
        "exit".into(),
        "--".into(),
        "x".into(),
    ]
}

/// User, port and host as arguments; the host comes last, and nothing that follows it is an option.
pub fn destination(address: &HostAddress) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    if let Some(user) = &address.user {
        arguments.extend(["-l".into(), user.into()]);
    }
    if let Some(port) = address.port {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    arguments.extend(["--".into(), address.host.clone().into()]);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_hold_stands_before_what_the_user_says() {
        let text = file(Path::new("/srv/my shop 100%/vbs.known_hosts"), None).unwrap();
        let include = text.find("Include ~/.ssh/config").unwrap();
        for line in ["StrictHostKeyChecking yes", "BatchMode yes", "ForwardAgent no", "ControlPath none"] {
            assert!(text.find(line).unwrap() < include, "{line}");
        }
        assert!(
            text.contains("UserKnownHostsFile \"/srv/my shop 100%%/vbs.known_hosts\" ~/.ssh/known_hosts")
        );
        let own = file(Path::new("/k"), Some(Path::new("/etc/my ssh"))).unwrap();
        assert!(own.ends_with("Include \"/etc/my ssh\"\n") && !own.contains("/etc/ssh/ssh_config"), "{own}");
    }

    #[test]
    fn a_path_that_ssh_would_read_as_something_else_is_refused() {
        for odd in ["/a\"b", "/a\nProxyCommand x", "/a${HOME}", "/a*"] {
            assert!(file(Path::new(odd), None).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn the_host_is_no_option_whatever_it_is() {
        let address = HostAddress { user: Some("u".into()), host: "h".into(), port: Some(22) };
        let arguments = connect(Path::new("/c"), Path::new("/s"), &address, 10);
        assert_eq!(arguments[arguments.len() - 2..], [OsString::from("--"), OsString::from("h")]);
    }
}
