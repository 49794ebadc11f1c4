//! The ranking of arms: by their loss on human test data, each compared with a control of its own.
//!
//! *Definition.* An arm's value on a seed is the mean over generations 1 to K of its test loss. Arms are ranked by the mean
//! over seeds of that, the lowest first. An arm is compared with the base (the loop without a defence) by the differences of
//! their seeds, with Student's t; the p values of all arms are Holm's. With N the arm less its own control and D the base less
//! its control, the recovery is 1 − N/D: 0 is as bad as no defence, 1 is as good as the same training on human data.
//!
//! The interval of N/D is Fieller's (1954), so that D's own scatter counts: all θ for which the mean of N − θD is within
//! t(0.975, n−1) standard errors of zero. Where D itself is not above zero at that level the set has no end, and there is no
//! interval. Nor is there one where N is zero or D in every seed, which is so by construction.
//!
//! *Trap.* A control from scratch is no control of an arm that begins with trained weights: what these are worth on human data
//! would count as recovery. And a recovery says nothing of its price in human tokens.

use crate::statistics::{Interval, Sample, Scale, holm};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::collections::BTreeMap;

/// Fewest seeds of an interval.
const SEEDS: usize = 3;

/// An arm that is ranked.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Its name.
    pub name: String,
    /// The arm that is its control: the same training on human data.
    pub control: String,
    /// Its value by seed: the mean test loss of generations 1 to K, in nats a token.
    pub losses: BTreeMap<u64, f64>,
}

/// An arm in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// Its control's name.
    pub control: String,
    /// Its value, the mean over seeds.
    pub loss: Interval,
    /// The arm less the base, seed by seed; none of the base itself.
    pub difference: Option<Difference>,
    /// The recovery; none without a control, or if the base does no damage.
    pub recovery: Option<Ratio>,
}

/// A paired difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Its mean over seeds.
    pub mean: f64,
    /// The 95 % interval; none of fewer than three seeds.
    pub bounds: Option<(f64, f64)>,
    /// Two-sided p value, Holm's over all arms.
    pub p: f64,
}

/// A ratio of means of pairs, or one less such a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// How many seeds have both.
    pub seeds: usize,
    /// Its value.
    pub value: f64,
    /// The 95 % interval; none where there is none (see the file's head).
    pub bounds: Option<(f64, f64)>,
}

impl Ratio {
    /// One less the ratio.
    #[must_use]
    pub fn recovery(self) -> Self {
        Self { value: 1.0 - self.value, bounds: self.bounds.map(|(low, high)| (1.0 - high, 1.0 - low)), ..self }
    }
}

/// Ranks the arms, the lowest loss first; arms without a seed are left out. `base` is the loop without a defence.
pub fn rank(contenders: &[Contender], base: &str) -> Vec<Ranked> {
    let named = |name: &str| contenders.iter().find(|contender| contender.name == name);
    let Some(base) = named(base) else { return Vec::new() };
    let damage = named(&base.control).map(|control| less(&base.losses, &control.losses)).unwrap_or_default();
    let ranked = contenders.iter().filter_map(|arm| {
        let own = named(&arm.control).map(|control| less(&arm.losses, &control.losses));
        Some(Ranked {
            name: arm.name.clone(),
            control: arm.control.clone(),
            loss: Interval::of(arm.losses.values().copied(), Scale::Plain)?,
            difference: (arm.name != base.name).then(|| difference(&less(&arm.losses, &base.losses))).flatten(),
            recovery: own.and_then(|own| recovery(&own, &damage)),
        })
    });
    let mut ranked: Vec<Ranked> = ranked.collect();
    let p: Vec<f64> = ranked.iter().filter_map(|arm| Some(arm.difference?.p)).collect();
    let differences = ranked.iter_mut().filter_map(|arm| arm.difference.as_mut());
    differences.zip(holm(&p)).for_each(|(difference, p)| difference.p = p);
    ranked.sort_by(|a, b| a.loss.mean.total_cmp(&b.loss.mean));
    ranked
}

/// The differences of the seeds that both have.
fn less(a: &BTreeMap<u64, f64>, b: &BTreeMap<u64, f64>) -> BTreeMap<u64, f64> {
    a.iter().filter_map(|(seed, a)| Some((*seed, a - b.get(seed)?))).collect()
}

fn difference(differences: &BTreeMap<u64, f64>) -> Option<Difference> {
    let sample = Sample::of(differences.values().copied())?;
    let bounds = (sample.n >= SEEDS).then(|| sample.bounds(0.95));
    Some(Difference { mean: sample.mean, bounds, p: sample.p() })
}

fn recovery(own: &BTreeMap<u64, f64>, damage: &BTreeMap<u64, f64>) -> Option<Ratio> {
    let pairs: Vec<(f64, f64)> = own.iter().filter_map(|(seed, own)| Some((*own, *damage.get(seed)?))).collect();
    ratio(&pairs).map(Ratio::recovery)
}

/// The ratio of the means of pairs, numerator first, with Fieller's 95 % interval; none unless the mean of the denominators
/// is above zero.
///
/// ```
/// use evaluation::ranking::ratio;
///
/// let found = ratio(&[(1.0, 4.0), (2.0, 4.2), (3.0, 3.8)]).unwrap();
/// let (low, high) = found.bounds.unwrap();
/// assert!(found.value == 0.5 && low < 0.5 && high > 0.5);
/// ```
pub fn ratio(pairs: &[(f64, f64)]) -> Option<Ratio> {
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (top, bottom) = (mean(|pair| pair.0), mean(|pair| pair.1));
    if pairs.is_empty() || bottom.is_nan() || bottom <= 0.0 {
        return None;
    }
    let moment =
        |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|&(a, b)| of(a - top, b - bottom)).sum::<f64>() / (n - 1.0) / n;
    let is_given = pairs.iter().all(|(a, _)| *a == 0.0) || pairs.iter().all(|(a, b)| a == b);
    let bounds = (pairs.len() >= SEEDS && !is_given).then(|| {
        let t = StudentsT::new(0.0, 1.0, n - 1.0).expect("three pairs have degrees of freedom").inverse_cdf(0.975);
        let (tops, both, bottoms) = (moment(&|a, _| a * a), moment(&|a, b| a * b), moment(&|_, b| b * b));
        // aθ² − 2bθ + c ≤ 0.
        let a = bottom * bottom - t * t * bottoms;
        let b = top * bottom - t * t * both;
        let c = top * top - t * t * tops;
        let half = (b * b - a * c).max(0.0).sqrt();
        (a > 0.0).then(|| ((b - half) / a, (b + half) / a))
    });
    Some(Ratio { seeds: pairs.len(), value: top / bottom, bounds: bounds.flatten() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{Purpose, Stream, Streams};

    /// True losses of a planted leaderboard, with each arm's own control, in nats.
    const PLANTED: [(&str, &str, f64); 7] = [
        ("refit", "refit", 3.0),
        ("fresh", "refit", 3.0),
        ("start-refit", "start-refit", 2.7),
        ("start", "start-refit", 2.95),
        ("accumulate", "refit", 3.1),
        ("filter", "refit", 3.4),
        ("replace", "refit", 3.5),
    ];

    /// A run of `seeds` seeds: what a seed does to all arms, and what chance does to each.
    fn planted(stream: &mut Stream, seeds: u64, noise: f64) -> Vec<Contender> {
        let shared: Vec<f64> = (0..seeds).map(|_| 0.2 * stream.normal()).collect();
        let contender = |&(name, control, loss): &(&str, &str, f64)| Contender {
            name: name.to_owned(),
            control: control.to_owned(),
            losses: (0..seeds).map(|s| (s, loss + shared[s as usize] + noise * stream.normal())).collect(),
        };
        PLANTED.iter().map(contender).collect()
    }

    #[test]
    fn the_planted_order_is_found_and_controls_stand_at_one() {
        let mut stream = Streams::new(3).stream(Purpose::Evaluation, 0, 0);
        let ranked = rank(&planted(&mut stream, 5, 0.01), "replace");
        let names: Vec<&str> = ranked.iter().map(|arm| arm.name.as_str()).collect();
        assert_eq!(
            [names[0], names[1], names[4], names[5], names[6]],
            ["start-refit", "start", "accumulate", "filter", "replace"]
        );
        let of = |name: &str| ranked.iter().find(|arm| arm.name == name).unwrap();
        let recovery = |name: &str| of(name).recovery.unwrap();
        // Against scratch `start` would recover 1.1; against its own control it is 1 − 0.25/0.5.
        for (name, value) in [("fresh", 1.0), ("start", 0.5), ("accumulate", 0.8), ("filter", 0.2)] {
            assert!((recovery(name).value - value).abs() < 0.05, "{name}: {:?}", recovery(name));
            let (low, high) = recovery(name).bounds.unwrap();
            assert!(low < recovery(name).value && recovery(name).value < high);
        }
        // By construction: no interval.
        for (name, value) in [("refit", 1.0), ("start-refit", 1.0), ("replace", 0.0)] {
            assert_eq!(recovery(name), Ratio { seeds: 5, value, bounds: None }, "{name}");
        }
        assert!(of("replace").difference.is_none() && of("accumulate").difference.unwrap().p < 0.01);
    }

    /// Of 1,000 runs with a control as noisy as a sixth of the damage, 95 % of the intervals hold the truth (give or take three
    /// standard errors), and a claim about an arm that is the base in truth is made in 5 % of the runs at most.
    #[test]
    fn intervals_cover_what_they_say_with_a_noisy_control() {
        let (streams, runs) = (Streams::new(4), 1000);
        let mut covered = BTreeMap::<String, u32>::new();
        let mut false_alarms = 0;
        for run in 0..runs {
            let mut stream = streams.stream(Purpose::Evaluation, 0, run);
            let mut all = planted(&mut stream, 5, 0.08);
            let null = |name: &str, stream: &mut Stream| Contender {
                name: name.to_owned(),
                losses: all[6].losses.iter().map(|(s, loss)| (*s, loss + 0.08 * stream.normal())).collect(),
                control: "refit".to_owned(),
            };
            let nulls = ["null-a", "null-b", "null-c"].map(|name| null(name, &mut stream));
            all.extend(nulls);
            let ranked = rank(&all, "replace");
            for (name, value) in [("fresh", 1.0), ("start", 0.5), ("accumulate", 0.8), ("filter", 0.2)] {
                let recovery = ranked.iter().find(|arm| arm.name == name).unwrap().recovery.unwrap();
                let holds = recovery.bounds.is_none_or(|(low, high)| low <= value && value <= high);
                *covered.entry(name.to_owned()).or_default() += u32::from(holds);
            }
            let is_claimed = |arm: &Ranked| arm.name.starts_with("null") && arm.difference.unwrap().p < 0.05;
            false_alarms += u32::from(ranked.iter().any(is_claimed));
        }
        for (name, count) in covered {
            let share = f64::from(count) / runs as f64;
            assert!((share - 0.95).abs() < 3.0 * (0.95 * 0.05 / runs as f64).sqrt(), "{name}: {share}");
        }
        assert!(
            f64::from(false_alarms) / (runs as f64) < 0.05 + 3.0 * (0.05 * 0.95 / runs as f64).sqrt(),
            "{false_alarms}"
        );
    }

    #[test]
    fn a_damage_that_is_none_has_no_ratio_and_one_that_may_be_none_no_interval() {
        assert_eq!(ratio(&[]), None);
        assert_eq!(ratio(&[(0.1, -1.0), (0.2, 0.5)]), None);
        let found = ratio(&[(0.1, -1.0), (0.2, 0.5), (0.3, 2.0)]).unwrap();
        assert!((found.value - 0.4).abs() < 1e-12 && found.bounds.is_none());
        assert_eq!(ratio(&[(0.1, 1.0), (0.2, 1.0)]).unwrap().bounds, None);
        // A denominator that does not scatter: Student's interval of the numerator.
        let (low, high) = ratio(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]).unwrap().bounds.unwrap();
        let half = 4.302_652_73 / 3_f64.sqrt() / 2.0;
        assert!((low - (1.0 - half)).abs() < 1e-8 && (high - (1.0 + half)).abs() < 1e-8);
    }
}
