//! Short lists of named texts, as plans hold by the hundred thousand: sorted, compact, names shared with the program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Names and texts in the order of the names. A map, in a fifth of a map's memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Texts(Vec<(Cow<'static, str>, Arc<str>)>);

impl Texts {
    pub fn insert(&mut self, name: &'static str, text: impl Into<Arc<str>>) {
        self.put(Cow::Borrowed(name), text.into());
    }

    fn put(&mut self, name: Cow<'static, str>, text: Arc<str>) {
        match self.0.binary_search_by(|(known, _)| known.cmp(&name)) {
            Ok(place) => self.0[place].1 = text,
            Err(place) => self.0.insert(place, (name, text)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let place = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.0[place].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

impl<T: Into<Arc<str>>> FromIterator<(&'static str, T)> for Texts {
    fn from_iter<I: IntoIterator<Item = (&'static str, T)>>(texts: I) -> Self {
        let mut all = Texts::default();
        for (name, text) in texts {
            all.insert(name, text);
        }
        all.0.shrink_to_fit();
        all
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = BTreeMap::<String, Arc<str>>::deserialize(deserializer)?;
        Ok(Texts(read.into_iter().map(|(name, text)| (Cow::Owned(name), text)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_text_of_a_name_counts_and_order_is_by_name() {
        let texts: Texts = [("b", "1"), ("a", "2"), ("b", "3")].into_iter().collect();
        assert_eq!(texts.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!((texts.get("b"), texts.get("c")), (Some("3"), None));
    }

    #[test]
    fn as_json_they_are_a_plain_object() {
        let texts: Texts = [("size", "1"), ("name", "db")].into_iter().collect();
        let json = serde_json::to_string(&texts).unwrap();
        assert_eq!(json, r#"{"name":"db","size":"1"}"#);
        assert_eq!(serde_json::from_str::<Texts>(&json).unwrap(), texts);
    }
}
