//! An audit: is there something wrong with this data, held against human text?
//!
//! *Method.* A set of statistics is taken of the data beside as many human documents (`statistics.rs`), and of human
//! documents beside other human documents, many times: what other human text shows is the measure of what the data
//! shows, and nothing is assumed of how words are distributed. The largest deviation over *all* statistics decides
//! (Westfall and Young 1993), so that human text raises an alarm in fewer than one audit of twenty, and not in one of
//! twenty for each of eighteen questions (`calibration.rs`).
//!
//! *Traps.* The reference must be of the same kind as the data: another subject or another way of cutting documents is
//! found too, and named ("different", "lengths"). Repeated documents would change every other statistic, so those are
//! taken without them. A reference that repeats itself hides that the data does. Documents that stand together often come
//! from one source, and are more alike than others: whole runs of them go to one side. Keep files in their order.

mod calibration;
mod statistics;
mod verdict;

use serde::{Deserialize, Serialize};
use streams::Streams;

use crate::draws::Draw;
use crate::{Dimensions, Doc, Equal, Measure, Metric, OverRepresented, Reference, generated_text, over_represented};
use calibration::Calibration;
use statistics::{Pool, STATISTICS};

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Documents repeat others, exactly or nearly.
    Duplicated,
    /// Documents stop before their end, or at a limit.
    Truncated,
    /// Rare words are missing.
    TailStripped,
    /// Frequent words and phrases take more room: the text is less varied.
    Narrow,
    /// Documents repeat themselves.
    Repetitive,
    /// Documents are longer or shorter.
    Lengths,
    /// The words are others, in whatever way.
    Different,
}

/// One statistic of the data beside that of the human text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What it would show.
    pub flaw: Flaw,
    /// What is measured, of generated text.
    #[serde(with = "by_name")]
    pub metric: &'static Metric,
    /// Its order or unit. All are measured at equal size.
    pub dimensions: Dimensions,
    /// Of the data.
    pub data: f64,
    /// Of as much human text.
    pub human: f64,
    /// The standard deviation of human text beside human text, in the statistic's own unit.
    pub scale: f64,
    /// How far the data is on the wrong side, in standard deviations of human text beside human text.
    pub deviation: f64,
    /// True if that is further than chance goes.
    pub found: bool,
}

/// A metric of generated text by its name.
mod by_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::{Metric, Set, metric};

    pub(super) fn serialize<S: Serializer>(metric: &&'static Metric, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(metric.name)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Metric, D::Error> {
        let name = String::deserialize(deserializer)?;
        metric(Set::Generated, &name).ok_or_else(|| D::Error::custom(format!("unknown metric {name:?}")))
    }
}

/// Documents, and words of a comparison at equal size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Documents on each side.
    pub documents: usize,
    /// Words on each side, repeated documents left out.
    pub words: usize,
}

/// What an audit found. N-grams may hold what a model wrote: escape them before they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// How much was compared.
    pub compared: Extent,
    /// How often human text was held against other human text.
    pub splits: usize,
    /// The deviation beyond which something is found.
    pub threshold: f64,
    /// Every statistic, found or not.
    pub comparisons: Vec<Comparison>,
    /// All metrics of the data, as [`generated_text`] gives them; half of the human text is the reference that is
    /// measured beside it.
    pub measures: Vec<Measure>,
    /// The most over-represented n-grams of the data.
    pub over_represented: Vec<OverRepresented>,
}

/// Why nothing was audited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Too few documents.
    #[error(
        "{what} has {documents} documents that are not empty and an audit needs {least}: bring more, or cut long ones"
    )]
    Documents {
        /// The data, or the human text.
        what: &'static str,
        /// So many are there.
        documents: usize,
        /// So many are needed.
        least: usize,
    },
    /// Too few words.
    #[error(
        "{words} words can be compared once repeated documents are left out and an audit needs {least}: bring more text"
    )]
    Words {
        /// So many are there.
        words: usize,
        /// So many are needed.
        least: usize,
    },
}

/// Documents on each side, at least.
const LEAST_DOCUMENTS: usize = 20;
/// Words on each side, at least.
const LEAST_WORDS: usize = 500;
/// Of the data, documents and words at most; of the human text twice as many. Random documents stand for the rest.
const MOST: Extent = Extent { documents: 10_000, words: 1_000_000 };
/// Words on each side of a comparison, at most; and of a sample of the other metrics.
const WORDS: usize = 200_000;
/// Samples of the other metrics.
const DRAWS: u32 = 20;
/// Over-represented n-grams that are given.
const STRONGEST: usize = 10;

/// Holds documents against human documents.
///
/// Half of the human documents, or as many as the data has if these are fewer, stand beside as many of the data. The
/// draws come from `streams`; the same streams find the same, with any number of threads.
///
/// # Errors
/// If there is too little text to say anything.
pub fn audit(data: &[Doc<'_>], human: &[Doc<'_>], streams: Streams) -> Result<Audit, AuditError> {
    let data = chosen(data, MOST, &streams, 0);
    let human = chosen(human, Extent { documents: 2 * MOST.documents, words: 2 * MOST.words }, &streams, 1);
    for (what, documents, least) in
        [("the data", data.len(), LEAST_DOCUMENTS), ("the human text", human.len(), 2 * LEAST_DOCUMENTS)]
    {
        if documents < least {
            return Err(AuditError::Documents { what, documents, least });
        }
    }
    let pool = Pool::of(&data, &human);
    let documents = data.len().min(human.len() / 2);
    let split = pool.beside(documents, &streams);
    let words = pool.words(&split).min(WORDS);
    if words < LEAST_WORDS {
        return Err(AuditError::Words { words, least: LEAST_WORDS });
    }
    let calibration = Calibration::of(&pool, documents, words, &streams);
    let values = pool.tables().compare(&split, words);
    let comparisons: Vec<Comparison> = (STATISTICS.iter().zip(values).enumerate())
        .map(|(index, (statistic, values))| {
            let deviation = calibration.deviation(index, values);
            Comparison {
                flaw: statistic.flaw,
                metric: statistic.metric,
                dimensions: Dimensions::of(statistic.view),
                data: values.data,
                human: values.human,
                scale: calibration.scale(index),
                deviation,
                found: deviation > calibration.threshold,
            }
        })
        .collect();
    let [half, held_out] =
        pool.halves(documents, &streams).map(|side| side.into_iter().map(|i| human[i]).collect::<Vec<_>>());
    let reference = Reference::of(&half, &held_out, Equal { words: words.min(WORDS / 4), draws: DRAWS, streams });
    Ok(Audit {
        compared: Extent { documents, words },
        splits: calibration.splits,
        threshold: calibration.threshold,
        comparisons,
        measures: generated_text(&data, &reference),
        over_represented: over_represented(&data, &reference, STRONGEST),
    })
}

/// Documents that are not empty, in their order: random ones, as many as `most` allows.
fn chosen<'a>(docs: &[Doc<'a>], most: Extent, streams: &Streams, which: u32) -> Vec<Doc<'a>> {
    let there: Vec<usize> = (0..docs.len()).filter(|&i| crate::words(docs[i].text).next().is_some()).collect();
    let mut left = most.words;
    let enough = |document: &usize| {
        let more = left > 0;
        left = left.saturating_sub(crate::words(docs[*document].text).count());
        more
    };
    let order = Draw::Splits.order(streams, u32::MAX - which, &there);
    let mut chosen: Vec<usize> = order.into_iter().take(most.documents).take_while(enough).collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|document| docs[document]).collect()
}
