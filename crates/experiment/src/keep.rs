//! What a run keeps on disk of the stages that it has made.

use rundir::StageKind;
use serde::{Deserialize, Serialize};
use toml::Value;

/// What is kept of one kind of stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// Everything.
    #[default]
    All,
    /// The large files of the last generation, and while a chain goes on those that it still needs.
    Last,
    /// No large files once all chains are complete: what was measured of them is kept.
    Metrics,
}

/// What is kept, by kind of stage: `keep = "last"` for all kinds, or a table as in `keep = { train = "last" }`. Scores and
/// the prepared human data are always kept. A file that was removed is made again when it is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", deny_unknown_fields)]
pub struct Keep {
    /// Weights, and counts of learners that count.
    pub train: Retention,
    /// Generated documents, those of several models pooled among them.
    pub generate: Retention,
    /// Training sets.
    pub compose: Retention,
    /// What defences decided.
    pub judge: Retention,
}

impl Keep {
    /// What is kept of stages of a kind.
    pub fn of(&self, kind: StageKind) -> Retention {
        match kind {
            StageKind::Train => self.train,
            StageKind::Generate | StageKind::Pool => self.generate,
            StageKind::Compose => self.compose,
            StageKind::Judge => self.judge,
            StageKind::Prepare | StageKind::Score => Retention::All,
        }
    }

    /// Whether everything is kept.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Retention> for Keep {
    fn from(kind: Retention) -> Self {
        Self { train: kind, generate: kind, compose: kind, judge: kind }
    }
}

/// The table that stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ByKind {
    train: Retention,
    generate: Retention,
    compose: Retention,
    judge: Retention,
}

impl Default for ByKind {
    fn default() -> Self {
        let Keep { train, generate, compose, judge } = Keep::default();
        Self { train, generate, compose, judge }
    }
}

impl TryFrom<Value> for Keep {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let wrong = "give \"all\", \"last\" or \"metrics\", or a table of those by train, generate, compose, judge";
        match value {
            Value::String(_) => value.try_into::<Retention>().map(Self::from).map_err(|_| wrong.to_owned()),
            Value::Table(_) => {
                let read: Result<ByKind, _> = value.try_into();
                let ByKind { train, generate, compose, judge } =
                    read.map_err(|error| format!("{}; {wrong}", error.message()))?;
                Ok(Self { train, generate, compose, judge })
            }
            _ => Err(wrong.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Keep, String> {
        #[derive(Deserialize)]
        struct File {
            keep: Keep,
        }
        toml::from_str::<File>(text).map(|file| file.keep).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn one_word_or_a_table() {
        assert_eq!(parse("keep = \"last\"").unwrap(), Keep::from(Retention::Last));
        let of_weights = Keep { train: Retention::Metrics, ..Keep::default() };
        assert_eq!(parse("keep = { train = \"metrics\" }").unwrap(), of_weights);
        let again = toml::to_string(&of_weights).unwrap();
        assert_eq!(parse(&format!("[keep]\n{again}")).unwrap(), of_weights);
        assert_eq!(of_weights.of(StageKind::Score), Retention::All);
    }

    #[test]
    fn other_words_are_refused() {
        for bad in ["keep = \"some\"", "keep = 1", "keep = { train = \"none\" }", "keep = { weights = \"last\" }"] {
            let said = parse(bad).unwrap_err();
            assert!(said.contains("\"all\", \"last\" or \"metrics\""), "{bad}: {said}");
        }
    }
}
