//! The documents of a generation, as their stage holds them.

use super::files::{json, read_json, write_file};
use super::matched::Matched;
use crate::Error;
use crate::encoded::positions;
use crate::human::{read_documents, write_documents};
use crate::medium::Generated;
use chain::Entry;
use corpus::{Codec, Document, TokenSet};
use evaluation::{Dimension, Measure, metric};
use rundir::{Stage, StageId};
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// In a stage whose temperature was matched to human documents: the temperature, and the text that it was matched on.
pub(super) const MATCHED: &str = "temperature.json";

/// In a generate stage of one model: the negative log-probability of each document in nats, as its author drew it.
pub(super) const NATS: &str = "nats.json";

/// In a generate stage: what its target came to.
pub(super) const TARGETED: &str = "targeted.json";

/// The outcome of a target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Targeted {
    /// The gap before each round and after the last; of `even` nothing.
    pub(super) gaps: Vec<f64>,
    /// The gap of human documents of the same size.
    pub(super) expected: Option<f64>,
    /// Rounds that were generated from prompts.
    pub(super) rounds: u32,
}

impl Targeted {
    /// What a generate stage says of its members' targets; nothing if there was none.
    pub(super) fn read(folder: &Path) -> Result<Vec<Self>, Error> {
        let path = folder.join(TARGETED);
        if path.is_file() { read_json(&path) } else { Ok(Vec::new()) }
    }

    /// Its rows; `name` is that of the finder.
    pub(super) fn measures(&self, name: &'static str) -> Vec<Measure> {
        let gap = |value| Measure::new(&metric::GAP, value).with(Dimension::Defence, name);
        let mut list = vec![Measure::new(&metric::ROUNDS, f64::from(self.rounds))];
        let gaps = self.gaps.iter().enumerate();
        list.extend(gaps.map(|(round, &found)| gap(found).with(Dimension::Part, round.to_string())));
        list.extend(self.expected.map(|expected| gap(expected).with(Dimension::Reference, "expected")));
        list
    }
}

/// What a generation has generated.
pub(crate) struct Corpus {
    pub(super) stage: StageId,
    pub(super) documents: Vec<Document>,
    pub(super) tokens: TokenSet,
    /// True if each document encodes to other ids than were sampled.
    pub(super) reencoded: Vec<bool>,
    /// The negative log-probability of each document's tokens in nats under its author, where it is known from drawing them.
    /// Of several models nothing is known.
    pub(super) nats: Vec<Option<f64>>,
    /// The temperature, where it was matched to human documents; the mean of the members' own.
    pub(super) matched: Option<Matched>,
    /// The outcome of each member's target, where there is one.
    pub(super) targeted: Vec<Targeted>,
    /// The same without prompts, where some document began with one: what is counted in documents is counted in these.
    continuations: Option<(Vec<Document>, TokenSet)>,
    /// The same with planted phrases, where the next generation reads it so.
    pub(super) planted: Option<(Vec<Document>, TokenSet)>,
}

impl Corpus {
    /// Reads a generate or pool stage, which must be as it was sealed.
    pub(super) fn open(stage: &Stage, codec: &dyn Codec) -> Result<Self, Error> {
        stage.verify()?;
        let [matched, nats] = [MATCHED, NATS].map(|name| stage.path().join(name));
        let documents = read_documents(&stage.path().join("documents.jsonl.zst"))?;
        let nats = if nats.exists() { read_json(&nats)? } else { vec![None; documents.len()] };
        Ok(Self {
            stage: *stage.id(),
            nats,
            tokens: TokenSet::load(&stage.path().join("tokens.safetensors")).map_err(Error::work)?,
            reencoded: read_json(&stage.path().join("reencoded.json"))?,
            matched: if matched.exists() { Some(read_json(&matched)?) } else { None },
            targeted: Targeted::read(stage.path())?,
            continuations: without_prompts(&documents, codec),
            planted: None,
            documents,
        })
    }

    /// Fills a generate or pool stage.
    pub(super) fn write(
        folder: &Path,
        documents: &[Document],
        tokens: &TokenSet,
        reencoded: &[bool],
    ) -> Result<(), Error> {
        write_documents(&folder.join("documents.jsonl.zst"), documents)?;
        tokens.save(&folder.join("tokens.safetensors")).map_err(Error::work)?;
        write_file(&folder.join("reencoded.json"), &json(&reencoded))
    }

    /// The sampling by these settings.
    pub(super) fn sampling(&self, settings: Sampling) -> Sampling {
        Sampling { temperature: self.matched.map_or(settings.temperature, |matched| matched.temperature), ..settings }
    }

    /// Where some documents began with a prompt, those that did not, with what is known of their nats.
    pub(super) fn unprompted(&self) -> Option<(Vec<Document>, TokenSet, Vec<Option<f64>>)> {
        self.documents.iter().any(is_prompted).then_some(())?;
        let of: Vec<usize> = (0..self.documents.len()).filter(|&at| !is_prompted(&self.documents[at])).collect();
        let documents = of.iter().map(|&at| self.documents[at].clone()).collect();
        Some((documents, self.tokens.pick(&of), of.iter().map(|&at| self.nats[at]).collect()))
    }

    /// What models generated themselves: documents without the prompts that they began with.
    pub(super) fn own(&self) -> Generated<'_> {
        let whole = (&self.documents, &self.tokens);
        let (documents, tokens) = self.continuations.as_ref().map_or(whole, |(documents, tokens)| (documents, tokens));
        Generated { documents, tokens, reencoded: &self.reencoded }
    }

    /// The documents that later generations are trained on.
    pub(super) fn read(&self) -> (&[Document], &TokenSet) {
        self.planted.as_ref().map_or((&self.documents, &self.tokens), |(documents, tokens)| (documents, tokens))
    }

    /// Its documents as a recipe sees them, for windows of `context` positions.
    pub(super) fn entries(&self, generation: u32, context: usize) -> Vec<Entry> {
        let (documents, tokens) = self.read();
        let entry = |(index, document): (usize, &Document)| Entry {
            id: document.id.clone(),
            generation: Some(generation),
            index,
            size: positions(tokens, index, context),
        };
        documents.iter().enumerate().map(entry).collect()
    }
}

fn is_prompted(document: &Document) -> bool {
    document.provenance.prompt.is_some()
}

/// Documents without their prompts, encoded; none if no document was prompted.
fn without_prompts(documents: &[Document], codec: &dyn Codec) -> Option<(Vec<Document>, TokenSet)> {
    if !documents.iter().any(is_prompted) {
        return None;
    }
    let own = |document: &Document| {
        let end = document.text.len();
        document.part(document.id.clone(), end - document.continuation().len(), end)
    };
    let documents: Vec<Document> = documents.iter().map(own).collect();
    let tokens = TokenSet::encode(&documents, codec);
    Some((documents, tokens))
}
