//! Targeted synthesis in the loop: a generation's budget in parts, each generated after a look at those before.
//!
//! *Definition.* See [`curation::targeted`]: first evenly, then rounds, each from human prompts that lead to what is
//! missing, or evenly too where no gap is left. A document's index goes on counting over the parts, and what it says depends
//! on the model, its prompt and its index alone: where no round is needed, the documents are those of an arm without a target, to
//! the bit.
//!
//! *Trap.* Gaps are looked for in the human training set and nowhere else; of its documents, those longer than a prompt
//! can be drawn. The whole of it is one stage, whose checkpoint holds the parts that are finished.

use super::corpus::Targeted;
use super::files::timed;
use super::judge::ChainModels;
use super::state::{History, Setup};
use crate::Error;
use crate::encoded::positions;
use crate::seed::Seed;
use corpus::{Document, TokenSet};
use curation::Candidate;
use curation::targeted::{Finder, Target, View, is_closed};
use evaluation::{Dimension, Measure, metric};
use experiment::SampleSettings;
use inference::{DecodeError, Prompts, Written};
use rundir::{Checkpoint, StageId};
use serde::Serialize;

/// The key of a corpus with a target, beside the model.
#[derive(Serialize)]
pub(super) struct TargetKey<'a> {
    target: &'a Target,
    prompt_tokens: usize,
    /// The models that contexts' losses are compared with.
    first: Vec<&'a StageId>,
}

/// A part of a generation's documents: what follows `first` documents of `held` tokens.
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

/// Generates a part.
pub(super) type Decode<'w> = &'w mut dyn FnMut(Part<'_>, &mut Checkpoint) -> Result<Vec<Written>, DecodeError>;

impl<'a> TargetKey<'a> {
    /// None without a target.
    pub(super) fn of(sample: &'a SampleSettings, history: &'a History) -> Option<Self> {
        let first = history.models.first().map_or(&[][..], |first| &first.models);
        sample.target().map(|target| Self {
            target,
            prompt_tokens: sample.prompt_tokens,
            first: first.iter().map(rundir::Stage::id).collect(),
        })
    }
}

/// Generates `budget` tokens with a target; within, why a model's numbers gave no documents.
pub(super) fn generate(
    (setup, history): (&Setup<'_>, &History),
    target: &Target,
    generation: u32,
    budget: u64,
    (decode, checkpoint): (Decode<'_>, &mut Checkpoint),
) -> Result<Result<(Vec<Written>, Targeted), DecodeError>, Error> {
    let Seed { human, set, .. } = setup.seed;
    let training = set.training.iter().map(|entry| entry.index);
    let candidates: Vec<Candidate<'_>> =
        training.map(|at| setup.as_read(&human.documents[at], human.tokens.ids(at))).collect();
    let aimed = (budget as f64 * target.share) as u64;
    let prompt = setup.arm.at(generation).sample().prompt_tokens;
    let of_finder = checkpoint.within("finding");
    let view = View {
        human: &candidates,
        prompt,
        sample: budget - aimed,
        generation,
        streams: &setup.streams(),
        decode: &|ids| setup.run.human.codec.decode(ids),
        world: setup.run.human.medium.world(),
        // Its parent is the generation that generates.
        models: &ChainModels { setup, history, generation: generation + 1, checkpoint: &of_finder },
    };
    let finder = timed("finding", || Finder::new(target, &view));
    // Of a model that was stopped, curation knows that it did not answer.
    checkpoint.check()?;
    let finder = finder.map_err(Error::work)?;
    Ok(rounds(setup, target, (&finder, prompt), (budget, aimed), (decode, checkpoint)))
}

/// Of `budget` tokens the last `aimed` are generated in rounds, each from prompts if there is a gap, and all others evenly.
fn rounds(
    setup: &Setup<'_>,
    target: &Target,
    (finder, prompt): (&Finder<'_>, usize),
    (budget, aimed): (u64, u64),
    (decode, checkpoint): (Decode<'_>, &mut Checkpoint),
) -> Result<(Vec<Written>, Targeted), DecodeError> {
    let mut decode =
        |part: Part<'_>| checkpoint.part(&format!("from-{}", part.first), |checkpoint| decode(part, checkpoint));
    let mut generated = decode(Part { note: "evenly, ".to_owned(), ..Part::all(budget - aimed, Prompts::Unprompted) })?;
    let mut targeted = Targeted::default();
    for round in 1..=target.rounds {
        let (held, weights) = timed("finding", || look(setup, target, finder, &generated, &mut targeted));
        let until = budget - aimed + (u128::from(aimed) * u128::from(round) / u128::from(target.rounds)) as u64;
        if until <= held {
            // The last document of the part before went as far.
            continue;
        }
        targeted.rounds += u32::from(weights.is_some());
        let documents = &setup.seed.human.documents;
        let prompts = match &weights {
            Some(weights) => Prompts::Weighted { documents, tokens: prompt, weights },
            None => Prompts::Unprompted,
        };
        let note = format!("round {round} of {}, ", target.rounds);
        generated.extend(decode(Part { first: generated.len() as u64, held, budget: until - held, prompts, note })?);
    }
    look(setup, target, finder, &generated, &mut targeted);
    Ok((generated, targeted))
}

/// Looks at what is generated: its tokens, and how each document of the seed is weighed as a prompt of the next
/// round; none if there is no gap.
fn look(
    setup: &Setup<'_>,
    target: &Target,
    finder: &Finder<'_>,
    generated: &[Written],
    targeted: &mut Targeted,
) -> (u64, Option<Vec<f64>>) {
    let documents: Vec<Document> = generated.iter().map(|one| one.document.clone()).collect();
    let tokens = TokenSet::encode(&documents, &*setup.run.human.codec);
    let held = (0..tokens.len()).map(|at| positions(&tokens, at, setup.context())).sum();
    let so_far = documents.iter().zip(tokens.iter());
    let so_far: Vec<Candidate<'_>> = so_far.map(|(document, (ids, _))| setup.as_read(document, ids)).collect();
    let gap = finder.gap(&so_far);
    targeted.gaps.extend(gap.map(|gap| gap.found));
    targeted.expected = gap.map(|gap| gap.expected);
    if gap.is_some_and(|gap| is_closed(gap, target.tolerance)) {
        return (held, None);
    }
    let weights = finder.aim(&so_far);
    let mut of_all = vec![0.0; setup.seed.human.documents.len()];
    setup.seed.set.training.iter().zip(&weights).for_each(|(entry, weight)| of_all[entry.index] = *weight);
    (held, weights.iter().any(|&weight| weight > 0.0).then_some(of_all))
}

/// Rows of a generation: what its members' targets came to, and the human documents and outside knowledge by which.
pub(super) fn measures(sample: &SampleSettings, of_members: &[Targeted]) -> Vec<Measure> {
    let Some(target) = sample.target() else { return Vec::new() };
    let supervision = |anchor: &curation::Anchor| {
        Measure::new(&metric::GENERATED_SUPERVISION, 1.0).with(Dimension::Part, anchor.key())
    };
    let mut list: Vec<Measure> = target.find.anchors().iter().map(supervision).collect();
    for (member, targeted) in of_members.iter().enumerate() {
        let rows = targeted.measures(target.find.name()).into_iter();
        let is_alone = of_members.len() == 1;
        list.extend(rows.map(|row| if is_alone { row } else { row.with(Dimension::Member, member.to_string()) }));
    }
    list
}

/// True if a human training set has a document that is longer than a prompt.
pub(crate) fn can_begin(seed: &Seed, prompt: usize) -> bool {
    seed.set.training.iter().any(|entry| seed.human.tokens.ids(entry.index).len() > prompt)
}
