use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, StageId, StageKind, check_name};

/// One arm with one seed, shown as `ARM/seed-S`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId {
    /// The arm's name.
    pub arm: String,
    /// The seed.
    pub seed: u64,
}

impl ChainId {
    /// The chain of `arm` and `seed`.
    ///
    /// # Errors
    /// [`Error::Name`] if the arm's name cannot be a folder.
    pub fn new(arm: &str, seed: u64) -> Result<Self> {
        check_name(arm)?;
        Ok(Self { arm: arm.to_owned(), seed })
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/seed-{}", self.arm, self.seed)
    }
}

impl FromStr for ChainId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Parse { what: text.to_owned(), expected: "a chain such as replace/seed-0" };
        let (arm, seed) = text.split_once('/').ok_or_else(wrong)?;
        let seed = seed.strip_prefix("seed-").ok_or_else(wrong)?;
        let chain = Self::new(arm, seed.parse().map_err(|_| wrong())?)?;
        if chain.to_string() == text { Ok(chain) } else { Err(wrong()) }
    }
}

/// How a generation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Status {
    /// All its stages are there.
    Done,
    /// It cannot go on, and neither can its chain.
    Failed {
        /// Why, in one line: a loss that is not finite, a corpus that cannot be filled.
        reason: String,
    },
}

/// `generation.json`: one generation of one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationRecord {
    /// How it ended.
    pub status: Status,
    /// Its stages, one of each kind. One that failed has those that it reached. Of a generation with several models, the
    /// first model's.
    pub stages: BTreeMap<StageKind, StageId>,
    /// What each model trained and generated, where a generation has several models that pool their documents.
    pub members: Vec<BTreeMap<StageKind, StageId>>,
    /// What the defences said, for each source of the recipe that they judged.
    pub verdicts: Vec<StageId>,
    /// What it was made from. A record that was made from something else does not speak for a chain any more.
    pub made_from: MadeFrom,
}

/// What a generation was made from, beside its chain and the generations before it. Two records that agree in it name the
/// same stages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeFrom {
    /// The arm's settings, [`ArmInfo::settings`](crate::ArmInfo).
    pub settings: String,
    /// The stage of the human data; none where there is none.
    pub prepare: Option<StageId>,
    /// The kind of device.
    pub backend: String,
    /// The versions of the code that filled the stages.
    pub versions: BTreeMap<StageKind, u32>,
}

impl GenerationRecord {
    /// A finished generation.
    pub fn done(stages: impl IntoIterator<Item = StageId>) -> Self {
        Self::new(Status::Done, stages)
    }

    /// A generation that failed for `reason` after `stages`.
    pub fn failed(reason: impl Into<String>, stages: impl IntoIterator<Item = StageId>) -> Self {
        Self::new(Status::Failed { reason: reason.into() }, stages)
    }

    fn new(status: Status, stages: impl IntoIterator<Item = StageId>) -> Self {
        let (members, verdicts, made_from) = Default::default();
        Self { status, stages: by_kind(stages), members, verdicts, made_from }
    }

    /// The same, with the stages of each member.
    #[must_use]
    pub fn with_members<S: IntoIterator<Item = StageId>>(mut self, members: impl IntoIterator<Item = S>) -> Self {
        self.members = members.into_iter().map(by_kind).collect();
        self
    }

    /// The same, with what the defences said.
    #[must_use]
    pub fn with_verdicts(mut self, verdicts: Vec<StageId>) -> Self {
        self.verdicts = verdicts;
        self
    }

    /// The same, made from this.
    #[must_use]
    pub fn with_made_from(mut self, made_from: MadeFrom) -> Self {
        self.made_from = made_from;
        self
    }

    /// The stage of all documents that the generation gave to later ones: the pool of several models, or one model's own.
    pub fn documents(&self) -> Option<StageId> {
        self.stages.get(&StageKind::Pool).or_else(|| self.stages.get(&StageKind::Generate)).copied()
    }

    /// Every stage that is named, those of members and verdicts included, each once.
    pub fn all_stages(&self) -> BTreeSet<StageId> {
        let of_members = self.members.iter().flat_map(BTreeMap::values);
        self.stages.values().chain(of_members).chain(&self.verdicts).copied().collect()
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.status {
            Status::Done => None,
            Status::Failed { reason } => Some(reason),
        }
    }
}

fn by_kind(stages: impl IntoIterator<Item = StageId>) -> BTreeMap<StageKind, StageId> {
    stages.into_iter().map(|id| (id.kind(), id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::Checked;

    #[test]
    fn chains_are_shown_and_read_back() {
        let chain = ChainId::new("ten-percent", 1003).unwrap();
        assert_eq!(chain.to_string(), "ten-percent/seed-1003");
        assert_eq!("ten-percent/seed-1003".parse::<ChainId>().unwrap(), chain);
        for bad in
            ["replace", "replace/0", "replace/seed-", "replace/seed-01", "replace/seed--1", "../seed-0", "a/b/seed-0"]
        {
            assert!(bad.parse::<ChainId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn record_as_json() {
        let id = StageId::of(StageKind::Train, 1, &1).unwrap();
        let versions = BTreeMap::from([(StageKind::Train, 3)]);
        let record = GenerationRecord::failed("the loss is not finite", [id]).with_made_from(MadeFrom {
            settings: "5e77".into(),
            versions,
            ..MadeFrom::default()
        });
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"status":{{"state":"failed","reason":"the loss is not finite"}},"stages":{{"train":"{id}"}},"members":[],"verdicts":[],"made_from":{{"settings":"5e77","prepare":null,"backend":"","versions":{{"train":3}}}}}}"#
            )
        );
        assert_eq!(serde_json::from_str::<GenerationRecord>(&text).unwrap(), record);
        let file = Checked::text(&record, "a");
        assert_eq!(Checked::<GenerationRecord>::read(file.as_bytes(), "a", "a record").unwrap(), record);
        for (old, new, how) in [("finite", "finitf", "another checksum"), ("}", "", "is not a record")] {
            let said = Checked::<GenerationRecord>::read(file.replacen(old, new, 1).as_bytes(), "a", "a record")
                .err()
                .unwrap_or_default();
            assert!(said.contains(how), "{said}");
        }
        assert!(Checked::<GenerationRecord>::read(file.as_bytes(), "b", "a record").is_err(), "of another place");
        assert_eq!(GenerationRecord::done([id]).failure(), None);
        let other = StageId::of(StageKind::Train, 1, &2).unwrap();
        let verdict = StageId::of(StageKind::Judge, 1, &3).unwrap();
        let pooled = GenerationRecord::done([id]).with_members([[id], [other]]).with_verdicts(vec![verdict]);
        let read: GenerationRecord = serde_json::from_str(&serde_json::to_string(&pooled).unwrap()).unwrap();
        assert_eq!(read, pooled);
        assert_eq!(read.all_stages(), BTreeSet::from([id, other, verdict]), "each once");
        let [one, pool] = [StageKind::Generate, StageKind::Pool].map(|kind| StageId::of(kind, 1, &4).unwrap());
        assert_eq!(GenerationRecord::done([one]).documents(), Some(one));
        assert_eq!(GenerationRecord::done([one, pool]).documents(), Some(pool));
    }
}
