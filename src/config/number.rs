//! Exact numbers: fractions of 128-bit integers, every operation checked. A size never goes through a float.

use std::cmp::Ordering;
use std::fmt;

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    numerator: i128,
    denominator: i128,
}

/// Why there is no result, in words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberError {
    TooLarge,
    DivisionByZero,
    NotANumber,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NumberError::TooLarge => "the result does not fit the exact 128-bit numbers of vbs",
            NumberError::DivisionByZero => "nothing can be divided by zero",
            NumberError::NotANumber => "it is not a decimal number",
        })
    }
}

type Result<T> = std::result::Result<T, NumberError>;

impl Number {
    pub const ZERO: Number = Number { numerator: 0, denominator: 1 };

    pub const fn integer(number: i128) -> Number {
        Number { numerator: number, denominator: 1 }
    }

    /// `numerator / denominator`, reduced.
    pub fn fraction(numerator: i128, denominator: i128) -> Result<Number> {
        if denominator == 0 {
            return Err(NumberError::DivisionByZero);
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        // Only i128::MIN on both sides has a divisor that is too large for i128, and then the result is 1.
        let Ok(divisor) = i128::try_from(divisor) else { return Ok(Number::integer(1)) };
        let sign = if denominator < 0 { -1 } else { 1 };
        let reduce = |part: i128| (part / divisor).checked_mul(sign).ok_or(NumberError::TooLarge);
        Ok(Number { numerator: reduce(numerator)?, denominator: reduce(denominator)? })
    }

    pub fn numerator(self) -> i128 {
        self.numerator
    }

    pub fn denominator(self) -> i128 {
        self.denominator
    }

    /// The number, if it is a whole one.
    pub fn to_integer(self) -> Option<i128> {
        (self.denominator == 1).then_some(self.numerator)
    }

    pub fn to_u64(self) -> Option<u64> {
        self.to_integer().and_then(|number| u64::try_from(number).ok())
    }

    pub fn checked_add(self, other: Number) -> Result<Number> {
        if self.denominator == 1 && other.denominator == 1 {
            let sum = self.numerator.checked_add(other.numerator).ok_or(NumberError::TooLarge)?;
            return Ok(Number::integer(sum));
        }
        let left = product(self.numerator, other.denominator)?;
        let right = product(other.numerator, self.denominator)?;
        let sum = left.checked_add(right).ok_or(NumberError::TooLarge)?;
        Number::fraction(sum, product(self.denominator, other.denominator)?)
    }

    pub fn checked_sub(self, other: Number) -> Result<Number> {
        if self.denominator == 1 && other.denominator == 1 {
            let rest = self.numerator.checked_sub(other.numerator).ok_or(NumberError::TooLarge)?;
            return Ok(Number::integer(rest));
        }
        self.checked_add(other.checked_neg()?)
    }

    pub fn checked_mul(self, other: Number) -> Result<Number> {
        // Reducing crosswise first keeps products small: (2^100 / 3) * (3 / 2^100) must not overflow.
        let left = Number::fraction(self.numerator, other.denominator)?;
        let right = Number::fraction(other.numerator, self.denominator)?;
        Number::fraction(
            product(left.numerator, right.numerator)?,
            product(left.denominator, right.denominator)?,
        )
    }

    pub fn checked_div(self, other: Number) -> Result<Number> {
        self.checked_mul(Number::fraction(other.denominator, other.numerator)?)
    }

    /// The remainder of a division rounded towards zero: it has the sign of `self`, as in Terraform.
    pub fn checked_rem(self, other: Number) -> Result<Number> {
        let quotient = self.checked_div(other)?;
        let whole = Number::integer(quotient.numerator / quotient.denominator);
        self.checked_sub(whole.checked_mul(other)?)
    }

    pub fn checked_neg(self) -> Result<Number> {
        let numerator = self.numerator.checked_neg().ok_or(NumberError::TooLarge)?;
        Ok(Number { numerator, ..self })
    }

    #[must_use]
    pub fn floor(self) -> Number {
        Number::integer(self.numerator.div_euclid(self.denominator))
    }

    #[must_use]
    pub fn ceil(self) -> Number {
        let up = i128::from(self.denominator != 1);
        // A fraction is far from the ends of the range, so that one more always fits.
        Number::integer(self.numerator.div_euclid(self.denominator) + up)
    }

    /// Reads `12`, `-1.5`, `1e3`.
    pub fn parse(text: &str) -> Result<Number> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_empty_part = whole.is_empty() || (mantissa.contains('.') && fraction.is_empty());
        if has_empty_part || !is_digits(whole) || !is_digits(fraction) {
            return Err(NumberError::NotANumber);
        }
        let fraction = fraction.trim_end_matches('0');
        let mut numerator: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            numerator =
                product(numerator, 10)?.checked_add(i128::from(digit - b'0')).ok_or(NumberError::TooLarge)?;
        }
        let places = i64::try_from(fraction.len()).map_err(|_| NumberError::TooLarge)?;
        let number = Number::integer(if negative { -numerator } else { numerator });
        number.scaled(exponent - places)
    }

    /// Times ten to the power of `exponent`.
    fn scaled(self, exponent: i64) -> Result<Number> {
        if self.numerator == 0 {
            return Ok(self);
        }
        let power = u32::try_from(exponent.unsigned_abs())
            .ok()
            .and_then(|power| 10i128.checked_pow(power))
            .ok_or(NumberError::TooLarge)?;
        let factor = if exponent < 0 { Number::fraction(1, power)? } else { Number::integer(power) };
        self.checked_mul(factor)
    }
}

fn parse_exponent(text: &str) -> Result<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::NotANumber);
    }
    // No exponent beyond a handful of digits can fit, and it must not overflow when places are taken from it.
    let exponent: i32 = text.parse().map_err(|_| NumberError::TooLarge)?;
    Ok(exponent.into())
}

fn product(left: i128, right: i128) -> Result<i128> {
    left.checked_mul(right).ok_or(NumberError::TooLarge)
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    if b == 1 {
        return 1;
    }
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// Compares the whole parts, and where they are equal the reciprocals of what remains: nothing overflows.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (*self, *other);
        let mut reversed = false;
        loop {
            let (a_whole, b_whole) = (a.floor().numerator, b.floor().numerator);
            let a_rest = a.numerator.rem_euclid(a.denominator);
            let b_rest = b.numerator.rem_euclid(b.denominator);
            let order = match a_whole.cmp(&b_whole) {
                Ordering::Equal if a_rest == 0 || b_rest == 0 => (a_rest != 0).cmp(&(b_rest != 0)),
                other => other,
            };
            if order != Ordering::Equal || a_rest == 0 {
                return if reversed { order.reverse() } else { order };
            }
            a = Number { numerator: a.denominator, denominator: a_rest };
            b = Number { numerator: b.denominator, denominator: b_rest };
            reversed = !reversed;
        }
    }
}

/// Decimal digits: all of them where the fraction ends, else the first 30 behind the point.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PLACES: usize = 30;
        let sign = if self.numerator < 0 { "-" } else { "" };
        let denominator = self.denominator.unsigned_abs();
        let (whole, mut rest) =
            (self.numerator.unsigned_abs() / denominator, self.numerator.unsigned_abs() % denominator);
        let mut digits = String::new();
        while rest != 0 && digits.len() < PLACES {
            let (digit, next) = next_digit(rest, denominator);
            digits.push(char::from(b'0' + digit));
            rest = next;
        }
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{digits}") }
    }
}

/// One step of long division: `rest * 10` divided by `denominator`, by addition, since the product may not fit.
fn next_digit(rest: u128, denominator: u128) -> (u8, u128) {
    let (mut digit, mut sum) = (0u8, 0u128);
    for _ in 0..10 {
        // Both are below 2^127, so that their sum fits.
        sum += rest;
        if sum >= denominator {
            sum -= denominator;
            digit += 1;
        }
    }
    (digit, sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn printing_and_parsing_agree() {
        for text in ["0", "-1", "1.5", "-0.001", "170141183460469231731687303715884105727", "0.1"] {
            assert_eq!(Number::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Number::parse("1.50e1").unwrap(), Number::integer(15));
        assert_eq!(Number::fraction(1, 3).unwrap().to_string(), format!("0.{}", "3".repeat(30)));
        for text in
            ["", "-", "1.", ".5", "1e", "1e+", "0x10", "1_000", "--1", "1e99999999999", "1.2.3", "inf", "NaN"]
        {
            assert!(Number::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fractions_obey_the_laws(a in any::<i32>(), b in 1i32.., c in any::<i32>(), d in 1i32..) {
            let x = Number::fraction(a.into(), b.into()).unwrap();
            let y = Number::fraction(c.into(), d.into()).unwrap();
            let (a, b, c, d) = (i128::from(a), i128::from(b), i128::from(c), i128::from(d));
            prop_assert_eq!(x.cmp(&y), (a * d).cmp(&(c * b)));
            prop_assert_eq!(x.checked_add(y).unwrap(), Number::fraction(a * d + c * b, b * d).unwrap());
            prop_assert_eq!(x.checked_add(y).unwrap().checked_sub(y), Ok(x));
            if c != 0 {
                prop_assert_eq!(x.checked_div(y).unwrap().checked_mul(y), Ok(x));
                let rest = x.checked_rem(y).unwrap();
                prop_assert!(rest == Number::ZERO || (rest < Number::ZERO) == (x < Number::ZERO));
            }
            prop_assert!(x.floor() <= x && x <= x.ceil());
        }

        #[test]
        fn no_operation_panics(a: i128, b: i128, c: i128, d: i128) {
            let numbers = [Number::fraction(a, b), Number::fraction(c, d), Ok(Number::integer(i128::MIN))];
            let numbers: Vec<Number> = numbers.into_iter().flatten().collect();
            for x in &numbers {
                for y in &numbers {
                    let _ = (x.checked_add(*y), x.checked_sub(*y), x.checked_mul(*y), x.checked_div(*y), x.checked_rem(*y));
                    let _ = (x.cmp(y), x.ceil(), x.floor(), x.checked_neg(), x.to_string());
                }
            }
        }
    }
}
