//! The graph of a plan in DOT: one box for each address, its steps inside, irreversible ones dashed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::text::harmless;
use crate::model::Address;
use crate::plan::Plan;

/// The same plan always gives the same text.
///
/// # Errors
/// Those of `out`.
pub fn render(plan: &Plan, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "digraph plan {{\n  rankdir = LR;\n  node [shape = box];")?;
    let mut by_address: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        by_address.entry(&step.object.address).or_default().push(index);
    }
    for (number, (address, steps)) in by_address.iter().enumerate() {
        writeln!(out, "  subgraph cluster_{number} {{\n    label = {};", quoted(&address.to_string()))?;
        for index in steps {
            let step = &plan.steps[*index];
            let style = if step.is_irreversible() { ", style = dashed" } else { "" };
            writeln!(out, "    s{index} [label = {}{style}];", quoted(&step.title.to_string()))?;
        }
        writeln!(out, "  }}")?;
    }
    let mut edges = plan.edges.clone();
    edges.sort_unstable();
    edges.dedup();
    for (before, after) in edges {
        writeln!(out, "  s{before} -> s{after};")?;
    }
    writeln!(out, "}}")
}

/// Backslashes are doubled, so that nothing in a name is an escape of DOT's.
fn quoted(text: &str) -> String {
    format!("\"{}\"", harmless(text).replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::{plan, step};
    use super::*;
    use crate::plan::step::{TitleVerb, Undo};

    #[test]
    fn steps_stand_in_the_box_of_their_address() {
        let mut plan = plan(
            Vec::new(),
            vec![
                step("a", TitleVerb::Create, "volume \"db\" \\n\u{1b}", Undo::Nothing),
                step("b", TitleVerb::Purge, "x", Undo::Impossible { why: "gone".to_owned() }),
            ],
        );
        plan.edges = vec![(0, 1), (0, 1)];
        let mut out = Vec::new();
        render(&plan, &mut out).unwrap();
        let expected = r#"digraph plan {
  rankdir = LR;
  node [shape = box];
  subgraph cluster_0 {
    label = "volume.db";
    s0 [label = "Create volume \"db\" \\n\\u{1b}"];
    s1 [label = "Purge x", style = dashed];
  }
  s0 -> s1;
}
"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
