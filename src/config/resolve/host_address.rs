//! The grammar of host addresses: `ssh://[user@]host[:port]`. Strict, because other programs read it as well.

/// Whether `address` fits, or in words why it does not.
pub fn check(address: &str) -> Result<(), String> {
    let rest =
        address.strip_prefix("ssh://").ok_or_else(|| format!("{address:?} does not begin with ssh://."))?;
    let (user, rest) = match rest.split_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    if let Some(user) = user {
        name(user, "user", |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))?;
    }
    let (host, port) = split_port(rest)?;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal
            .parse::<std::net::Ipv6Addr>()
            .map(|_| ())
            .map_err(|_| format!("{literal:?} is no IPv6 address."))?,
        None => name(host, "host", |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))?,
    }
    match port {
        Some(port)
            if !port.parse::<u16>().is_ok_and(|port| port > 0)
                || !port.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Err(format!("{port:?} is no port: a port is a number from 1 to 65535."))
        }
        _ => Ok(()),
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or_else(|| "The IPv6 address has no closing bracket.".to_owned())?;
        let (host, rest) = text.split_at(end + 1);
        return match rest {
            "" => Ok((host, None)),
            rest => rest
                .strip_prefix(':')
                .map(|port| (host, Some(port)))
                .ok_or_else(|| format!("{rest:?} follows the host.")),
        };
    }
    Ok(match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

fn name(text: &str, what: &str, allowed: fn(u8) -> bool) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("The {what} is empty."));
    }
    if text.starts_with('-') {
        return Err(format!("The {what} {text:?} begins with a hyphen."));
    }
    if text.len() > 253 {
        return Err(format!("The {what} is longer than 253 characters."));
    }
    match text.bytes().find(|b| !allowed(*b)) {
        Some(_) => Err(format!(
            "The {what} {text:?} holds something other than letters, digits, dots, hyphens and underscores."
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_what_ssh_reads_as_a_destination_is_an_address() {
        for good in [
            "ssh://h",
            "ssh://root@store1.example.net",
            "ssh://a-b@h:2222",
            "ssh://[::1]:22",
            "ssh://u@[fe80::1]",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "h",
            "-oProxyCommand=x",
            "ssh://-oProxyCommand=x",
            "ssh://-l@h",
            "ssh://a@b@c",
            "ssh://h/x",
            "ssh://h:0",
            "ssh://h:+22",
            "ssh://h:65536",
            "ssh://h;reboot",
            "ssh://h\n",
            "ssh://[::1",
            "ssh://[x]",
            "ssh://é",
            "ssh://@h",
        ] {
            assert!(check(bad).is_err(), "{bad:?} was taken for an address");
        }
    }
}
