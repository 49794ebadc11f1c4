//! The interface of a defence: its input, its queries and its verdict.

use corpus::{Document, Origin};
use evaluation::Measure;
use sampling::Sampling;
use streams::{Purpose, Stream, Streams, item_of_name};
use world::World;

use crate::Error;

/// A document that may be trained on.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Text and provenance. The provenance's origin is the true one: only oracles and measures may look at it.
    pub document: &'a Document,
    /// Its tokens.
    pub ids: &'a [u32],
    /// Its label; it may be wrong ([`crate::Labels`]).
    pub label: Origin,
}

impl<'a> Candidate<'a> {
    /// A candidate whose label is true.
    pub fn new(document: &'a Document, ids: &'a [u32]) -> Self {
        Self { document, ids, label: document.provenance.origin }
    }

    /// The document's id without the name of its chain, so that arms of one seed draw alike.
    pub(crate) fn id(&self) -> &str {
        let id = self.document.id.as_str();
        self.document.provenance.chain.as_ref().and_then(|chain| id.strip_prefix(chain.as_str())).unwrap_or(id)
    }

    /// Draws about this document that are the same whenever and in whatever arm it is met: a label sticks to its text.
    pub(crate) fn lasting(&self, what: &str, streams: &Streams) -> Stream {
        let written = self.document.provenance.generation.map_or(0, |generation| generation + 1);
        streams.stream(Purpose::Curation, written, self.item(what))
    }

    /// Draws about this document for one training set: another generation draws anew.
    pub(crate) fn passing(&self, what: &str, context: &Context<'_>) -> Stream {
        let written = self.document.provenance.generation.map_or(0, |generation| generation + 1);
        context.streams.stream(Purpose::Curation, context.generation, self.item(&format!("{what}\0{written}")))
    }

    fn item(&self, what: &str) -> u64 {
        item_of_name(&format!("{what}\0{}", self.id()))
    }
}

/// A defence's decision about one candidate. A verdict holds one for each candidate, so its file leaves out what is as it
/// would be without a defence.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Decision {
    /// True if it may be drawn.
    #[serde(skip_serializing_if = "is_default_keep")]
    pub keep: bool,
    /// Weight of each of its tokens in the loss.
    #[serde(skip_serializing_if = "is_default_weight")]
    pub weight: f32,
    /// Number of copies.
    #[serde(skip_serializing_if = "is_default_copies")]
    pub copies: u32,
    /// Other tokens in place of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited: Option<Vec<u32>>,
}

fn is_default_keep(keep: &bool) -> bool {
    *keep
}

fn is_default_weight(weight: &f32) -> bool {
    *weight == 1.0
}

fn is_default_copies(copies: &u32) -> bool {
    *copies == 1
}

impl Default for Decision {
    fn default() -> Self {
        Self::UNDEFENDED
    }
}

impl Decision {
    /// The decision about every document where there is no defence.
    pub const UNDEFENDED: Self = Self { keep: true, weight: 1.0, copies: 1, edited: None };

    /// Kept as it is, or dropped.
    pub fn keep_if(keep: bool) -> Self {
        Self { keep, ..Self::UNDEFENDED }
    }

    /// Lays a later decision on this one.
    pub(crate) fn then(&mut self, later: Self) {
        self.keep &= later.keep;
        self.weight *= later.weight;
        self.copies *= later.copies;
        self.edited = later.edited.or(self.edited.take());
    }
}

/// The decisions of a defence and what it has to say about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// One for each candidate, in their order.
    pub decisions: Vec<Decision>,
    /// Numbers for `metrics.csv`: a detector's accuracy, a share of edited tokens.
    pub measures: Vec<Measure>,
}

impl Verdict {
    /// The verdict of no defence on `count` candidates.
    pub fn undefended(count: usize) -> Self {
        Self { decisions: vec![Decision::UNDEFENDED; count], measures: Vec::new() }
    }

    /// Keeps what is marked.
    pub(crate) fn keep(kept: impl IntoIterator<Item = bool>) -> Self {
        Self { decisions: kept.into_iter().map(Decision::keep_if).collect(), measures: Vec::new() }
    }
}

/// The context of a defence: its input beside the candidates.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The human training set. What reads it is implicit human supervision, and its [`Cost`] says so.
    pub human: &'a [Candidate<'a>],
    /// The text that the parent wrote, all of it and known as such: the other class of a detector.
    pub latest: &'a [Candidate<'a>],
    /// The seed's streams.
    pub streams: &'a Streams,
    /// The generation whose training set is chosen.
    pub generation: u32,
    /// The token that stands before a document's first.
    pub separator: u32,
    /// The truth, where a world is the corpus.
    pub world: Option<&'a World>,
    /// The models, asked only by defences that need them.
    pub models: &'a dyn Models,
}

/// Which model is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The one that wrote the latest text.
    #[default]
    Parent,
    /// Generation 0, which learned from human text alone: implicit human supervision.
    First,
}

/// A place in a document and the uniform number in [0, 1) that decides what is drawn there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Index of the token.
    pub position: usize,
    /// The draw.
    pub uniform: f64,
}

/// The models of the chain, asked lazily.
pub trait Models {
    /// Nats of each document's tokens, each document alone from its separator; the end is the last, unless the document
    /// is truncated.
    ///
    /// # Errors
    /// One line: why there are none.
    fn token_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<f32>>, String>;

    /// The same of each model of the generation, one after the other, where it has several; [`Models::token_losses`] are those
    /// of all of them together.
    ///
    /// # Errors
    /// One line: why there are none.
    fn member_losses(&self, which: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<Vec<f32>>>, String> {
        Ok(vec![self.token_losses(which, documents)?])
    }

    /// For each place of each document, a token drawn in its stead: from the model's distribution after the document's
    /// own tokens before it (edits elsewhere do not show), cut and warmed as `sampling` says, the separator left out,
    /// at the place's uniform number.
    ///
    /// # Errors
    /// One line: why there are none.
    fn redraw(
        &self,
        which: Which,
        documents: &[Candidate<'_>],
        places: &[Vec<Place>],
        sampling: &Sampling,
    ) -> Result<Vec<Vec<u32>>, String>;
}

/// For runs and tests in which no defence asks a model.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoModels;

impl Models for NoModels {
    fn token_losses(&self, _: Which, _: &[Candidate<'_>]) -> Result<Vec<Vec<f32>>, String> {
        Err("there is no model here to ask for losses".to_owned())
    }

    fn redraw(&self, _: Which, _: &[Candidate<'_>], _: &[Vec<Place>], _: &Sampling) -> Result<Vec<Vec<u32>>, String> {
        Err("there is no model here to draw from".to_owned())
    }
}

/// A defence: it judges the documents that a source of the recipe offers, before the recipe draws from them.
pub trait Defence: Send + Sync {
    /// Its line in [`crate::DEFENCES`].
    fn about(&self) -> &'static About;

    /// True if it also judges a source that is known to be human: what reads labels or edits does. The others tell human from
    /// written text or pick among what was written, and such a source needs neither.
    fn judges_human(&self) -> bool {
        false
    }

    /// True if it needs a transformer: asks one for losses or draws, or expects its mark.
    fn needs_transformer(&self) -> bool {
        false
    }

    /// True if it needs several models in a generation.
    fn needs_members(&self) -> bool {
        false
    }

    /// True if it needs that a generation has one model.
    fn needs_one_model(&self) -> bool {
        false
    }

    /// True if it weighs documents in the objective.
    fn weighs(&self) -> bool {
        false
    }

    /// The largest share of the documents that it can keep of what a generation wrote, repeats counted, as far as its
    /// parameters say.
    fn most(&self) -> f64 {
        1.0
    }

    /// The same of human text, where it judges that.
    fn most_human(&self) -> f64 {
        self.most()
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the first that does not.
    fn check(&self) -> Result<(), Error>;

    /// One decision for each candidate, in their order.
    ///
    /// # Errors
    /// If something that it needs is not there.
    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error>;

    /// Its cost with these parameters.
    fn cost(&self) -> Cost {
        self.about().cost
    }

    /// Its name in an experiment file.
    fn name(&self) -> &'static str {
        self.about().name
    }
}

/// A defence in one paragraph.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name in an experiment file.
    pub name: &'static str,
    /// One line: what it does.
    pub about: &'static str,
    /// Its source.
    pub source: &'static str,
    /// Its cost with its defaults.
    pub cost: Cost,
    /// Its parameters.
    pub parameters: &'static [Parameter],
}

/// One parameter of a defence.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// Its default as TOML; empty if it is left out.
    pub default: &'static str,
    /// Its description.
    pub about: &'static str,
}

/// The cost of a defence: what it uses that a chain without it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Human text and outside knowledge, openly or by the back door.
    pub anchors: &'static [Anchor],
    /// Computation and data that it takes otherwise.
    pub compute: &'static str,
}

/// Human text or outside knowledge that a defence brings into the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// Labels of origin.
    Labels,
    /// The human training set, read anew in every generation.
    HumanText,
    /// Generation 0's weights, which hold human text.
    FirstModel,
    /// The truth itself: a world's grammar and facts.
    Truth,
    /// A key that every writer must have used.
    Key,
}

impl Anchor {
    /// Its name in `metrics.csv`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::HumanText => "human-text",
            Self::FirstModel => "first-model",
            Self::Truth => "truth",
            Self::Key => "key",
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::HumanText => "human text",
            Self::FirstModel => "generation 0's weights",
            Self::Truth => "the truth",
            Self::Key => "the writers' key",
        }
    }
}
