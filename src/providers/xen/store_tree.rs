//! What `xenstore-ls -f` and `xl list` print.

use std::collections::BTreeMap;

/// Paths and their values. Values are quoted, and hold escapes that no path of ours has.
#[derive(Debug, Default)]
pub struct Tree<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Tree<'a> {
    /// # Errors
    /// The line that is none of `PATH = "VALUE"`.
    pub fn read(printed: &'a str) -> Result<Self, String> {
        let mut tree = BTreeMap::new();
        for line in printed.lines().filter(|line| !line.is_empty()) {
            let pair = line.split_once(" = \"").and_then(|(path, value)| {
                // What is long is cut off where the terminal would end, with permissions behind it in other forms.
                Some((path, value.strip_suffix('"')?))
            });
            let (path, value) = pair.ok_or_else(|| format!("xenstore told {line:?}"))?;
            tree.insert(path, value);
        }
        Ok(Tree(tree))
    }

    /// The nodes right below `above`.
    pub fn below(&self, above: &str) -> impl Iterator<Item = &'a str> {
        let above = format!("{above}/");
        self.0.keys().filter_map(move |path| path.strip_prefix(&above)).filter(|rest| !rest.contains('/'))
    }

    pub fn get(&self, path: &str) -> Option<&'a str> {
        self.0.get(path).copied()
    }
}
