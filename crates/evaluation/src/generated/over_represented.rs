//! Over-represented n-grams: those that a text has too many of.
//!
//! *Definition.* The log-odds of an n-gram in a text, ln((y+a) / (n+A-y-a)), less those in the human text, with an
//! informative Dirichlet prior, and z, that difference over √(1/(y+a) + 1/(y'+a)) (Monroe, Colaresi and Quinn 2008,
//! equations 15, 16, 20 and 22). The prior `a` is a tenth of what both texts hold of the n-gram, A that of all n-grams
//! of its order. An n-gram counts once a document. An n-gram (n = 1 to 4) is *over-represented* if it is in three
//! documents or more, with z beyond the normal quantile of 0.05 over the number of these (Bonferroni).
//! `over-represented-rate`: words that are in one, per 1,000, in samples of equal size.
//!
//! *Traps.* Words come in bursts: counted by occurrence, the name of one story's hero is the strongest n-gram. Documents
//! that share a subject aren't independent either, so other human text has them as well: the human rate is beside.
//! Without the prior, z favours what is rare.

use super::entry::{EQUAL, compared, equal};
use crate::draws::{Drawn, Spread};
use crate::measure::Measures;
use crate::metric::{Axis, Damage, Figure, Metric};
use crate::sample::{Counts, Sample};
use crate::text::{Grams, ORDERS, Words};
use crate::{Dimensions, Doc, Reference};
use statrs::distribution::{ContinuousCDF, Normal};

pub static OVER_REPRESENTED_RATE: Metric =
    compared("over-represented-rate", "Over-represented n-grams", "words per 1,000", EQUAL).worse(Damage::More).drawn(
        &Figure {
            name: "over-represented-n-grams",
            title: "Over-represented n-grams",
            label: "words per 1,000 in over-represented n-grams",
            axis: Axis::Amount,
            caption: "N-grams that are more frequent than in human text by more than chance, and how much of the text \
                      they cover.",
        },
        &[equal("Over-represented n-grams")],
    );

/// An n-gram that a text has too many of.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverRepresented {
    /// The n-gram, its words parted by single spaces. What a model wrote may hold anything: escape it before it is shown.
    pub ngram: String,
    /// Documents of the text that have it.
    pub documents: u32,
    /// Documents of the human text that have it.
    pub human: u32,
    /// Difference of the log-odds.
    pub log_odds: f64,
    /// The same in standard errors.
    pub z: f64,
}

/// Documents that it is in, at least.
const DOCUMENTS: u32 = 3;
/// Error of the family of all n-grams.
const LEVEL: f64 = 0.05;
/// The prior's weight, as a share of what both texts hold.
const PRIOR: f64 = 0.1;

impl Spread {
    pub(crate) fn of(human: &Grams) -> Self {
        let all = Sample::everything(human);
        let documents =
            |n: usize| (0..human.kinds(n + 1) as u32).map(|kind| all.order(n + 1).documents(kind)).collect();
        Self {
            documents: std::array::from_fn(documents),
            pairs: std::array::from_fn(|n| all.order(n + 1).incidences()),
        }
    }

    fn documents(&self, order: usize, number: Option<u32>) -> u32 {
        number.map_or(0, |number| self.documents[order - 1][number as usize])
    }

    /// The z of each n-gram that is in enough documents of the sample. `link` finds its number in the human text.
    fn scores<'a>(
        &'a self,
        order: usize,
        sample: &'a Counts,
        link: impl Fn(u32) -> Option<u32> + 'a,
    ) -> impl Iterator<Item = (u32, u32, LogOdds)> + 'a {
        candidates(sample).map(move |kind| {
            let (ours, human) = (sample.documents(kind), self.documents(order, link(kind)));
            let totals = (sample.incidences() as f64, self.pairs[order - 1] as f64);
            (kind, human, LogOdds::of((ours.into(), human.into()), totals))
        })
    }
}

fn candidates(sample: &Counts) -> impl Iterator<Item = u32> {
    sample.kinds().iter().copied().filter(|&kind| sample.documents(kind) >= DOCUMENTS)
}

/// The z beyond which an n-gram of this sample is over-represented.
fn threshold(sample: &Sample<'_>) -> f64 {
    let family: usize = (1..=ORDERS).map(|order| candidates(sample.order(order)).count()).sum();
    Normal::standard().inverse_cdf(1.0 - LEVEL / family.max(1) as f64)
}

/// Monroe, Colaresi and Quinn's estimate.
#[derive(Clone, Copy, Debug)]
struct LogOdds {
    difference: f64,
    z: f64,
}

impl LogOdds {
    /// Of how often something is in the one text and the other, and of all that is in them.
    fn of(counts: (f64, f64), totals: (f64, f64)) -> Self {
        let prior = PRIOR * (counts.0 + counts.1);
        let all = PRIOR * (totals.0 + totals.1);
        let odds = |count: f64, total: f64| ((count + prior) / (total + all - count - prior)).ln();
        let difference = odds(counts.0, totals.0) - odds(counts.1, totals.1);
        let variance = 1.0 / (counts.0 + prior) + 1.0 / (counts.1 + prior);
        Self { difference, z: difference / variance.sqrt() }
    }
}

/// `over-represented-rate`.
pub(crate) fn report(of: &Drawn<'_>, measures: &mut Measures) {
    let rate = rate(of.sample, of.from.spread, |n, kind| of.from.links.get(n, kind));
    measures.push(&OVER_REPRESENTED_RATE, Dimensions::NONE, rate);
}

/// Words in over-represented n-grams, per 1,000 words of the sample. `link` finds the human text's number of an n-gram of an order.
fn rate(sample: &Sample<'_>, spread: &Spread, link: impl Fn(usize, u32) -> Option<u32>) -> f64 {
    let (grams, threshold) = (sample.grams(), threshold(sample));
    let mut covered = vec![false; sample.words()];
    for order in 1..=ORDERS {
        let counts = sample.order(order);
        let chosen = spread.scores(order, counts, |kind| link(order, kind));
        let mut chosen: Vec<u32> = chosen.filter(|(.., odds)| odds.z > threshold).map(|(kind, ..)| kind).collect();
        chosen.sort_unstable();
        let mut start = 0;
        for range in sample.documents().iter().filter(|_| !chosen.is_empty()) {
            for (i, gram) in grams.grams(order, range).iter().enumerate() {
                if chosen.binary_search(gram).is_ok() {
                    covered[start + i..start + i + order].fill(true);
                }
            }
            start += range.len();
        }
    }
    1000.0 * covered.iter().filter(|&&covered| covered).count() as f64 / sample.words() as f64
}

/// The over-represented n-grams of a text, all of it, against the human text of a reference: the `most` with the
/// highest z. Of n-grams that hold each other only the first is given.
pub fn over_represented(docs: &[Doc<'_>], reference: &Reference, most: usize) -> Vec<OverRepresented> {
    let words = Words::of(docs);
    let (links, sample) = (reference.known().links(&words), Sample::everything(&words.grams));
    let threshold = threshold(&sample);
    let mut found = Vec::new();
    for order in 1..=ORDERS {
        let counts = sample.order(order);
        let scores = reference.spread().scores(order, counts, |kind| links.get(order, kind));
        found.extend(
            scores.filter(|(.., odds)| odds.z > threshold).map(|(kind, human, odds)| (order, kind, human, odds)),
        );
    }
    // Equal scores stand longest first, then in the order of the text.
    found.sort_by(|a, b| b.3.z.total_cmp(&a.3.z).then(b.0.cmp(&a.0)).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<OverRepresented> = Vec::new();
    for (order, kind, human, odds) in found {
        if chosen.len() == most {
            break;
        }
        let ngram = words.spelled(order, kind);
        if !chosen.iter().any(|other| holds(&other.ngram, &ngram) || holds(&ngram, &other.ngram)) {
            let documents = sample.order(order).documents(kind);
            chosen.push(OverRepresented { ngram, documents, human, log_odds: odds.difference, z: odds.z });
        }
    }
    chosen
}

/// True if one n-gram's words stand in another's.
fn holds(long: &str, short: &str) -> bool {
    format!(" {long} ").contains(&format!(" {short} "))
}

/// How often each n-gram of a list (words parted by white space) stands in a text, per 1,000 words: those found in one
/// generation are followed through the others. No number if the text has no words.
pub fn rates(docs: &[Doc<'_>], ngrams: &[impl AsRef<str>]) -> Vec<f64> {
    let wanted: Vec<Vec<&str>> = ngrams.iter().map(|ngram| crate::words(ngram.as_ref()).collect()).collect();
    let mut found = vec![0usize; wanted.len()];
    let mut total = 0;
    for doc in docs {
        let words: Vec<&str> = crate::words(doc.text).collect();
        total += words.len();
        for (ngram, found) in wanted.iter().zip(&mut found).filter(|(ngram, _)| !ngram.is_empty()) {
            *found += words.windows(ngram.len()).filter(|window| window == ngram).count();
        }
    }
    found.into_iter().map(|found| 1000.0 * found as f64 / total as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Equal;
    use crate::text::plain;
    use streams::{Purpose, Streams};

    #[test]
    fn the_formula_by_hand() {
        // 30 of 1000 and 10 of 3000: the prior is 4 of 400.
        let odds = LogOdds::of((30.0, 10.0), (1000.0, 3000.0));
        let difference = (34.0_f64 / 1366.0).ln() - (14.0_f64 / 3386.0).ln();
        assert!((odds.difference - difference).abs() < 1e-14);
        assert!((odds.z - difference / (1.0_f64 / 34.0 + 1.0 / 14.0).sqrt()).abs() < 1e-14);
        // As often in both, in proportion: nothing.
        assert!(LogOdds::of((10.0, 30.0), (1000.0, 3000.0)).z.abs() < 1e-12);
    }

    #[test]
    fn a_planted_phrase_is_the_most_over_represented() {
        let text = |seed: u64, phrase: &str| -> Vec<String> {
            let mut stream = Streams::new(seed).stream(Purpose::Evaluation, 0, 0);
            let mut word = || format!("w{}", ((1.0 / (1.0 - stream.uniform())) as u64).min(2000));
            (0..300)
                .map(|document| {
                    let words: Vec<String> = (0..30).map(|_| word()).collect();
                    format!("{} {}", words.join(" "), if document % 5 == 0 { phrase } else { "" })
                })
                .collect()
        };
        let (human, held_out, ours) = (text(1, ""), text(2, ""), text(3, "a rich w1 tapestry"));
        let docs = |texts: &'static [String]| texts.iter().map(|text| plain(text)).collect::<Vec<_>>();
        let [human, held_out, ours] = [human, held_out, ours].map(|texts| docs(texts.leak()));
        let equal = Equal { words: 4000, draws: 5, streams: Streams::new(0) };
        let reference = Reference::of(&human, &held_out, equal);
        let found = over_represented(&ours, &reference, 10);
        // Half of the phrases follow w1, and an n-gram that overlaps another is one too.
        assert!(found.iter().all(|one| one.ngram.contains("rich") || one.ngram.contains("tapestry")), "{found:?}");
        assert_eq!((found[0].ngram.as_str(), found[0].documents, found[0].human), ("a rich w1 tapestry", 60, 0));
        assert_eq!(over_represented(&held_out, &reference, 10), []);
        // Four words of each fifth document.
        let measures = crate::generated_text(&ours, &reference);
        let rate = |of_reference: bool| {
            let is_it = |m: &&crate::Measure| *m.metric == OVER_REPRESENTED_RATE && m.is_of_reference() == of_reference;
            measures.iter().find(is_it).unwrap().value
        };
        assert!((rate(false) - 1000.0 * 4.0 * 0.2 / 30.8).abs() < 3.0, "{}", rate(false));
        assert_eq!(rate(true), 0.0);
        let followed = rates(&ours, &["a rich", "tapestry", "w1 rich"]);
        assert!((followed[0] - 1000.0 * 0.2 / 30.8).abs() < 1e-12 && followed[0] == followed[1] && followed[2] == 0.0);
    }
}
