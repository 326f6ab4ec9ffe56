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
