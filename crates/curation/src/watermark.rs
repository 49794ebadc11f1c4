//! `watermark`: a green list in the sampler, its test in the filter.
//!
//! *Definition.* A key and the previous token make each token green with probability γ; the writer adds δ to the logits
//! of green tokens (`sample.watermark`, [`Greens::favour`]). Text that nobody marked has a share γ of green tokens. Of
//! g green among T distinct pairs of neighbours, z = (g - γT)/√(Tγ(1-γ)) and the p-value is the exact binomial tail P(X
//! ≥ g) ([`read_mark`]). What has a p-value of at most `level` is dropped.
//!
//! *Source.* Kirchenbauer et al. 2023 (arXiv 2301.10226: γ = 0.25, δ = 2, z > 4, which is p = 3e-5). There the green
//! list is a permutation's first γ|V| tokens; here each token's colour is a hash of its own, which makes the null
//! exact.
//!
//! *Trap.* A pair has one colour, however often it comes: counted each time, repetitions break the binomial and human
//! refrains are flagged; pairs are counted once. The model that learns from marked text learns the mark. The colours
//! are those of the tokens sampled: text that encodes to others loses some. Short texts have no power. Under one key,
//! documents share pairs, so their verdicts are not independent of each other.
//!
//! *Cost.* Every writer must use the key; δ bends the distribution, so quality is to be reported with and without.

use std::collections::BTreeSet;

use corpus::Greens;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::candidate::{About, Anchor, Candidate, Context, Cost, Defence, Parameter, Verdict};
use crate::error::{Error, probability, within};

const NAME: &str = "watermark";

fn gamma(gamma: f64) -> Result<(), Error> {
    within(gamma > 0.0 && gamma < 1.0, NAME, "gamma", gamma, "a share between 0.0 and 1.0")
}

/// The result of the test of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marked {
    /// Distinct pairs of neighbours.
    pub pairs: u64,
    /// Those whose second token is green.
    pub green: u64,
    /// Standard deviations above what unmarked text is expected to have; 0 of no pairs.
    pub z: f64,
    /// The chance that unmarked text has as many green pairs or more; 1 of no pairs.
    pub p: f64,
}

/// Looks for a mark in a text that begins after `separator`.
pub fn read_mark(greens: &Greens, separator: u32, ids: &[u32]) -> Marked {
    let previous = std::iter::once(separator).chain(ids.iter().copied());
    let pairs: BTreeSet<(u32, u32)> = previous.zip(ids.iter().copied()).collect();
    let green = pairs.iter().filter(|&&(previous, token)| greens.is_green(previous, token)).count() as u64;
    let pairs = pairs.len() as u64;
    let gamma = greens.gamma();
    let expected = gamma * pairs as f64;
    let deviation = (expected * (1.0 - gamma)).sqrt();
    Marked {
        pairs,
        green,
        z: if pairs == 0 { 0.0 } else { (green as f64 - expected) / deviation },
        p: tail(pairs, gamma, green),
    }
}

/// P(X ≥ least) for X binomial of `n` and `p`.
pub(crate) fn tail(n: u64, p: f64, least: u64) -> f64 {
    if least == 0 {
        return 1.0;
    }
    Binomial::new(p, n).expect("p is a probability: Greens::new looked").sf(least - 1)
}

/// Drops what bears the mark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watermark {
    /// The writers' key.
    pub key: u64,
    /// Share of tokens that are green, as the writers set it.
    pub gamma: f64,
    /// p-value at or below which a document is dropped: the share of unmarked text that is lost, at most.
    pub level: f64,
}

impl Default for Watermark {
    fn default() -> Self {
        Self { key: 0, gamma: 0.25, level: 0.01 }
    }
}

impl Watermark {
    /// Its entry in [`crate::DEFENCES`].
    pub const ABOUT: About = About {
        name: NAME,
        about: "drops what bears the writers' green-list watermark (they set it with sample.watermark = { key = 0 })",
        source: "Kirchenbauer et al. 2023, arXiv 2301.10226",
        cost: Cost {
            anchors: &[Anchor::Key],
            compute: "the mark bends what is written; unmarked writers are not seen",
        },
        parameters: &[
            Parameter { name: "key", default: "0", about: "the writers' key (the sampler's)" },
            Parameter { name: "gamma", default: "0.25", about: "share of green tokens (the sampler's)" },
            Parameter { name: "level", default: "0.01", about: "p-value at or below which a document is dropped" },
        ],
    };
}

impl Defence for Watermark {
    fn about(&self) -> &'static About {
        &Self::ABOUT
    }

    fn needs_transformer(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), Error> {
        gamma(self.gamma)?;
        probability(self.name(), "level", self.level)
    }

    fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        if self.level == 0.0 {
            return Ok(Verdict::undefended(candidates.len()));
        }
        let greens = Greens::new(self.key, self.gamma);
        let kept = |candidate: &Candidate<'_>| read_mark(&greens, context.separator, candidate.ids).p > self.level;
        Ok(Verdict::keep(candidates.iter().map(kept)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{Purpose, Streams};

    #[test]
    fn tails_are_binomial() {
        // Four coins: 1, 15/16, 11/16, 5/16, 1/16.
        for (least, sixteenths) in [(0, 16.0), (1, 15.0), (2, 11.0), (3, 5.0), (4, 1.0)] {
            assert!((tail(4, 0.5, least) - sixteenths / 16.0).abs() < 1e-12);
        }
        // Far out, term by term: C(n,k) p^k (1-p)^(n-k).
        let terms = (80..=200_u64).map(|k| {
            let ln_choose: f64 = (1..=k).map(|i| ((200 - k + i) as f64 / i as f64).ln()).sum();
            (ln_choose + k as f64 * 0.25_f64.ln() + (200 - k) as f64 * 0.75_f64.ln()).exp()
        });
        let exact: f64 = terms.sum();
        assert!(exact < 1e-5 && (tail(200, 0.25, 80) / exact - 1.0).abs() < 1e-8, "{exact}");
    }

    #[test]
    fn a_pair_is_counted_once() {
        let greens = Greens::new(3, 0.25);
        let token = (1..1000).find(|&token| greens.is_green(7, token) && greens.is_green(token, 7)).unwrap();
        let refrain: Vec<u32> = [7, token].repeat(50);
        let test = read_mark(&greens, 0, &refrain);
        assert_eq!(test.pairs, 3, "the beginning, and there and back");
        assert!(test.p > 0.01, "a refrain is no mark: {test:?}");
        assert_eq!(read_mark(&greens, 0, &[]), Marked { pairs: 0, green: 0, z: 0.0, p: 1.0 });
    }

    /// Marked text of a uniform model: each token is green with γe^δ/(1 - γ + γe^δ) = 0.711.
    #[test]
    fn marked_text_is_found() {
        let greens = Greens::new(2, 0.25);
        let mut found = 0;
        for document in 0..100 {
            let mut stream = Streams::new(1).stream(Purpose::Learner, 0, document);
            let mut ids: Vec<u32> = Vec::new();
            while ids.len() < 60 {
                let token = stream.below(500) as u32;
                let green = greens.is_green(ids.last().copied().unwrap_or(0), token);
                if green || stream.uniform() < (-2.0_f64).exp() {
                    ids.push(token);
                }
            }
            found += usize::from(read_mark(&greens, 0, &ids).p < 3.2e-5);
        }
        assert!(found >= 99, "{found} of 100");
    }
}
