//! From one row of logits and one uniform number to a token.
//!
//! The conventions are those of Hugging Face transformers: repetition penalty, temperature, top-k, top-p, min-p, in
//! this order; a watermark comes before the temperature. What is left is drawn by the inverse of its distribution
//! function in vocabulary order, so a token depends on the logits and the uniform alone, and a small change of the
//! logits moves few tokens.
//!
//! ```
//! use sampling::Sampling;
//! use inference::{Sampler, Scratch};
//!
//! let sampler = Sampler::new(&Sampling { top_k: Some(2), ..Sampling::default() }).unwrap();
//! let logits = [0.0, 2f32.ln(), -1.0]; // top-2: 1/3, 2/3, 0
//! let mut scratch = Scratch::default();
//! assert_eq!(sampler.choose(&logits, &[], 0.33, &mut scratch), Ok(0));
//! assert_eq!(sampler.choose(&logits, &[], 0.34, &mut scratch), Ok(1));
//! ```

use corpus::Greens;
use kernels::decoder::{GROUP, exponentials};
use sampling::{Mark, Sampling, SamplingError};

/// Leaves eight bits of exponent and three of mantissa: buckets of weights within an eighth of each other.
const BUCKET_SHIFT: u32 = 20;

/// Why no token could be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// A logit is NaN or +∞, or all are -∞: the model has diverged.
    #[error(
        "the logits are no distribution (a NaN, an infinity, or nothing possible): the model has diverged, try a lower learning rate"
    )]
    NotADistribution,
}

/// What [`Sampler::choose`] works with; kept from token to token, it allocates nothing after the first.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Logits after the repetition penalty and the watermark, where there is either.
    scores: Vec<f32>,
    /// Probabilities up to a common factor, and their sums over [`GROUP`]s of tokens.
    weights: Vec<f32>,
    groups: Vec<f32>,
    /// For the cuts of top-k and top-p.
    ranked: Vec<f32>,
    masses: Vec<f64>,
    order: Vec<u32>,
    /// One bit a token: already penalised.
    seen: Vec<u64>,
    /// Where in the chosen token's part of the distribution the last uniform number lay.
    within: Option<Within>,
}

/// Where in its token's interval of the distribution function a uniform number lay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Within {
    /// From 0 at its beginning to below 1 at its end: of a uniform number that is not otherwise known, again one.
    pub(crate) place: f64,
    /// The interval's length, the token's probability.
    pub(crate) share: f64,
}

impl Scratch {
    /// Where the last token's uniform number lay within its interval; none where the token did not depend on it.
    pub(crate) fn within(&self) -> Option<Within> {
        self.within
    }
}

/// Draws tokens by fixed settings.
#[derive(Clone, Debug)]
pub struct Sampler {
    settings: Sampling,
    /// What stands before a document's first token, for the watermark and the repetition penalty.
    separator: u32,
}

impl Sampler {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn new(settings: &Sampling) -> Result<Self, SamplingError> {
        settings.check()?;
        Ok(Self { settings: *settings, separator: 0 })
    }

    /// The same, for documents that begin after this token (0, if nothing is said): a watermark begins with it,
    /// and the repetition penalty counts it as held.
    #[must_use]
    pub fn after(self, separator: u32) -> Self {
        Self { separator, ..self }
    }

    /// The token at `u` of the distribution: the first, in vocabulary order, whose cumulative probability exceeds `u`. A token
    /// of probability zero is never drawn. `previous` are the tokens of the sequence so far, for the repetition penalty and
    /// the watermark.
    ///
    /// # Errors
    /// [`SampleError::NotADistribution`] if a logit is NaN or +∞, or all are -∞ (a single -∞ is a token that cannot come).
    ///
    /// # Panics
    /// If `u` is outside [0, 1), or a previous token outside the vocabulary where a penalty is set.
    pub fn choose(&self, logits: &[f32], previous: &[u32], u: f64, scratch: &mut Scratch) -> Result<u32, SampleError> {
        assert!((0.0..1.0).contains(&u), "a uniform number in [0, 1), not {u}");
        scratch.within = None;
        // `weigh` has the temperature and the cuts, `systematic` makes `u`.
        let Sampling {
            temperature: _,
            top_k: _,
            top_p: _,
            min_p: _,
            repetition_penalty,
            greedy,
            watermark,
            systematic: _,
        } = self.settings;
        let penalty = repetition_penalty.filter(|&penalty| penalty != 1.0);
        let mark = watermark.filter(Mark::is_seen);
        if penalty.is_some() || mark.is_some() {
            let mut scores = std::mem::take(&mut scratch.scores);
            scores.clear();
            scores.extend_from_slice(logits);
            if let Some(penalty) = penalty {
                // Of transformers' input the separator is the first token.
                let held = std::iter::once(&self.separator).chain(previous);
                penalise(&mut scores, held, penalty as f32, &mut scratch.seen);
            }
            if let Some(mark) = mark {
                let last = previous.last().copied().unwrap_or(self.separator);
                Greens::of(&mark).favour(last, mark.delta as f32, &mut scores);
            }
            let chosen = if greedy { largest(&scores) } else { self.draw(&scores, u, scratch) };
            scratch.scores = scores;
            return chosen;
        }
        if greedy { largest(logits) } else { self.draw(logits, u, scratch) }
    }

    fn draw(&self, scores: &[f32], u: f64, scratch: &mut Scratch) -> Result<u32, SampleError> {
        let total = self.weigh(scores, scratch)?;
        let (token, before) = invert(&scratch.weights, &scratch.groups, u * total);
        let weight = f64::from(scratch.weights[token as usize]);
        // The ends of an interval are rounded.
        let place = ((u * total - before) / weight).clamp(0.0, 1.0 - f64::EPSILON);
        scratch.within = Some(Within { place, share: weight / total });
        Ok(token)
    }

    /// Leaves each token's probability, up to the factor that is returned, in `scratch.weights`.
    fn weigh(&self, scores: &[f32], scratch: &mut Scratch) -> Result<f64, SampleError> {
        let Sampling { temperature, top_k, top_p, min_p, .. } = self.settings;
        let Scratch { weights, groups, ranked, masses, order, .. } = scratch;
        weights.resize(scores.len(), 0.0);
        groups.resize(scores.len().div_ceil(GROUP), 0.0);
        // Finite and above 0: neither 0 · ∞ for the best logit nor ∞ · 0 for one of -∞.
        let scale = (1.0 / temperature).clamp(f32::MIN_POSITIVE.into(), f32::MAX.into()) as f32;
        let total = exponentials(scores, scale, weights, groups);
        if !total.is_finite() {
            return Err(SampleError::NotADistribution);
        }
        let (top_k, top_p) = (top_k.filter(|&k| k < scores.len()), top_p.filter(|&p| p < 1.0));
        let min_p = min_p.filter(|&p| p > 0.0);
        if top_k.is_none() && top_p.is_none() && min_p.is_none() {
            return Ok(total);
        }
        if let Some(k) = top_k {
            keep_top_k(scores, weights, k, ranked);
        }
        if let Some(p) = top_p {
            keep_top_p(weights, p, masses, order);
        }
        if let Some(p) = min_p {
            // The best token's weight is 1: a share of the best one's probability is the weight itself.
            weights.iter_mut().filter(|weight| f64::from(**weight) < p).for_each(|weight| *weight = 0.0);
        }
        for (group, weights) in groups.iter_mut().zip(weights.chunks(GROUP)) {
            *group = weights.iter().sum();
        }
        Ok(groups.iter().map(|&group| f64::from(group)).sum())
    }
}

/// Divides the positive and multiplies the negative scores of the tokens that the input holds, each once (Keskar et al. 2019,
/// arXiv 1909.05858, as Hugging Face does it: with the token that the document begins after, which is also its end).
fn penalise<'a>(scores: &mut [f32], held: impl IntoIterator<Item = &'a u32>, penalty: f32, seen: &mut Vec<u64>) {
    seen.clear();
    seen.resize(scores.len().div_ceil(64), 0);
    for &token in held {
        let score = &mut scores[token as usize];
        let (word, bit) = (&mut seen[token as usize / 64], 1 << (token % 64));
        if *word & bit == 0 {
            *word |= bit;
            *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
        }
    }
}

/// The first of the largest scores.
fn largest(scores: &[f32]) -> Result<u32, SampleError> {
    let mut best = (f32::NEG_INFINITY, 0);
    for (token, &score) in scores.iter().enumerate() {
        if score.is_nan() {
            return Err(SampleError::NotADistribution);
        }
        if score > best.0 {
            best = (score, token as u32);
        }
    }
    if best.0.is_finite() { Ok(best.1) } else { Err(SampleError::NotADistribution) }
}

/// Zero weight for all scores below the `k`-th largest. Those that equal it stay, so there may be more than `k`.
fn keep_top_k(scores: &[f32], weights: &mut [f32], k: usize, ranked: &mut Vec<f32>) {
    ranked.clear();
    ranked.extend_from_slice(scores);
    let (_, &mut least, _) = ranked.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    weights.iter_mut().zip(scores).filter(|&(_, &score)| score < least).for_each(|(weight, _)| *weight = 0.0);
}

/// Zero weight for all but the fewest tokens whose mass reaches `p`, at least one. Among equals, the earlier in the
/// vocabulary stay (Holtzman et al. 2020, arXiv 1904.09751).
///
/// Only tokens near the cut are sorted: the masses of weights that agree in their leading bits are added up first.
fn keep_top_p(weights: &mut [f32], p: f64, masses: &mut Vec<f64>, order: &mut Vec<u32>) {
    let bucket = |weight: f32| (weight.to_bits() >> BUCKET_SHIFT) as usize;
    masses.clear();
    masses.resize(bucket(1.0) + 1, 0.0);
    for &weight in &*weights {
        masses[bucket(weight)] += f64::from(weight);
    }
    let target = p * masses.iter().rev().sum::<f64>();
    let mut mass = 0.0;
    let reached = |&bucket: &usize| {
        mass += masses[bucket];
        mass >= target
    };
    let cut = (0..masses.len()).rev().find(reached).expect("p is at most 1 and the sums have one order");
    let mut mass: f64 = masses[cut + 1..].iter().rev().sum();

    order.clear();
    order.extend((0..weights.len() as u32).filter(|&token| bucket(weights[token as usize]) == cut));
    order.sort_unstable_by(|&a, &b| weights[b as usize].total_cmp(&weights[a as usize]).then(a.cmp(&b)));
    let reached = |&token: &u32| {
        mass += f64::from(weights[token as usize]);
        mass >= target
    };
    // Sums in another order may miss the target by a rounding.
    let last = order.iter().copied().find(reached).unwrap_or(order[order.len() - 1]);
    let least = weights[last as usize];
    for (token, weight) in weights.iter_mut().enumerate() {
        if *weight < least || (*weight == least && token > last as usize) {
            *weight = 0.0;
        }
    }
}

/// The first token whose cumulative weight exceeds `target`, and the weight before it.
fn invert(weights: &[f32], groups: &[f32], target: f64) -> (u32, f64) {
    let mut before = 0.0;
    for (index, &group) in groups.iter().enumerate() {
        let after = before + f64::from(group);
        if after > target {
            let start = index * GROUP;
            let mut last = (start, before);
            for (token, &weight) in weights[start..].iter().take(GROUP).enumerate() {
                if weight > 0.0 {
                    last = (start + token, before);
                    before += f64::from(weight);
                    if before > target {
                        break;
                    }
                }
            }
            // A group's sum is rounded apart from its tokens': its last token stands for the difference.
            return (last.0 as u32, last.1);
        }
        before = after;
    }
    // `u * total` was rounded up to the total.
    let last = weights.iter().rposition(|&weight| weight > 0.0).expect("some token has weight");
    (last as u32, before - f64::from(weights[last]))
}

#[cfg(test)]
mod tests;
