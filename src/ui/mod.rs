//! The only room that prints. Everything that comes from outside — source text, names, what tools wrote — passes
//! through [`text::harmless`] before it reaches a terminal.

mod attributes;
pub mod diagnostics;
pub mod dot;
pub mod json;
pub mod output;
pub mod plan;
pub mod print;
pub mod progress;
pub mod state;
pub mod style;
pub mod table;
pub mod text;
pub mod verdict;
