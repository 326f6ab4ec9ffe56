//! The grammar of host addresses: `ssh://[user@]host[:port]`. Strict, because other programs read it as well.

/// Where a host is, as ssh is told. What is left out is ssh's own configuration to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddress {
    pub user: Option<String>,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: Option<u16>,
}

impl HostAddress {
    /// # Errors
    /// In words, why `address` does not fit.
    pub fn parse(address: &str) -> Result<HostAddress, String> {
        let rest = address
            .strip_prefix("ssh://")
            .ok_or_else(|| format!("{address:?} does not begin with ssh://."))?;
        let (user, rest) = match rest.split_once('@') {
            Some((user, rest)) => (Some(name(user, "user")?), rest),
            None => (None, rest),
        };
        let (host, port) = split_port(rest)?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(literal) => literal
                .parse::<std::net::Ipv6Addr>()
                .map(|_| literal.to_owned())
                .map_err(|_| format!("{literal:?} is no IPv6 address."))?,
            None => name(host, "host")?,
        };
        Ok(HostAddress { user, host, port: port.map(number).transpose()? })
    }
}

fn number(port: &str) -> Result<u16, String> {
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let port_number = port.parse::<u16>().ok().filter(|number| digits && *number > 0);
    port_number.ok_or_else(|| format!("{port:?} is no port: a port is a number from 1 to 65535."))
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

fn name(text: &str, what: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(format!("The {what} is empty."));
    }
    if text.starts_with('-') {
        return Err(format!("The {what} {text:?} begins with a hyphen."));
    }
    if text.len() > 253 {
        return Err(format!("The {what} is longer than 253 characters."));
    }
    if text.bytes().any(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b'_' | b'-')) {
        return Err(format!(
            "The {what} {text:?} holds something other than letters, digits, dots, hyphens and underscores."
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::HostAddress;

    #[test]
    fn only_what_ssh_reads_as_a_destination_is_an_address() {
        for good in [
            "ssh://h",
            "ssh://root@store1.example.net",
            "ssh://a-b@h:2222",
            "ssh://[::1]:22",
            "ssh://u@[fe80::1]",
        ] {
            assert!(HostAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "h",
            "-oProxyCommand=x",
            "ssh://-oProxyCommand=x",
            "ssh://-l@h",
            "ssh://-oProxyCommand=touch x@h",
            "ssh://[-oProxyCommand=x]",
            "ssh://h:-oProxyCommand=x",
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
            assert!(HostAddress::parse(bad).is_err(), "{bad:?} was taken for an address");
        }
    }

    #[test]
    fn the_parts_of_an_address_are_told_apart() {
        let all = HostAddress::parse("ssh://ops@[2001:db8::1]:2222");
        let expected = HostAddress { user: Some("ops".into()), host: "2001:db8::1".into(), port: Some(2222) };
        assert_eq!(all, Ok(expected));
        let least = HostAddress { user: None, host: "store1".into(), port: None };
        assert_eq!(HostAddress::parse("ssh://store1"), Ok(least));
    }
}
