//! `vbs version`.

use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::plan;
use crate::ui::{json, print};

pub fn version(as_json: bool) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if as_json {
        let value = json!({
            "version": version,
            "plan_format": plan::FORMAT,
            "json_format_version": json::FORMAT_VERSION,
        });
        print::data(&format!("{value}\n"))?;
    } else {
        print::data(&format!("vbs {version}\n"))?;
    }
    Ok(Exit::Success)
}
