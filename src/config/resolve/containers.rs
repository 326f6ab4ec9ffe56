//! Hosts, pools and hypervisors.

use super::arguments::Arguments;
use super::world::{Entry, Node};
use crate::config::declare::duration_seconds;
use crate::config::types::Type;
use crate::config::value::Value;
use crate::model::container::{PoolPolicy, Reserve};
use crate::model::schema::{Attribute, AttributeType, ProviderSchema};
use crate::model::{
    Address, ContainerSpec, GivenLogin, Hidden, HostAddress, HostName, HostSpec, Kind, Setting, Settings,
};

const CONNECT_TIMEOUT_SECONDS: u64 = 10;
/// With the shell for questions, half of what sshd allows on one connection.
const PARALLELISM: usize = 4;

/// A `host` block.
pub fn host(arguments: &Arguments<'_, '_>) -> Option<Entry> {
    if &*arguments.address.label == "local" {
        let detail = "host.local is this machine, which needs no block: leave `host` out of the pool or hypervisor. Give this block another name.";
        arguments.wrong("", "Invalid name", "this name is taken", detail);
    }
    let address = arguments.text("address");
    if let Some(address) = &address {
        check_address(arguments, address);
    }
    let become_root = arguments.word("become", &[("sudo", true)]).unwrap_or(false);
    let timeout = seconds(arguments, "connect_timeout").unwrap_or(CONNECT_TIMEOUT_SECONDS);
    let parallelism = parallelism(arguments).unwrap_or(PARALLELISM);
    (!arguments.is_broken()).then(|| {
        Entry::Host(HostSpec {
            name: HostName(arguments.address.label.to_string()),
            address,
            become_root,
            connect_timeout_seconds: timeout,
            parallelism,
        })
    })
}

fn check_address(arguments: &Arguments<'_, '_>, address: &str) {
    if let Err(why) = HostAddress::parse(address) {
        let detail = format!(
            "{why} Write ssh://HOST, ssh://USER@HOST or ssh://USER@HOST:PORT. Anything else could be taken for an option by the programs that reach the host."
        );
        arguments.wrong("address", "Invalid host address", "this is not an address of a host", detail);
    }
}

fn seconds(arguments: &Arguments<'_, '_>, name: &str) -> Option<u64> {
    let text = arguments.text(name)?;
    match duration_seconds(&text) {
        Ok(seconds @ 1..=3600) => Some(seconds),
        Ok(_) => {
            arguments.wrong(
                name,
                "Invalid duration",
                "this cannot be used",
                "It is from 1 second to 1 hour.",
            );
            None
        }
        Err(why) => {
            arguments.wrong(name, "Invalid duration", "this cannot be used", why);
            None
        }
    }
}

fn parallelism(arguments: &Arguments<'_, '_>) -> Option<usize> {
    let Some(Value::Number(number)) = arguments.value("parallelism", &Type::Number) else { return None };
    let found = number.to_u64().filter(|n| (1..=256).contains(n)).and_then(|n| usize::try_from(n).ok());
    if found.is_none() {
        let detail = "How many commands run at once on this host is a whole number from 1 to 256.";
        arguments.wrong("parallelism", "Invalid number", "this cannot be used", detail);
    }
    found
}

/// A `pool` or `hypervisor` block.
pub fn container(arguments: &Arguments<'_, '_>) -> Option<Entry> {
    let schema = arguments.world.schema(arguments.address)?;
    let host = match arguments.reference("host", &[Kind::Host]) {
        Some(host) => named_host(arguments, &host)?,
        None => HostName::local(),
    };
    let mut settings = settings(arguments, schema);
    if arguments.address.kind == Kind::Hypervisor {
        settings.extend(initiator(arguments, schema).map(|kind| ("initiator".to_owned(), kind)));
    }
    let policy = if arguments.address.kind == Kind::Pool { policy(arguments) } else { PoolPolicy::default() };
    let address = arguments.address.clone();
    let container =
        schema.seated(ContainerSpec { address, provider: schema.name.to_owned(), host, settings, policy });
    check_settings(arguments, schema, &container);
    if container.policy.wipe.as_ref().is_some_and(|wipe| wipe != "none")
        && let Some(why) = (schema.without_effect)(&container, "wipe")
    {
        arguments.without_effect("wipe", why);
    }
    (!arguments.is_broken()).then_some(Entry::Container(container))
}

/// The `export` block of a pool. It is on the pool's host.
pub fn export(arguments: &Arguments<'_, '_>) -> Option<Entry> {
    let schema = arguments.world.schema(arguments.address)?;
    let address = arguments.address.clone();
    let pool = Address { kind: Kind::Pool, ..address.clone() };
    let settings = settings(arguments, schema);
    let host = match arguments.world.entries.get(&pool) {
        Some(Entry::Container(spec)) => spec.host.clone(),
        Some(_) => {
            arguments.fail();
            return None;
        }
        None => {
            arguments.seen.borrow_mut().needs.insert(Node::Object(pool));
            return None;
        }
    };
    let policy = PoolPolicy::default();
    let spec =
        schema.seated(ContainerSpec { address, provider: schema.name.to_owned(), host, settings, policy });
    check_settings(arguments, schema, &spec);
    if let (Some(Setting::Login(theirs)), Some(Setting::Login(ours))) =
        (spec.settings.get("chap"), spec.settings.get("mutual_chap"))
        && theirs.secret.reveal() == ours.secret.reveal()
    {
        let detail = "Who knows the one would pass for the other, and targets and initiators refuse it. Give the two directions two passwords.";
        arguments.wrong("mutual_chap", "Invalid login", "this is the password of `chap`", detail);
    }
    (!arguments.is_broken()).then_some(Entry::Container(spec))
}

/// Reports what the provider finds wrong with its own attributes, each at its place.
fn check_settings(arguments: &Arguments<'_, '_>, schema: &ProviderSchema, container: &ContainerSpec) {
    // What is still to be worked out reads as nothing: this is done again then.
    if arguments.is_broken() || !arguments.seen.borrow().needs.is_empty() {
        return;
    }
    for fault in (schema.check_settings)(container) {
        arguments.wrong(fault.attribute, "Unusable setting", fault.label, fault.detail);
    }
}

/// The provider's own attributes, with defaults.
fn settings(arguments: &Arguments<'_, '_>, schema: &ProviderSchema) -> Settings {
    let mut settings = Settings::new();
    for attribute in &schema.attributes {
        if let Some(setting) = setting(arguments, attribute).or_else(|| attribute.default.clone()) {
            settings.insert(attribute.name.to_owned(), setting);
        } else if attribute.required {
            arguments.required(attribute.name, None::<()>);
        }
    }
    settings
}

/// How the hypervisor reaches what other hosts export, where the block says so.
fn initiator(arguments: &Arguments<'_, '_>, schema: &ProviderSchema) -> Option<Setting> {
    let words = [("open-iscsi", "open-iscsi"), ("builtin", "builtin")];
    let kind = arguments.word("initiator", &words)?;
    if kind == "builtin" && !schema.speaks_iscsi {
        let detail = format!(
            "A hypervisor {:?} does not speak iSCSI itself. Leave the line out: its host logs in, with open-iscsi.",
            schema.name
        );
        arguments.wrong("initiator", "Cannot be honoured", "this hypervisor has no initiator", detail);
    }
    Some(Setting::Text(kind.to_owned()))
}

fn named_host(arguments: &Arguments<'_, '_>, host: &crate::model::Address) -> Option<HostName> {
    match arguments.world.entries.get(host) {
        Some(Entry::Host(spec)) => Some(spec.name.clone()),
        Some(_) => {
            arguments.fail();
            None
        }
        None => {
            arguments.seen.borrow_mut().needs.insert(Node::Object(host.clone()));
            None
        }
    }
}

fn texts_type() -> Type {
    Type::List(Box::new(Type::Text))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::List(list) => {
            Some(list.iter().filter_map(|value| value.as_text().map(str::to_owned)).collect())
        }
        _ => None,
    }
}

fn setting(arguments: &Arguments<'_, '_>, attribute: &Attribute) -> Option<Setting> {
    let name = attribute.name;
    match attribute.kind {
        AttributeType::Bool => arguments.flag(name).map(Setting::Bool),
        AttributeType::Text => arguments.text(name).map(Setting::Text),
        AttributeType::TextList => texts(&arguments.value(name, &texts_type())?).map(Setting::List),
        AttributeType::Commands => {
            let is_several = match arguments.value(name, &Type::Any)? {
                Value::List(list) => list.iter().any(|each| matches!(each, Value::List(_))),
                _ => false,
            };
            if !is_several {
                let one = texts(&arguments.value(name, &texts_type())?)?;
                return Some(Setting::Lists(vec![one]));
            }
            match arguments.value(name, &Type::List(Box::new(texts_type())))? {
                Value::List(lists) => lists.iter().map(texts).collect::<Option<_>>().map(Setting::Lists),
                _ => None,
            }
        }
        AttributeType::Login => login(arguments, name),
        AttributeType::Path => {
            let text = arguments.text(name)?;
            if text.is_empty() || text.chars().any(char::is_control) {
                let detail = "A path is not empty and holds no control characters such as line ends.";
                arguments.wrong(name, "Invalid path", "this cannot be used", detail);
                return None;
            }
            Some(Setting::Text(absolute(&arguments.world.directory, &text)))
        }
    }
}

/// A word, or a user and a secret. What is wrong is said without repeating it.
fn login(arguments: &Arguments<'_, '_>, name: &'static str) -> Option<Setting> {
    let wrong = |label: &str, detail: &str| {
        arguments.wrong(name, "Invalid login", label, detail);
        None
    };
    let fields = match arguments.secret(name)? {
        Value::Text(word) => return Some(Setting::Text(word.to_string())),
        Value::Map(fields) => fields,
        _ => return wrong("this is no login", LOGIN),
    };
    let (Some(Value::Text(user)), Some(Value::Sensitive(secret)), 2) =
        (fields.get("user"), fields.get("password"), fields.len())
    else {
        return match fields.get("password") {
            Some(Value::Text(_)) => wrong("the password is not secret", LOGIN),
            _ => wrong("this is no login", LOGIN),
        };
    };
    let Value::Text(secret) = &**secret else { return wrong("the password is no string", LOGIN) };
    // Every tool on the way takes these, in its files and its arguments.
    let plain = |c: char| c.is_ascii_alphanumeric() || "!%*+,-./:;<=>?@[]^_{}~".contains(c);
    if user.is_empty() || user.len() > 64 || !user.chars().all(plain) {
        let detail = "A user has 1 to 64 letters, digits and signs of !%*+,-./:;<=>?@[]^_{}~, because every initiator and target has to take it.";
        return wrong("this user cannot be used", detail);
    }
    if !(12..=64).contains(&secret.len()) || !secret.chars().all(plain) {
        let detail = "A password has 12 to 64 letters, digits and signs of !%*+,-./:;<=>?@[]^_{}~, because every initiator and target has to take it; 12 to 16 characters are what all of them agree on.";
        return wrong("this password cannot be used", detail);
    }
    Some(Setting::Login(GivenLogin { user: user.to_string(), secret: Hidden::new(secret) }))
}

const LOGIN: &str = "Write \"auto\", \"off\", or { user = \"NAME\", password = var.SECRET } with a variable that has `sensitive = true`: a password in the configuration would be read by everybody who can read that.";

/// `path` from `directory`, without `.` and `..`, worked out from the text alone.
pub fn absolute(directory: &str, path: &str) -> String {
    let from = if path.starts_with('/') { "" } else { directory };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn policy(arguments: &Arguments<'_, '_>) -> PoolPolicy {
    let wipe = arguments.word("wipe", &[("zero", "zero"), ("discard", "discard"), ("none", "none")]);
    let default = PoolPolicy::default();
    PoolPolicy {
        wipe: wipe.map(str::to_owned),
        reserve_free: reserve(arguments).unwrap_or(default.reserve_free),
        max_overcommit_thousandths: overcommit(arguments).unwrap_or(default.max_overcommit_thousandths),
    }
}

/// A size, or a share such as `5%` or `2.5%`.
fn reserve(arguments: &Arguments<'_, '_>) -> Option<Reserve> {
    let value = arguments.value("reserve_free", &Type::Any)?;
    let Some(percent) = value.as_text().and_then(|text| text.strip_suffix('%')) else {
        return arguments.size("reserve_free").map(Reserve::Bytes);
    };
    let thousandths = tenths(percent.trim()).filter(|n| *n <= 1000);
    if thousandths.is_none() {
        let detail = "What is kept free is a size such as \"10GiB\", or a share from \"0%\" to \"100%\" with at most one digit behind the point.";
        arguments.wrong("reserve_free", "Invalid share", "this is not a share", detail);
    }
    thousandths.map(Reserve::Thousandths)
}

fn overcommit(arguments: &Arguments<'_, '_>) -> Option<u64> {
    let Some(Value::Number(number)) = arguments.value("max_overcommit", &Type::Number) else { return None };
    let scaled = number.numerator().checked_mul(1000).filter(|n| n % number.denominator() == 0);
    let thousandths = scaled.map(|n| n / number.denominator()).and_then(|n| u64::try_from(n).ok());
    let found = thousandths.filter(|n| (1..=1_000_000).contains(n));
    if found.is_none() {
        let detail = "How much a pool may promise, in multiples of what it has, is a number from 0.001 to 1000 with at most three digits behind the point. 1.0 promises what there is.";
        arguments.wrong("max_overcommit", "Invalid number", "this cannot be used", detail);
    }
    found
}

/// `2.5` as 25: a decimal number with at most one digit behind the point.
fn tenths(text: &str) -> Option<u64> {
    let (whole, digit) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(digit) || digit.len() != 1 {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(10)?.checked_add(digit.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{absolute, tenths};

    #[test]
    fn paths_are_made_absolute_from_their_text_alone() {
        for (path, expected) in [
            ("/a//b/./c/", "/a/b/c"),
            ("pools/x", "/srv/shop/pools/x"),
            ("../../../../etc", "/etc"),
            (".", "/srv/shop"),
            ("/", "/"),
        ] {
            assert_eq!(absolute("/srv/shop", path), expected);
        }
    }

    #[test]
    fn shares_are_exact() {
        for (text, expected) in [("5", Some(50)), ("2.5", Some(25)), ("100", Some(1000)), ("0.0", Some(0))] {
            assert_eq!(tenths(text), expected, "{text}");
        }
        for text in ["", ".5", "5.", "1.25", "-1", "+1", "1e3", "99999999999999999999"] {
            assert_eq!(tenths(text), None, "{text}");
        }
    }
}
