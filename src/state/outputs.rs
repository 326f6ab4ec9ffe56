//! Outputs as they rest in the state.

use serde::{Deserialize, Serialize};

/// One output of the last applied run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOutput {
    pub name: String,
    pub value: OutputValue,
}

/// A value, in clear unless it is sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputValue {
    Clear(serde_json::Value),
    /// The JSON text of a sensitive value, encrypted: nonce and ciphertext in hexadecimal digits.
    Sealed(String),
}

impl StoredOutput {
    pub fn in_clear(name: &str, value: serde_json::Value) -> Self {
        StoredOutput { name: name.to_owned(), value: OutputValue::Clear(value) }
    }

    pub fn is_sealed(&self) -> bool {
        matches!(self.value, OutputValue::Sealed(_))
    }

    /// The value, where it is not encrypted.
    pub fn clear(&self) -> Option<&serde_json::Value> {
        match &self.value {
            OutputValue::Clear(value) => Some(value),
            OutputValue::Sealed(_) => None,
        }
    }
}
