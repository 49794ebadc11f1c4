//! The sentences of a run: which topics, in which order.
//!
//! A run's forms do not depend on its person. Its first form is drawn from the openings; each later one, in proportion to
//! its weight, from the forms without a name whose topic the run has not used. How many sentences it has is drawn apart.
//! So everything about a run is a sum over sets of used topics: `level[k]` holds the probability of each set after `k`
//! sentences, of runs that go on as long as any does.

use std::collections::BTreeMap;

use crate::table::entropy;
use crate::world::World;

/// Sums over the forms of a run.
pub(crate) struct Run<'a> {
    world: &'a World,
    /// After 1, 2, ... sentences: the topics used (a bit each) and how probable that is.
    levels: Vec<BTreeMap<u64, f64>>,
}

impl<'a> Run<'a> {
    pub(crate) fn of(world: &'a World) -> Self {
        Self { world, levels: levels(world, &vec![1.0; world.forms.len()]) }
    }

    /// Steps from one set of topics to another that each sum goes through.
    pub(crate) fn states(&self) -> usize {
        self.levels.iter().map(|level| level.len() * self.world.following.len().max(1)).sum()
    }

    /// The expected number of times that each form is in a run.
    pub(crate) fn expected(&self) -> Vec<f64> {
        let world = self.world;
        let mut expected = vec![0.0; world.forms.len()];
        for (&form, p) in world.openings.iter().zip(world.opening.p()) {
            expected[form] += p;
        }
        for (level, alive) in self.continued() {
            for (&used, p) in level {
                let per_weight = alive * p / world.unused_weight(used);
                let unused = world.following.iter().enumerate().filter(|(topic, _)| used >> topic & 1 == 0);
                for &form in unused.flat_map(|(_, following)| &following.forms) {
                    expected[form] += per_weight * world.forms[form].weight;
                }
            }
        }
        expected
    }

    /// Entropy of the choice of forms in a run, in nats, given how many there are.
    pub(crate) fn entropy(&self) -> f64 {
        let world = self.world;
        let mut sum = world.opening.entropy();
        for (level, alive) in self.continued() {
            for (&used, p) in level {
                let total = world.unused_weight(used);
                let unused = world.following.iter().enumerate().filter(|(topic, _)| used >> topic & 1 == 0);
                let forms = unused.flat_map(|(_, following)| &following.forms);
                let shares: Vec<f64> = forms.map(|&form| world.forms[form].weight / total).collect();
                sum += alive * p * entropy(&shares);
            }
        }
        sum
    }

    /// The states from which a run goes on: the sets after k sentences, with P(a run has more than k).
    fn continued(&self) -> impl Iterator<Item = (&BTreeMap<u64, f64>, f64)> {
        self.levels.iter().zip(1..).map(|(level, k)| (level, self.world.sentences.tail(k)))
    }

    /// The probability that something is in no sentence of a run, `avoids` giving for each form the probability that it
    /// is not in a sentence of this form.
    pub(crate) fn without(&self, avoids: &[f64]) -> f64 {
        let levels = levels(self.world, avoids);
        levels.iter().zip(self.world.sentences.p()).map(|(level, p)| p * level.values().sum::<f64>()).sum()
    }
}

/// The sets of used topics after 1, 2, ... sentences, each form counting by its factor.
fn levels(world: &World, factors: &[f64]) -> Vec<BTreeMap<u64, f64>> {
    let mut first = BTreeMap::new();
    for (&form, p) in world.openings.iter().zip(world.opening.p()) {
        *first.entry(1 << world.forms[form].topic).or_insert(0.0) += p * factors[form];
    }
    let following: Vec<f64> = (world.following.iter())
        .map(|following| following.forms.iter().map(|&form| world.forms[form].weight * factors[form]).sum())
        .collect();
    let mut levels = vec![first];
    for _ in 0..world.sentences.last() {
        let mut next = BTreeMap::new();
        for (&used, p) in &levels[levels.len() - 1] {
            let per_weight = p / world.unused_weight(used);
            for (topic, weight) in following.iter().enumerate() {
                if used >> topic & 1 == 0 && world.following[topic].table.is_some() {
                    *next.entry(used | 1 << topic).or_insert(0.0) += per_weight * weight;
                }
            }
        }
        levels.push(next);
    }
    levels
}
