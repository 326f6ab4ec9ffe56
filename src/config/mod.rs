//! The language: from text to what is asked for. Parsing is hcl-edit's, which keeps the place of every node;
//! evaluation is ours, because sizes need exact numbers and every error needs a place.

pub mod convert;
pub mod declare;
pub mod eval;
pub mod functions;
pub mod inputs;
pub mod number;
pub mod parse;
pub mod resolve;
pub mod types;
pub mod value;
