//! Named random streams: every draw of an experiment comes from one of these.
//!
//! A stream is ChaCha8 keyed by SHA-256 of `(seed, purpose, generation, item)`. Two things follow. Nothing depends on the
//! order in which work happens to be done, so threads, jobs and resumed runs see the same draws; and the arms of one seed
//! share their streams (an arm is not part of the key), so they differ only in what the arm itself changes, which makes
//! differences between arms paired.
//!
//! ```
//! use streams::{Purpose, Streams};
//!
//! let streams = Streams::new(7);
//! let mut first = streams.stream(Purpose::Decoding, 3, 41);
//! let mut again = streams.stream(Purpose::Decoding, 3, 41);
//! assert_eq!(first.uniform(), again.uniform());
//! ```

use rand::SeedableRng;
use rand::rand_core::Rng;
use rand::rngs::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// What a stream is drawn for. The name is hashed into the key: renaming a variant changes every result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Initial weights; the item is [`item_of_name`] of the tensor's Hugging Face name.
    Initialisation,
    /// Order of the training windows; the item is the epoch.
    Order,
    /// Sampling of text; the item is the document's index, the n-th draw belongs to its n-th position.
    Decoding,
    /// Which human documents a seed works with.
    Subset,
    /// Which documents a recipe draws; the item numbers the source.
    Recipe,
    /// Which documents of a training set are held out from it, to measure the loss on its own mixture; the item is 0.
    HeldOut,
    /// Which documents a phrase is planted in; the item is 0.
    Plant,
    /// Which documents become prompts; the item is the document's index.
    Prompt,
    /// Draws of a learner that is simple enough to solve; the item is the learner's own.
    Learner,
    /// Human text of a known language, which an exact learner learns from; the item is 0.
    HumanText,
    /// Draws that a metric takes (subsamples of equal size); the item is the metric's own.
    Evaluation,
    /// Draws of a defence about one document (a label that errs, a resampling); the item is [`item_of_name`] of both.
    Curation,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Initialisation => "initialisation",
            Self::Order => "order",
            Self::Decoding => "decoding",
            Self::Subset => "subset",
            Self::Recipe => "recipe",
            Self::HeldOut => "held-out",
            Self::Plant => "plant",
            Self::Prompt => "prompt",
            Self::Learner => "learner",
            Self::HumanText => "human-text",
            Self::Evaluation => "evaluation",
            Self::Curation => "curation",
        }
    }
}

/// All streams of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed that keys these streams.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream for `purpose` in `generation`, for one `item` of it.
    pub fn stream(&self, purpose: Purpose, generation: u32, item: u64) -> Stream {
        let mut key = Sha256::new();
        key.update(b"habsburg-stream-1\0");
        key.update(self.seed.to_le_bytes());
        key.update(purpose.name().as_bytes());
        key.update([0]);
        key.update(generation.to_le_bytes());
        key.update(item.to_le_bytes());
        Stream { rng: ChaCha8Rng::from_seed(key.finalize().into()), spare: None }
    }
}

/// A stable item number for a name: the first eight bytes of its SHA-256, little endian.
pub fn item_of_name(name: &str) -> u64 {
    let hash = Sha256::digest(name.as_bytes());
    u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes"))
}

/// One stream of draws. The derived draws are spelled out here, and not borrowed from a distributions library, so that
/// an update of that library cannot change results.
#[derive(Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
    /// The second value of the last Box-Muller pair.
    spare: Option<f64>,
}

impl Stream {
    /// Sixty-four uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..n`, without bias (Lemire 2019, "Fast random integer generation in an interval").
    ///
    /// # Panics
    /// If `n` is zero.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "nothing can be drawn from an empty range");
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            let low = product as u64;
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(value) = self.spare.take() {
            return value;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Shuffles in place (Fisher and Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// The numbers `0..n` in a random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_matters() {
        let base = Streams::new(1).stream(Purpose::Order, 2, 3).bits();
        assert_ne!(base, Streams::new(2).stream(Purpose::Order, 2, 3).bits());
        assert_ne!(base, Streams::new(1).stream(Purpose::Recipe, 2, 3).bits());
        assert_ne!(base, Streams::new(1).stream(Purpose::Order, 3, 3).bits());
        assert_ne!(base, Streams::new(1).stream(Purpose::Order, 2, 4).bits());
        assert_eq!(base, Streams::new(1).stream(Purpose::Order, 2, 3).bits());
    }

    #[test]
    fn below_is_uniform() {
        // Chi-square with 6 degrees of freedom: 22.46 is the 99.9 % point.
        let mut stream = Streams::new(5).stream(Purpose::Learner, 0, 0);
        let (draws, mut counts) = (70_000u32, [0u32; 7]);
        (0..draws).for_each(|_| counts[stream.below(7) as usize] += 1);
        let expected = f64::from(draws) / 7.0;
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(chi < 22.46, "chi-square {chi}");
    }

    #[test]
    fn normal_has_its_moments() {
        let mut stream = Streams::new(5).stream(Purpose::Initialisation, 0, item_of_name("weight"));
        let n = 200_000;
        let (mut mean, mut square, mut fourth) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let x = stream.normal();
            mean += x;
            square += x * x;
            fourth += x.powi(4);
        }
        let n = f64::from(n);
        // Five standard errors: 1/√n, √2/√n, √96/√n.
        assert!((mean / n).abs() < 5.0 / n.sqrt());
        assert!((square / n - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!((fourth / n - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
    }

    #[test]
    fn permutation_holds_every_number_once() {
        let mut order = Streams::new(9).stream(Purpose::Order, 0, 0).permutation(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }

    /// The draws are part of the format: a run of an older build must resume to the same result.
    #[test]
    fn draws_are_frozen() {
        let mut stream = Streams::new(0).stream(Purpose::Decoding, 0, 0);
        assert_eq!(stream.bits(), FROZEN);
    }
    const FROZEN: u64 = 2_613_175_451_558_681_364;
}
