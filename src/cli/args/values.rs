//! Values of options that are more than a word.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, value_parser};
use uuid::Uuid;

use crate::model::address::AddressError;
use crate::model::{Address, Kind};

/// `--var` and `--var-file`, in the order in which they were given: the later one wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    pub given: Vec<Variable>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    Value { name: String, value: String },
    File(PathBuf),
}

const VAR: &str = "var";
const VAR_FILE: &str = "var_file";

impl Args for Variables {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
            .arg(
                Arg::new(VAR)
                    .long("var")
                    .value_name("NAME=VALUE")
                    .action(ArgAction::Append)
                    .value_parser(name_and_value)
                    .help("Set a variable; repeatable, the last one wins"),
            )
            .arg(
                Arg::new(VAR_FILE)
                    .long("var-file")
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf))
                    .help("Set variables from a file; repeatable"),
            )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Variables {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let values = matches.get_many::<(String, String)>(VAR).into_iter().flatten();
        let values = values.map(|(name, value)| Variable::Value { name: name.clone(), value: value.clone() });
        let files = matches.get_many::<PathBuf>(VAR_FILE).into_iter().flatten().cloned().map(Variable::File);
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let mut given: Vec<(usize, Variable)> =
            places(VAR).zip(values).chain(places(VAR_FILE).zip(files)).collect();
        given.sort_by_key(|(place, _)| *place);
        Ok(Variables { given: given.into_iter().map(|(_, variable)| variable).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// `--restore VOLUME=SNAPSHOT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    pub volume: Address,
    pub snapshot: Address,
}

impl FromStr for Restore {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            AddressError(format!(
                "{text:?} names no volume and snapshot: write it as volume.NAME=snapshot.NAME"
            ))
        };
        // An instance's key may hold an equals sign, so each of them is tried.
        let halves = text.match_indices('=').map(|(at, _)| (&text[..at], &text[at + 1..]));
        for (volume, snapshot) in halves {
            if let (Ok(volume), Ok(snapshot)) = (volume.parse::<Address>(), snapshot.parse::<Address>()) {
                let fits = volume.kind == Kind::Volume && snapshot.kind == Kind::Snapshot;
                return if fits { Ok(Restore { volume, snapshot }) } else { Err(wrong()) };
            }
        }
        Err(wrong())
    }
}

/// One thing in the trash: its id, or the address that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrashName {
    Id(Uuid),
    Address(Address),
}

impl FromStr for TrashName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) => Ok(TrashName::Id(id)),
            Err(_) => resource(text).map(TrashName::Address),
        }
    }
}

/// What `vbs describe` is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DescribeWhat {
    All(Kind),
    One(Address),
}

impl FromStr for DescribeWhat {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "volumes" => Ok(DescribeWhat::All(Kind::Volume)),
            "snapshots" => Ok(DescribeWhat::All(Kind::Snapshot)),
            "attachments" => Ok(DescribeWhat::All(Kind::Attachment)),
            address => resource(address).map(DescribeWhat::One),
        }
    }
}

/// The address of a volume, snapshot or attachment.
///
/// # Errors
/// For what is no address, and for addresses of what users do not make: hosts, pools, hypervisors.
pub fn resource(text: &str) -> Result<Address, AddressError> {
    let address: Address = text.parse()?;
    if address.kind.is_resource() {
        Ok(address)
    } else {
        Err(AddressError(format!("{address} is no volume, snapshot or attachment")))
    }
}

/// The address of a pool.
///
/// # Errors
/// For what is no address, and for addresses of anything else.
pub fn pool(text: &str) -> Result<Address, AddressError> {
    let address: Address = text.parse()?;
    match address.kind {
        Kind::Pool => Ok(address),
        _ => Err(AddressError(format!("{address} is no pool"))),
    }
}

/// The address of a host.
///
/// # Errors
/// For everything else.
pub fn host(text: &str) -> Result<Address, AddressError> {
    let address: Address = text.parse()?;
    if address.kind == Kind::Host { Ok(address) } else { Err(AddressError(format!("{address} is no host"))) }
}

/// `30s`, `5m`, `1h`, or a bare number of seconds.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(DurationError),
    };
    let number: u64 = digits.parse().map_err(|_| DurationError)?;
    number.checked_mul(factor).map(Duration::from_secs).ok_or(DurationError)
}

/// A text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationError;

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a number and a unit: 30s, 5m or 1h")
    }
}

impl std::error::Error for DurationError {}
