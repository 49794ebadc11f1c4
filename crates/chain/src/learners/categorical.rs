//! The categorical learner: relative frequencies over K types, a document being one draw.
//!
//! It is the Wright-Fisher model of population genetics, and the unigram model of language: what it loses, it loses to
//! sampling alone, for maximum likelihood on counts makes no other error. A [`Sampling`] acts on the exact frequencies
//! before the model writes.

use std::convert::Infallible;

use sampling::Sampling;
use streams::{Stream, Streams};

use super::{Family, Independent, Weighted};
use crate::Entry;

/// The categorical learner. Its model is the vector of K relative frequencies.
pub type Categorical = Independent<Categories>;

/// Distributions over K types, by maximum likelihood.
#[derive(Clone, Copy, Debug)]
pub struct Categories {
    /// Number of types.
    pub types: usize,
    /// How it writes.
    pub sampling: Sampling,
}

impl Categorical {
    /// A learner and `draws` human documents drawn from `truth`, each of size 1. Their list serves as the human set, or
    /// as a corpus from which a seed's human set is taken.
    ///
    /// # Panics
    /// If `truth` is empty.
    pub fn with_human_draws(truth: &[f64], draws: usize, streams: Streams) -> (Self, Vec<Entry>) {
        let family = Categories { types: truth.len(), sampling: Sampling::default() };
        Self::new(family, streams, |stream| Categories::draw(truth, draws, stream))
    }
}

impl Categories {
    /// Independent draws by the inverse distribution function, in the order of the types.
    ///
    /// # Panics
    /// If no type has mass.
    pub fn draw(probabilities: &[f64], draws: usize, stream: &mut Stream) -> Vec<usize> {
        let mut sum = 0.0;
        let edges: Vec<f64> = probabilities
            .iter()
            .map(|p| {
                sum += p;
                sum
            })
            .collect();
        // Rounding can leave the last edge below one; the last type that has mass takes the rest.
        let last = probabilities.iter().rposition(|&p| p > 0.0).expect("some type has mass");
        (0..draws)
            .map(|_| {
                let u = stream.uniform();
                edges.partition_point(|&edge| edge <= u).min(last)
            })
            .collect()
    }
}

impl Family for Categories {
    type Draw = usize;
    type Model = Vec<f64>;
    type Error = Infallible;

    fn fit(&self, draws: &[Weighted<'_, usize>], _: &mut Stream) -> Result<Vec<f64>, Infallible> {
        let (mut counts, mut total) = (vec![0.0; self.types], 0.0);
        for &(&kind, weight) in draws {
            counts[kind] += weight;
            total += weight;
        }
        Ok(counts.into_iter().map(|count| count / total).collect())
    }

    fn write(&self, model: &Vec<f64>, count: usize, stream: &mut Stream) -> Vec<usize> {
        if self.sampling.is_plain() {
            return Self::draw(model, count, stream);
        }
        let mut probabilities = model.clone();
        self.sampling.apply(&mut probabilities);
        Self::draw(&probabilities, count, stream)
    }
}
