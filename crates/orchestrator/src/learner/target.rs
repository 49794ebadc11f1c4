//! Targeted synthesis in the loop: a generation's budget in parts, each written after a look at those before.
//!
//! *Definition.* See [`curation::targeted`]: first evenly, then rounds, each from human prompts that lead to what is
//! missing, or evenly too where no gap is left. A document's index goes on counting over the parts, and its text depends on the model, its prompt and its index alone: where no round is needed, the text
//! is that of an arm without a target, to the bit.
//!
//! *Trap.* Gaps are looked for in the human training set and nowhere else; of its documents, those longer than a prompt
//! can be drawn. The whole of it is one stage: killed in between, it is written again.

use super::judge::Asked;
use super::{Transformers, read_json, timed};
use crate::scoring::{Measured, positions};
use crate::seed::Seed;
use crate::{Error, SampleSettings};
use corpus::{Document, TokenSet};
use curation::Candidate;
use curation::targeted::{Finder, Target, View, is_closed};
use inference::{DecodeError, Prompts, Written};
use rundir::StageId;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// In a write stage: what its target came to.
pub(super) const TARGETED: &str = "targeted.json";

/// What a written corpus depends on beside the model, where there is a target.
#[derive(Serialize)]
pub(super) struct TargetKey<'a> {
    target: &'a Target,
    prompt_tokens: usize,
    /// The models that contexts' losses are compared with.
    first: Vec<&'a StageId>,
}

/// What a target came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Targeted {
    /// The gap before each round and after the last; of `even` nothing.
    gaps: Vec<f64>,
    /// The gap of an honest twin.
    honest: Option<f64>,
    /// Rounds that were written from prompts.
    rounds: u32,
}

/// A part of a generation's text: what follows `first` documents of `held` tokens.
pub(super) struct Part<'p> {
    pub(super) first: u64,
    pub(super) held: u64,
    pub(super) budget: u64,
    pub(super) prompts: Prompts<'p>,
    pub(super) note: String,
}

impl Part<'_> {
    /// All of it, in one part.
    pub(super) fn all(budget: u64, prompts: Prompts<'_>) -> Part<'_> {
        Part { first: 0, held: 0, budget, prompts, note: String::new() }
    }
}

/// Writes a part.
pub(super) type WritePart<'w> = &'w mut dyn FnMut(Part<'_>) -> Result<Vec<Written>, DecodeError>;

impl Transformers<'_> {
    pub(super) fn target_key<'k>(&'k self, trained: &'k [super::Ancestor]) -> Option<TargetKey<'k>> {
        let sample = &self.arm.sample;
        let first = trained.first().map_or(&[][..], |first| &first.models);
        sample.target().map(|target| TargetKey {
            target,
            prompt_tokens: sample.prompt_tokens,
            first: first.iter().map(rundir::Stage::id).collect(),
        })
    }

    /// Writes `budget` tokens with a target; within, why a model's numbers gave no text.
    pub(super) fn write_to(
        &self,
        target: &Target,
        generation: u32,
        budget: u64,
        write: WritePart<'_>,
    ) -> Result<Result<(Vec<Written>, Targeted), DecodeError>, Error> {
        let Seed { texts, set, .. } = self.seed;
        let training = set.training.iter().map(|entry| entry.index);
        let human: Vec<Candidate<'_>> =
            training.map(|at| self.as_read(&texts.documents[at], texts.tokens.ids(at))).collect();
        let aimed = (budget as f64 * target.share) as u64;
        let view = View {
            human: &human,
            prompt: self.arm.sample.prompt_tokens,
            sample: budget - aimed,
            generation,
            streams: &self.streams(),
            decode: &|ids| self.human.tokenizer.decode(ids),
            world: self.human.truth.as_ref().map(crate::Truth::world),
            // Its parent is the generation that writes.
            models: &Asked { of: self, generation: generation + 1 },
        };
        let finder = timed("finding", || Finder::new(target, &view)).map_err(Error::work)?;
        Ok(self.rounds(target, &finder, (budget, aimed), write))
    }

    /// Of `budget` tokens the last `aimed` are written in rounds, each from prompts if there is a gap, and all others
    /// evenly.
    fn rounds(
        &self,
        target: &Target,
        finder: &Finder<'_>,
        (budget, aimed): (u64, u64),
        write: WritePart<'_>,
    ) -> Result<(Vec<Written>, Targeted), DecodeError> {
        let prompt = self.arm.sample.prompt_tokens;
        let mut written =
            write(Part { note: "evenly, ".to_owned(), ..Part::all(budget - aimed, Prompts::Unprompted) })?;
        let mut targeted = Targeted::default();
        for round in 1..=target.rounds {
            let (held, weights) = timed("finding", || self.look(target, finder, &written, &mut targeted));
            let until = budget - aimed + (u128::from(aimed) * u128::from(round) / u128::from(target.rounds)) as u64;
            if until <= held {
                // The last document of the part before went as far.
                continue;
            }
            targeted.rounds += u32::from(weights.is_some());
            let documents = &self.seed.texts.documents;
            let prompts = match &weights {
                Some(weights) => Prompts::Weighted { documents, tokens: prompt, weights },
                None => Prompts::Unprompted,
            };
            let note = format!("round {round} of {}, ", target.rounds);
            written.extend(write(Part { first: written.len() as u64, held, budget: until - held, prompts, note })?);
        }
        self.look(target, finder, &written, &mut targeted);
        Ok((written, targeted))
    }

    /// Looks at what is written: its tokens, and how each document of the seed's texts is weighed as a prompt of the next
    /// round; none if there is no gap.
    fn look(
        &self,
        target: &Target,
        finder: &Finder<'_>,
        written: &[Written],
        targeted: &mut Targeted,
    ) -> (u64, Option<Vec<f64>>) {
        let documents: Vec<Document> = written.iter().map(|one| one.document.clone()).collect();
        let tokens = TokenSet::encode(&documents, &self.human.tokenizer);
        let held = (0..tokens.len()).map(|at| positions(&tokens, at, self.config.context)).sum();
        let so_far = documents.iter().zip(tokens.iter());
        let so_far: Vec<Candidate<'_>> = so_far.map(|(document, (ids, _))| self.as_read(document, ids)).collect();
        let gap = finder.gap(&so_far);
        targeted.gaps.extend(gap.map(|gap| gap.found));
        targeted.honest = gap.map(|gap| gap.honest);
        if gap.is_some_and(|gap| is_closed(gap, target.tolerance)) {
            return (held, None);
        }
        let weights = finder.aim(&so_far);
        let mut of_all = vec![0.0; self.seed.texts.documents.len()];
        self.seed.set.training.iter().zip(&weights).for_each(|(entry, weight)| of_all[entry.index] = *weight);
        (held, weights.iter().any(|&weight| weight > 0.0).then_some(of_all))
    }

    /// A document as a window holds it.
    fn as_read<'d>(&self, document: &'d Document, ids: &'d [u32]) -> Candidate<'d> {
        Candidate::new(document, &ids[..ids.len().min(self.config.context)])
    }
}

impl Targeted {
    /// What a write stage says of its members' targets; nothing if there was none.
    pub(super) fn read(folder: &Path) -> Result<Vec<Self>, Error> {
        let path = folder.join(TARGETED);
        if path.is_file() { read_json(&path) } else { Ok(Vec::new()) }
    }

    /// Its rows.
    fn measures(&self, name: &str) -> Vec<Measured> {
        let one = |metric, detail: &str, value| Measured::new("written", metric, detail, value);
        let mut list = vec![one("rounds", "", f64::from(self.rounds))];
        let gaps = self.gaps.iter().enumerate();
        list.extend(gaps.map(|(round, &gap)| one("gap", &format!("{name}/{round}"), gap)));
        list.extend(self.honest.map(|honest| one("gap", &format!("{name}/honest"), honest)));
        list
    }
}

/// Rows of a generation: what its members' targets came to, and the human text and outside knowledge by which.
pub(super) fn measures(sample: &SampleSettings, of_members: &[Targeted]) -> Vec<Measured> {
    let Some(target) = sample.target() else { return Vec::new() };
    let anchors = target.find.anchors().iter();
    let mut list: Vec<Measured> =
        anchors.map(|anchor| Measured::new("written", "hidden-anchor", anchor.key(), 1.0)).collect();
    for (member, targeted) in of_members.iter().enumerate() {
        let rows = targeted.measures(target.find.name()).into_iter();
        let is_alone = of_members.len() == 1;
        list.extend(rows.map(|row| if is_alone { row } else { row.of_member(member) }));
    }
    list
}

/// Whether a human training set has a document that is longer than a prompt.
pub(crate) fn can_begin(seed: &Seed, prompt: usize) -> bool {
    seed.set.training.iter().any(|entry| seed.texts.tokens.ids(entry.index).len() > prompt)
}
