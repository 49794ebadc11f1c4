//! Documents as one frozen model sees them: the model of a chain's generation 0, which learnt from human documents.
//!
//! *Definitions.* Perplexity of generated documents under that model and under its own author; the distribution of the
//! documents' perplexities under that model (Shumailov et al. 2024, figure 1); MAUVE (Pillutla et al. 2021) and the Vendi score
//! (Friedman and Dieng 2023) of documents as points, a point being the mean over a document's positions of the state before
//! the head. All of the same number of documents, drawn from either side: 1,000, or as many as the smaller side has.
//!
//! *Traps.* Documents that grow simple have a *low* perplexity under its author, and under generation 0: neither is quality.
//! Compare features of one featurizer and one number of documents only (`documents-read` of `generated`, part
//! `compared`), and always with what other human documents gets (`human`): MAUVE of the seed's training documents against the
//! test documents, which the featurizer knows better than a stranger's. Published values are of another featurizer.

use crate::{Human, scoring};
use corpus::TokenSet;
use evaluation::features::{Mauve, mauves, vendi};
use evaluation::metric::{DOCUMENT_PERPLEXITY, DOCUMENTS_READ, GENERATED_PERPLEXITY, MAUVE, MAUVE_SCATTER, VENDI};
use evaluation::statistics::Sample;
use evaluation::{Dimension, Dimensions, DocumentLoss, Measure, Metric};
use inference::{Reading, Tokens, read};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, StageId, Stopped};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use streams::{Purpose, Streams, item_of_name};

/// Documents of a side, at most.
const DOCUMENTS: usize = 1000;
/// Of fewer, clusters of ten are too few to say anything.
const LEAST: usize = 100;
/// Clusterings of the same documents that MAUVE is the mean of.
const CLUSTERINGS: u32 = 5;
/// Quantiles of the documents' perplexities, in percent.
const QUANTILES: [(usize, &str); 5] = [(5, "05"), (25, "25"), (50, "50"), (75, "75"), (95, "95")];
/// Bins of the histogram in an octave of perplexity.
const BINS: f64 = 4.0;

/// File of a score stage: the histogram of the documents' perplexities.
pub(crate) const PERPLEXITIES: &str = "perplexities.json";

/// A bin of that histogram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bin {
    /// Perplexities from here ...
    from: f64,
    /// ... to below here.
    to: f64,
    /// Documents of the generation.
    generated: usize,
    /// Of as many human documents.
    human: usize,
}

/// A frozen model's readings of human documents.
pub(crate) struct HumanReadings {
    test: Vec<Reading>,
    /// The training documents: the test documents is compared with it.
    training: Vec<Reading>,
    /// Measures of the test documents, by number of documents.
    ceilings: Mutex<BTreeMap<usize, Vec<Measure>>>,
}

/// Readings of human documents by the run's generations 0, by the stage of the model: all arms of a seed that share it read once.
#[derive(Default)]
pub(crate) struct ReadingCache(Mutex<HashMap<StageId, Place>>);

/// The place of one model's readings: whoever comes first reads, and others wait for that.
type Place = Arc<Mutex<Option<Arc<HumanReadings>>>>;

/// The frozen model, and its readings of human documents.
pub(crate) struct Reader {
    weights: Weights,
    separator: u32,
    device: Device,
    human: Arc<HumanReadings>,
}

impl Reader {
    /// With generation 0's model, which that stage holds; `training` are the tokens of the human documents that it learnt from.
    ///
    /// # Errors
    /// [`Stopped`] if the checkpoint's interrupt is set.
    pub(crate) fn new(
        (model, weights): (&StageId, Weights),
        once: &ReadingCache,
        human: &Human,
        (training, seed): (&[Tokens<'_>], u64),
        device: Device,
        checkpoint: &mut Checkpoint,
    ) -> Result<Self, Stopped> {
        let separator = human.codec.separator();
        let place = once.0.lock().expect("nothing panics with this lock").entry(*model).or_default().clone();
        // Somebody who failed to read has left the place empty.
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(human) = &*place {
            return Ok(Self { weights, separator, device, human: human.clone() });
        }
        let mut of = |documents: &[Tokens<'_>], streams: &Streams, side: &str| {
            let documents = drawn(documents, streams, 0, side);
            checkpoint.part(&format!("human-{side}"), |inside| read(&weights, &documents, separator, &device, inside))
        };
        let all: Vec<Tokens<'_>> = human.test.tokens.iter().collect();
        // The test set is the run's: all chains read the same documents of it.
        let test = of(&all, &Streams::new(0), "test")?;
        let training = of(training, &Streams::new(seed), "training")?;
        let human = Arc::new(HumanReadings { test, training, ceilings: Mutex::default() });
        *place = Some(human.clone());
        Ok(Self { weights, separator, device, human })
    }

    /// Measures of a generation's documents under this model and under its own `authors`. One author reads those documents alone
    /// whose `nats` are not known from drawing them.
    ///
    /// # Errors
    /// [`Stopped`] if the checkpoint's interrupt is set.
    pub(crate) fn measures(
        &self,
        (tokens, nats): (&TokenSet, &[Option<f64>]),
        authors: &[Weights],
        (seed, generation): (u64, u32),
        checkpoint: &mut Checkpoint,
    ) -> Result<(Vec<Measure>, Vec<Bin>), Stopped> {
        let all: Vec<Tokens<'_>> = tokens.iter().collect();
        let chosen = chosen(all.len(), &Streams::new(seed), generation, "written");
        let documents: Vec<Tokens<'_>> = chosen.iter().map(|&document| all[document]).collect();
        let known = |&document: &usize| nats[document].filter(|_| authors.len() == 1);
        let known: Vec<Option<f64>> = chosen.iter().map(known).collect();
        let unknown = documents.iter().zip(&known).filter(|(_, nats)| nats.is_none()).map(|(document, _)| *document);
        let unknown: Vec<Tokens<'_>> = unknown.collect();
        let mut by = |weights: &Weights, documents: &[Tokens<'_>], name: &str| {
            checkpoint.part(name, |inside| read(weights, documents, self.separator, &self.device, inside))
        };
        let generated = by(&self.weights, &documents, "generation-0")?;
        let loss = |reading: &Reading| DocumentLoss { nats: reading.nats, tokens: reading.tokens, bytes: 0 };
        let of_author = |(member, author): (usize, &Weights)| {
            let mut read = by(author, &unknown, &format!("author-{member}"))?.into_iter();
            let of = |((ids, truncated), nats): (&Tokens<'_>, &Option<f64>)| match nats {
                Some(nats) => {
                    DocumentLoss { nats: *nats, tokens: (ids.len() + usize::from(!truncated)) as u64, bytes: 0 }
                }
                None => loss(&read.next().expect("all that is not known was read")),
            };
            Ok(documents.iter().zip(&known).map(of).collect())
        };
        let own = scoring::mixed(authors.iter().enumerate().map(of_author).collect::<Result<_, Stopped>>()?);
        let human = &self.human;
        let n = [generated.len(), human.test.len(), human.training.len()].into_iter().min().unwrap_or(0);
        let mut list = vec![Measure::new(&DOCUMENTS_READ, generated.len() as f64)];
        let mut put = |metric: &'static Metric, dimensions: Dimensions, value: Option<f64>| {
            list.extend(value.map(|value| Measure { metric, dimensions, value }));
        };
        let first = Dimensions::of(&[(Dimension::Part, "generation-0")]);
        let author = Dimensions::of(&[(Dimension::Part, "own-model")]);
        let of_human = |dimensions: &Dimensions| dimensions.clone().with(Dimension::Reference, "human");
        let of_readings = |readings: &[Reading]| perplexity(readings.iter().map(|r| (r.nats, r.tokens)));
        put(&GENERATED_PERPLEXITY, of_human(&first), of_readings(&human.test));
        put(&GENERATED_PERPLEXITY, first, of_readings(&generated));
        put(&GENERATED_PERPLEXITY, author, perplexity(own.iter().map(|loss| (loss.nats, loss.tokens))));
        let [ours, theirs] = [&generated, &human.test].map(|readings| by_document(readings));
        for (percent, band) in QUANTILES {
            let band = Dimensions::of(&[(Dimension::Band, band)]);
            put(&DOCUMENT_PERPLEXITY, of_human(&band), quantile(&theirs, percent));
            put(&DOCUMENT_PERPLEXITY, band, quantile(&ours, percent));
        }
        if n >= LEAST {
            put(&DOCUMENTS_READ, Dimensions::of(&[(Dimension::Part, "compared")]), Some(n as f64));
            let width = self.weights.config().width;
            let features = states(&generated[..n]);
            let near = nearness(&states(&human.test[..n]), &features, width);
            near.into_iter().for_each(|measure| put(measure.metric, measure.dimensions, Some(measure.value)));
            put(&VENDI, Dimensions::NONE, vendi(&features, width));
            list.extend(human.ceiling(n, width));
        }
        Ok((list, histogram(&generated[..n], &human.test[..n])))
    }
}

impl HumanReadings {
    /// Measures of the human test documents in place of generated documents, with states of `width` numbers.
    fn ceiling(&self, n: usize, width: usize) -> Vec<Measure> {
        let mut ceilings = self.ceilings.lock().unwrap_or_else(PoisonError::into_inner);
        let measure = || {
            let [test, training] = [&self.test, &self.training].map(|readings| states(&readings[..n]));
            let vendi = vendi(&test, width).map(|value| Measure::new(&VENDI, value));
            let all = nearness(&test, &training, width).into_iter().chain(vendi);
            all.map(|measure| measure.with(Dimension::Reference, "human")).collect()
        };
        ceilings.entry(n).or_insert_with(measure).clone()
    }
}

/// MAUVE as the mean of some clusterings, and its standard deviation over them.
fn nearness(human: &[f32], other: &[f32], width: usize) -> Vec<Measure> {
    let Some(values) = mauves(human, other, width, &settings(), CLUSTERINGS) else { return Vec::new() };
    let Some(Sample { n, mean, error }) = Sample::of(values) else { return Vec::new() };
    vec![Measure::new(&MAUVE, mean), Measure::new(&MAUVE_SCATTER, error * (n as f64).sqrt())]
}

/// The authors' settings but for one start of the clustering instead of five: the ceiling is taken in the same way, and
/// what the others would find is within what another sample of documents changes.
fn settings() -> Mauve {
    Mauve { restarts: 1, iterations: 100, ..Mauve::default() }
}

/// Documents of one side, at random.
fn drawn<'a>(documents: &[Tokens<'a>], streams: &Streams, generation: u32, side: &str) -> Vec<Tokens<'a>> {
    let chosen = chosen(documents.len(), streams, generation, side);
    chosen.into_iter().map(|document| documents[document]).collect()
}

/// The numbers of so many documents' sample, at random.
fn chosen(documents: usize, streams: &Streams, generation: u32, side: &str) -> Vec<usize> {
    let item = item_of_name(&format!("read/{side}"));
    let mut order = streams.stream(Purpose::Evaluation, generation, item).permutation(documents);
    order.truncate(DOCUMENTS);
    order
}

fn states(readings: &[Reading]) -> Vec<f32> {
    readings.iter().flat_map(|reading| &reading.state).copied().collect()
}

fn perplexity(losses: impl Iterator<Item = (f64, u64)>) -> Option<f64> {
    let (nats, tokens) = losses.fold((0.0, 0), |sum, loss| (sum.0 + loss.0, sum.1 + loss.1));
    (tokens > 0).then(|| (nats / tokens as f64).exp())
}

/// The perplexity of each document, sorted.
fn by_document(readings: &[Reading]) -> Vec<f64> {
    let mut list: Vec<f64> = readings.iter().map(|r| (r.nats / r.tokens as f64).exp()).collect();
    list.sort_by(f64::total_cmp);
    list
}

/// The value nearest to the place of so many percent.
fn quantile(sorted: &[f64], percent: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[(last * percent + 50) / 100])
}

/// Both sides' documents by perplexity, from the lowest bin that holds any to the highest.
fn histogram(generated: &[Reading], human: &[Reading]) -> Vec<Bin> {
    let bins = |readings: &[Reading]| {
        let mut counts = BTreeMap::<i64, usize>::new();
        for reading in readings {
            let octaves = reading.nats / reading.tokens as f64 / std::f64::consts::LN_2;
            // What is no finite number has no bin.
            if octaves.is_finite() {
                *counts.entry((octaves * BINS).floor() as i64).or_default() += 1;
            }
        }
        counts
    };
    let (generated, human) = (bins(generated), bins(human));
    let ends = || generated.keys().chain(human.keys()).copied();
    let (Some(first), Some(last)) = (ends().min(), ends().max()) else { return Vec::new() };
    let edge = |bin: i64| (bin as f64 / BINS).exp2();
    let of = |counts: &BTreeMap<i64, usize>, bin: i64| counts.get(&bin).copied().unwrap_or(0);
    (first..=last)
        .map(|bin| Bin { from: edge(bin), to: edge(bin + 1), generated: of(&generated, bin), human: of(&human, bin) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(perplexity: f64, tokens: u64) -> Reading {
        Reading { nats: perplexity.ln() * tokens as f64, tokens, state: vec![1.0, 0.0] }
    }

    #[test]
    fn perplexities_by_hand() {
        let readings: Vec<Reading> = [1.0, 2.0, 2.1, 4.0, 100.0].map(|p| reading(p * 1.0001, 3)).into();
        let sorted = by_document(&readings);
        let at = |percent| (quantile(&sorted, percent).unwrap() / 1.0001 * 10.0).round() / 10.0;
        assert_eq!([5, 25, 50, 75, 95].map(at), [1.0, 2.0, 2.1, 4.0, 100.0]);
        assert_eq!(quantile(&[], 50), None);
        // One token at 4 and three at 1: the geometric mean.
        let pair = [reading(4.0, 1), reading(1.0, 3)];
        assert!((perplexity(pair.iter().map(|r| (r.nats, r.tokens))).unwrap() - 2_f64.sqrt()).abs() < 1e-12);
        let bins = histogram(&readings[..4], &readings[4..]);
        assert_eq!((bins[0].from, bins[0].generated, bins[0].human), (1.0, 1, 0));
        assert_eq!(bins.iter().map(|bin| bin.generated).sum::<usize>(), 4);
        // From 1 to above 64 there are six octaves, and 100 lies in the third quarter of the seventh.
        assert_eq!((bins.len(), bins[26].human), (27, 1));
        assert!((bins[4].from - 2.0).abs() < 1e-12 && bins[4].generated == 2);
        assert!(histogram(&[], &[]).is_empty());
    }
}
