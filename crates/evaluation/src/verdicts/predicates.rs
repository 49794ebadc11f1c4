//! The eight predicates, each of one arm up to one generation. An error says which rows are missing.

use std::collections::{BTreeMap, BTreeSet};

use super::observations::{Key, Seeds, together};
use super::{Arm, Definition, Found, Observations, Thresholds};
use crate::Dimension::{Band, Order, Part, Reference, Sample};
use crate::{Dimensions, metric, statistics};

pub(super) const LOSS: Key = Key::plain(&metric::TEST_LOSS);
const UNIGRAM: Key = Key::plain(&metric::UNIGRAM_LOSS);
const EXCESS: Key = Key::plain(&metric::EXCESS);
/// Of learners that have one.
const LOG_VARIANCE: Key = Key::plain(&metric::LOG_VARIANCE);
const VARIANCE: Key = Key::plain(&metric::VARIANCE);
/// What stands beside human text: the generated text's rows, and the reference's.
const HILL: [Key; 2] = [
    Key { metric: &metric::HILL, dimensions: &Dimensions::of(&[(Sample, "equal"), (Order, "1")]) },
    Key {
        metric: &metric::HILL,
        dimensions: &Dimensions::of(&[(Reference, "human"), (Sample, "equal"), (Order, "1")]),
    },
];
const ENTROPY: [Key; 2] = [
    Key { metric: &metric::UNIGRAM_ENTROPY, dimensions: &Dimensions::of(&[(Sample, "equal")]) },
    Key { metric: &metric::UNIGRAM_ENTROPY, dimensions: &Dimensions::of(&[(Reference, "human"), (Sample, "equal")]) },
];
const RARE: [Key; 2] = [
    Key { metric: &metric::COVERAGE, dimensions: &Dimensions::of(&[(Sample, "equal"), (Order, "1"), (Band, "rare")]) },
    Key {
        metric: &metric::COVERAGE,
        dimensions: &Dimensions::of(&[(Reference, "human"), (Sample, "equal"), (Order, "1"), (Band, "rare")]),
    },
];
const MIXED: [Key; 2] = [
    Key::plain(&metric::ENTANGLED),
    Key { metric: &metric::ENTANGLED, dimensions: &Dimensions::of(&[(Reference, "expected")]) },
];
/// Judgements of sentences that no human text of a world holds.
const INVENTED: [Key; 3] = [
    Key { metric: &metric::SENTENCES, dimensions: &Dimensions::of(&[(Part, "invented")]) },
    Key { metric: &metric::SENTENCES, dimensions: &Dimensions::of(&[(Part, "false")]) },
    Key { metric: &metric::SENTENCES, dimensions: &Dimensions::of(&[(Part, "ungrammatical")]) },
];

/// What a predicate needs to see.
pub(super) struct Case<'a> {
    pub(super) rows: &'a Observations,
    pub(super) arms: &'a [Arm],
    pub(super) limits: &'a Thresholds,
}

type Outcome = Result<Found, String>;

impl Case<'_> {
    /// What a definition finds in an arm up to `generation`.
    pub(super) fn find(&self, definition: Definition, arm: &Arm, generation: u32) -> Outcome {
        match definition {
            Definition::CatastrophicIncrease => self.catastrophic(arm, generation),
            Definition::AnyIncrease => self.any_increase(arm, generation),
            Definition::DivergingRisk => self.diverging(arm, generation),
            Definition::ChangedScaling => self.scaling(arm, generation),
            Definition::CollapsingVariance => self.variance(arm, generation),
            Definition::EntangledModes => self.modes(arm, generation),
            Definition::LostTail => self.tail(arm, generation),
            Definition::InventedData => self.invented(arm, generation),
        }
    }

    fn found(&self, seeds: Seeds, threshold: f64, above: bool, shown: impl Fn(f64) -> f64, missing: &str) -> Outcome {
        let sample = statistics::Sample::of(seeds.into_values()).ok_or_else(|| missing.to_owned())?;
        Ok(Found::of(sample, threshold, above, self.limits.confidence, shown))
    }

    /// Δ by seed: loss less the control's.
    fn damage(&self, arm: &Arm, generation: u32) -> Result<Seeds, String> {
        let control = arm.control.as_ref().ok_or("needs a control that refits human text")?;
        let [own, refit] = [&arm.name, control].map(|name| self.rows.seeds(name, LOSS, generation));
        let damage = together(&own, &refit, |own, refit| own - refit);
        if damage.is_empty() { Err("needs test loss of the arm and its control".to_owned()) } else { Ok(damage) }
    }

    fn catastrophic(&self, arm: &Arm, generation: u32) -> Outcome {
        let damage = self.damage(arm, generation)?;
        let first = self.rows.seeds(&arm.name, LOSS, 0);
        let unigram = self.rows.seeds(&arm.name, UNIGRAM, 0);
        let mut learnt = together(&unigram, &first, |unigram, first| unigram - first);
        learnt.retain(|_, learnt| *learnt > 0.0);
        let lost = together(&damage, &learnt, |damage, learnt| damage / learnt);
        self.found(
            lost,
            self.limits.catastrophic,
            true,
            |x| x,
            "needs the unigram model's test loss (test, unigram-loss)",
        )
    }

    fn any_increase(&self, arm: &Arm, generation: u32) -> Outcome {
        self.found(self.damage(arm, generation)?, self.limits.increase, true, |x| x, "")
    }

    /// Both slopes are least squares of Δ over half of the generations. That the ratio of two means is above a number is
    /// tested as Fieller does, by the sign of their contrast, which needs no division. Both claims must hold, so the
    /// larger p counts; either refutes it, at twice the smaller.
    fn diverging(&self, arm: &Arm, generation: u32) -> Outcome {
        let wanted = self.limits.generations;
        if generation < wanted {
            return Err(format!("needs {wanted} generations after the first"));
        }
        self.damage(arm, generation)?;
        let half = generation / 2;
        let early = self.slopes(0..=half, |g| self.damage(arm, g).unwrap_or_default());
        let late = self.slopes(generation - half..=generation, |g| self.damage(arm, g).unwrap_or_default());
        let contrast = together(&late, &early, |late, early| late - self.limits.slope_ratio * early);
        let missing = || "needs test loss in all generations".to_owned();
        let late_slope =
            statistics::Sample::of(together(&late, &early, |late, _| late).into_values()).ok_or_else(missing)?;
        let early_slope =
            statistics::Sample::of(together(&early, &late, |early, _| early).into_values()).ok_or_else(missing)?;
        let contrast = statistics::Sample::of(contrast.into_values()).ok_or_else(missing)?;
        let (low, high) = contrast.bounds(self.limits.confidence);
        let ratio = |contrast: f64| contrast / early_slope.mean + self.limits.slope_ratio;
        Ok(Found {
            seeds: contrast.n,
            statistic: ratio(contrast.mean),
            // The contrast's bounds in units of the early slope.
            bounds: (ratio(low).min(ratio(high)), ratio(low).max(ratio(high))),
            threshold: self.limits.slope_ratio,
            above: true,
            yes: contrast.above(0.0).max(late_slope.above(0.0)),
            no: (2.0 * contrast.below(0.0).min(late_slope.below(0.0))).min(1.0),
        })
    }

    /// The slope of each seed's values over generations, of seeds that have all of them.
    fn slopes(&self, generations: std::ops::RangeInclusive<u32>, of: impl Fn(u32) -> Seeds) -> Seeds {
        let mut points: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
        let wanted = generations.clone().count();
        for generation in generations {
            for (seed, value) in of(generation) {
                points.entry(seed).or_default().push((f64::from(generation), value));
            }
        }
        let whole = points.into_iter().filter(|(_, points)| points.len() == wanted);
        whole.filter_map(|(seed, points)| Some((seed, slope(&points)?))).collect()
    }

    fn scaling(&self, arm: &Arm, generation: u32) -> Outcome {
        let wanted = self.limits.budgets;
        let missing = || format!("needs {wanted} budgets, each with its control");
        let (series, _) = arm.budget.as_ref().ok_or_else(missing)?;
        let of_series =
            |other: &&Arm| other.control.is_some() && other.budget.as_ref().is_some_and(|(name, _)| name == series);
        let arms: Vec<(f64, &Arm)> =
            self.arms.iter().filter(of_series).filter_map(|arm| Some((arm.budget.as_ref()?.1, arm))).collect();
        let budgets: BTreeSet<u64> = arms.iter().map(|(budget, _)| budget.to_bits()).collect();
        if budgets.len() < wanted || arm.control.is_none() {
            return Err(missing());
        }
        // By seed, log budget with log excess: of the arms and of their controls.
        let points = |name: &dyn Fn(&Arm) -> String| {
            let mut points: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
            for (budget, arm) in &arms {
                for (seed, excess) in self.rows.seeds(&name(arm), EXCESS, generation) {
                    let of_seed = points.entry(seed).or_default();
                    of_seed.extend((excess > 0.0).then(|| (budget.ln(), excess.ln())));
                }
            }
            let whole = points.into_iter().filter(|(_, points)| points.len() == arms.len());
            whole.filter_map(|(seed, points)| Some((seed, slope(&points)?))).collect::<Seeds>()
        };
        let own = points(&|arm| arm.name.clone());
        let refit = points(&|arm| arm.control.clone().unwrap_or_default());
        let flatter = together(&own, &refit, |own, refit| own - refit);
        self.found(flatter, 0.0, true, |x| x, "needs the excess over a known floor (test, excess), above zero")
    }

    fn variance(&self, arm: &Arm, generation: u32) -> Outcome {
        let log = |g| {
            let known = self.rows.seeds(&arm.name, LOG_VARIANCE, g);
            let plain =
                || self.rows.seeds(&arm.name, VARIANCE, g).into_iter().map(|(seed, v)| (seed, v.ln())).collect();
            if known.is_empty() { plain() } else { known }
        };
        if !log(generation).is_empty() {
            let slopes = self.slopes(0..=generation, log);
            return self.found(slopes, 0.0, false, |x| x, "needs the variance in two generations");
        }
        // Hill's number of order 1 is the exponential of the entropy (Hill 1973).
        let both = |keys: [Key; 2]| keys.map(|key| self.rows.seeds(&arm.name, key, generation));
        let [own, human] = both(HILL);
        let mut log_ratio = together(&own, &human, |own, human| (own / human).ln());
        if log_ratio.is_empty() {
            let [own, human] = both(ENTROPY);
            log_ratio = together(&own, &human, |own, human| own - human);
        }
        let missing = "needs Hill-1 or entropy beside human text's at equal size (generated, hill or unigram-entropy)";
        self.found(log_ratio, self.limits.hill.ln(), false, f64::exp, missing)
    }

    fn modes(&self, arm: &Arm, generation: u32) -> Outcome {
        let [own, human] = MIXED.map(|key| self.rows.seeds(&arm.name, key, generation));
        let mean = statistics::Sample::of(together(&human, &own, |human, _| human).into_values());
        let over = together(&own, &human, |own, human| own - self.limits.mixing * human);
        // Shown as a share beside the share that it is held against.
        let threshold = self.limits.mixing * mean.map_or(0.0, |sample| sample.mean);
        self.found(
            over,
            0.0,
            true,
            |x| x + threshold,
            "needs documents whose facts nobody has together (generated, entangled)",
        )
    }

    fn tail(&self, arm: &Arm, generation: u32) -> Outcome {
        let missing = "needs coverage by frequency beside a reference sample's (generated, coverage or facts)";
        let words = || {
            let [own, human] = RARE.map(|key| self.rows.seeds(&arm.name, key, generation));
            together(&own, &human, |own, human| own / human)
        };
        let ratio = self.facts(arm, generation).unwrap_or_else(words);
        self.found(ratio, self.limits.coverage, false, |x| x, missing)
    }

    /// Of a world's facts, those of the rarest decade of which a reference sample holds enough: how many still occur, over
    /// how many would in a reference sample of as many documents.
    fn facts(&self, arm: &Arm, generation: u32) -> Option<Seeds> {
        let facts = &metric::FACTS;
        let band = |dimensions: &Dimensions| {
            let band = dimensions.get(Band)?;
            Some((band.parse::<f64>().ok()?, band.to_owned()))
        };
        let mut bands: Vec<(f64, String)> = self.rows.dimensions(&arm.name, facts).filter_map(band).collect();
        bands.sort_by(|a, b| a.0.total_cmp(&b.0));
        bands.dedup();
        bands.into_iter().find_map(|(_, band)| {
            let dimensions = Dimensions::NONE.with(Band, band);
            let expected = dimensions.clone().with(Reference, "expected");
            let expected = self.rows.seeds_of(&arm.name, facts, &expected, generation);
            let enough = !expected.is_empty() && expected.values().all(|&n| n >= self.limits.expected);
            let present = self.rows.seeds_of(&arm.name, facts, &dimensions, generation);
            enough.then(|| together(&present, &expected, |present, expected| present / expected))
        })
    }

    fn invented(&self, arm: &Arm, generation: u32) -> Outcome {
        let sum = |generation| {
            let shares = INVENTED.map(|key| self.rows.seeds(&arm.name, key, generation));
            let [a, b, c] = &shares;
            together(&together(a, b, |a, b| a + b), c, |sum, c| sum + c)
        };
        let more = together(&sum(generation), &sum(0), |now, first| now - first);
        self.found(more, self.limits.invented, true, |x| x, "needs a world whose truth is known")
    }
}

/// The least squares slope of points; none of fewer than two places.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / n, sum.1 + point.1 / n));
    let squares: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let products: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (squares > 0.0).then(|| products / squares).filter(|slope| slope.is_finite())
}
