//! What chance does: human text held against other human text.
//!
//! *Definition.* The human documents are split at random, sixty times, into two sets as large as those of the
//! audit, and compared in both directions. A statistic's deviation is its value over its root mean square in these
//! splits; a split's is the largest of all statistics. The threshold is the largest of the splits', each by the root mean
//! square of the *others*. The audit's is one more of the same, so it is above with a probability near 1 / (2 · splits + 1),
//! 0.8 %.
//!
//! *Trap.* All splits share their documents, so however many there are, a scale is known no better than that many runs of
//! documents say: the threshold is taken from the normal distribution to Student's of as many degrees of freedom.
//! `examples/alarms.rs` measures what comes of it.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use streams::Streams;

use super::statistics::{self, Least, Pool, STATISTICS, Values, Wrong};
use crate::draws::Draw;
use crate::metric::JENSEN_SHANNON;

/// How often the human text is split.
const SPLITS: u32 = 60;

/// The scale of each statistic, and the deviation that chance does not pass.
#[derive(Clone, Debug)]
pub(super) struct Calibration {
    squares: [f64; STATISTICS.len()],
    least: [f64; STATISTICS.len()],
    pub(super) splits: usize,
    pub(super) threshold: f64,
}

impl Calibration {
    /// From splits into sets of so many documents, compared at so many words.
    pub(super) fn of(pool: &Pool, documents: usize, words: usize, streams: &Streams) -> Self {
        let values: Vec<[Values; STATISTICS.len()]> = (0..SPLITS)
            .into_par_iter()
            .map_init(
                || pool.tables(),
                |tables, number| {
                    let split = pool.human(documents, &mut Draw::Splits.stream(streams, number));
                    tables.compare(&split, words)
                },
            )
            .collect();
        let splits: Vec<_> = values.iter().map(|split| split.map(Values::difference)).collect();
        let mut squares = [0.0; STATISTICS.len()];
        for split in &splits {
            squares.iter_mut().zip(split).for_each(|(sum, value)| *sum += value * value);
        }
        let least = std::array::from_fn(|index| match STATISTICS[index].least {
            Least::Documents(number) => number / documents as f64,
            Least::Share(share) => share,
            Least::Relative(share) => {
                let known = values.iter().map(|split| split[index].human.abs()).filter(|value| value.is_finite());
                (share * known.sum::<f64>() / f64::from(SPLITS)).max(1e-6)
            }
        });
        let mut calibration = Self { squares, least, splits: splits.len(), threshold: f64::INFINITY };
        let both = |split| [1.0, -1.0].map(|sign| calibration.largest(split, sign));
        let largest = splits.iter().flat_map(both).fold(0.0, f64::max);
        calibration.threshold = students(largest, 2 * documents / statistics::run(documents));
        calibration
    }

    /// The largest deviation of a split, which the scale leaves out; -1 exchanges its sides.
    fn largest(&self, split: &[f64; STATISTICS.len()], sign: f64) -> f64 {
        let deviation = |(index, &value): (usize, &f64)| {
            let others = (self.squares[index] - value * value).max(0.0) / (self.splits - 1) as f64;
            // Nothing changes for the divergence when its sides are exchanged.
            let sign = if *STATISTICS[index].metric == JENSEN_SHANNON { 1.0 } else { sign };
            self.wrong(index, sign * value, others)
        };
        split.iter().enumerate().map(deviation).fold(f64::NEG_INFINITY, f64::max)
    }

    /// How far a statistic is on its wrong side.
    pub(super) fn deviation(&self, index: usize, values: Values) -> f64 {
        self.wrong(index, values.difference(), self.square(index))
    }

    /// What a statistic's deviation is in its own unit.
    pub(super) fn scale(&self, index: usize) -> f64 {
        self.square(index).sqrt().max(self.least[index])
    }

    fn square(&self, index: usize) -> f64 {
        self.squares[index] / self.splits as f64
    }

    fn wrong(&self, index: usize, difference: f64, square: f64) -> f64 {
        let deviation = difference / square.sqrt().max(self.least[index]);
        match STATISTICS[index].wrong {
            Wrong::More => deviation,
            Wrong::Less => -deviation,
            Wrong::Either => deviation.abs(),
        }
    }
}

/// What Student's t passes as seldom as a normal deviate passes `normal`, where the scale comes from so many runs.
fn students(normal: f64, runs: usize) -> f64 {
    let above = Normal::standard().sf(normal);
    let t = StudentsT::new(0.0, 1.0, runs.saturating_sub(1).max(1) as f64).expect("the freedom is positive");
    // So far out neither function is exact any more, and nothing that is found is near.
    if above < 1e-9 { normal } else { -t.inverse_cdf(above) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn students_tail_is_longer() {
        // scipy.stats.t.isf(scipy.stats.norm.sf(3), 29)
        assert!((students(3.0, 30) - 3.280_426).abs() < 1e-5, "{}", students(3.0, 30));
        assert!((students(3.0, 1_000_000) - 3.0).abs() < 1e-4);
    }
}
