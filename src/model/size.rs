//! Sizes in bytes: exact, never through a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 11] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
];

/// The largest size taken: LVM, SQLite and `truncate` all count in signed 64 bits.
pub const LARGEST: Bytes = Bytes(i64::MAX as u64);

impl Bytes {
    pub const ZERO: Bytes = Bytes(0);

    /// The next multiple of `unit`, or nothing where that is larger than [`LARGEST`].
    pub fn round_up(self, unit: Bytes) -> Option<Bytes> {
        let rounded = self.0.checked_next_multiple_of(unit.0)?;
        (rounded <= LARGEST.0).then_some(Bytes(rounded))
    }

    pub fn saturating_add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }

    pub fn saturating_sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

/// The largest binary unit that leaves at most three digits behind the point, so that printing loses nothing:
/// `20 GiB`, `1.5 TiB`, `1000001 B`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, unit) in UNITS[1..6].iter().rev() {
            if self.0 < *unit {
                continue;
            }
            let thousandths = u128::from(self.0) * 1000;
            if thousandths.is_multiple_of(u128::from(*unit)) {
                let value = thousandths / u128::from(*unit);
                let (whole, rest) = (value / 1000, value % 1000);
                if rest == 0 {
                    return write!(f, "{whole} {name}");
                }
                let digits = format!("{rest:03}");
                return write!(f, "{whole}.{} {name}", digits.trim_end_matches('0'));
            }
        }
        write!(f, "{} B", self.0)
    }
}

/// Why a text is not a size, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeError(pub String);

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SizeError {}

impl FromStr for Bytes {
    type Err = SizeError;

    /// Takes `20GiB`, `1.5 TiB`, `10GB`, and a bare number of bytes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| SizeError(format!("{text:?} is not a size: {why}"));
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..split], text[split..].trim_start_matches(' '));
        let factor = if unit.is_empty() {
            1
        } else {
            UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or_else(|| {
                wrong("write a number and a unit: B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB or PB")
            })?
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (number.contains('.') && fraction.is_empty()) || fraction.contains('.') {
            return Err(wrong("it does not begin with a number"));
        }
        exact(whole, fraction, factor).map_err(wrong)
    }
}

/// `whole.fraction` times `factor`, where that is a whole number of bytes.
fn exact(whole: &str, fraction: &str, factor: u64) -> Result<Bytes, &'static str> {
    const TOO_LARGE: &str = "it is larger than 8 EiB - 1 B, the largest that storage tools count";
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 15 {
        return Err("it has more than 15 digits behind the point");
    }
    let scale = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(15));
    let whole: u128 = whole.parse().map_err(|_| TOO_LARGE)?;
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| TOO_LARGE)? };
    let scaled = whole.checked_mul(scale).and_then(|n| n.checked_add(fraction)).ok_or(TOO_LARGE)?;
    let bytes = scaled.checked_mul(u128::from(factor)).ok_or(TOO_LARGE)?;
    if !bytes.is_multiple_of(scale) {
        return Err("it is not a whole number of bytes");
    }
    match u64::try_from(bytes / scale) {
        Ok(bytes) if bytes <= LARGEST.0 => Ok(Bytes(bytes)),
        _ => Err(TOO_LARGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact() {
        let cases = [
            ("20GiB", 20 << 30),
            ("1.5 TiB", 3 << 39),
            ("10GB", 10_000_000_000),
            ("512", 512),
            ("0.5KiB", 512),
            ("9223372036854775807", i64::MAX as u64),
        ];
        for (text, bytes) in cases {
            assert_eq!(text.parse::<Bytes>(), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "GiB",
            "20 gib",
            "1e3",
            "-1",
            "1.",
            ".5GiB",
            "0.3B",
            "9223372036854775808",
            "8EiB",
            "99999999999999999999999999999999999999999PiB",
            "1.0000000000000001PiB",
        ] {
            assert!(text.parse::<Bytes>().is_err(), "{text} was taken for a size");
        }
    }

    #[test]
    fn printing_loses_nothing() {
        for bytes in [0, 1, 1023, 1024, 1536, 20 << 30, 3 << 39, 1_000_001, 10_000_000_000, i64::MAX as u64] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        assert_eq!(Bytes(3 << 39).to_string(), "1.5 TiB");
    }
}
