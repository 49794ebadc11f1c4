//! The scatter of refits: whether differences between the arms of a run can be told from chance.
//!
//! The control refits the same human text in every generation, so its test loss differs from generation to generation by
//! chance alone: by its initial weights and the order of its windows. Where that is more than a tenth of the damage of the
//! base, the loop without a defence, arms that differ by less than the damage can hardly be told apart.

use evaluation::metric::TEST_LOSS;
use experiment::Experiment;
use rundir::{Role, Row};
use std::collections::BTreeMap;

/// The share of the damage that the standard deviation may be.
const SHARE: f64 = 0.1;
/// Generations of the control from which on it has a standard deviation that says something.
const GENERATIONS: usize = 3;

/// Test loss by generation.
type Losses = BTreeMap<u32, f64>;

/// A seed whose refits scatter.
#[derive(Debug, PartialEq)]
struct Scatter {
    seed: u64,
    deviation: f64,
    /// The base's last test loss less the control's.
    damage: f64,
}

/// What is to be said of the scatter of a run's refits, in a sentence; none if it is small, or nobody can say.
pub(crate) fn note(experiment: &Experiment, rows: &[Row]) -> Option<String> {
    let roles = experiment.roles();
    let named = |role: Role| roles.iter().find(|arm| arm.role == role).map(|arm| arm.name.as_str());
    let (control, base) = (named(Role::Control)?, named(Role::Base)?);
    let last = experiment.chain.generations - 1;
    let seeds = experiment.chain.seeds.len();
    let found = scatters((&losses(rows, control), &losses(rows, base)), last);
    let worst = found.iter().max_by(|one, other| one.deviation.total_cmp(&other.deviation))?;
    Some(format!(
        "the refits of `{control}` scatter: within a seed its test loss has a standard deviation of up to {:.3} nats a token over \
         generations (seed {}; {} of {seeds} seeds), more than a tenth of the damage of `{base}` there ({:.3}), so small \
         differences between arms are chance: take more text (corpus.tokens), a lower train.learning_rate, or more seeds",
        worst.deviation,
        worst.seed,
        found.len(),
        worst.damage,
    ))
}

/// An arm's test losses by seed.
fn losses(rows: &[Row], arm: &str) -> BTreeMap<u64, Losses> {
    let is_loss = |row: &&Row| {
        let of = (row.arm.as_str(), row.set.as_str(), row.metric.as_str());
        of == (arm, TEST_LOSS.set.name(), TEST_LOSS.name) && row.dimensions.is_empty()
    };
    let mut losses = BTreeMap::<u64, Losses>::new();
    for row in rows.iter().filter(is_loss) {
        losses.entry(row.seed).or_default().insert(row.generation, row.value);
    }
    losses
}

fn scatters((control, base): (&BTreeMap<u64, Losses>, &BTreeMap<u64, Losses>), last: u32) -> Vec<Scatter> {
    let scatter = |(&seed, refits): (&u64, &Losses)| {
        let damage = base.get(&seed)?.get(&last)? - refits.get(&last)?;
        let deviation = deviation(refits)?;
        (deviation > SHARE * damage.max(0.0)).then_some(Scatter { seed, deviation, damage })
    };
    control.iter().filter_map(scatter).collect()
}

/// The standard deviation over generations; none of too few.
fn deviation(losses: &Losses) -> Option<f64> {
    let n = losses.len();
    let mean = losses.values().sum::<f64>() / n as f64;
    let squares: f64 = losses.values().map(|loss| (loss - mean).powi(2)).sum();
    (n >= GENERATIONS).then(|| (squares / (n - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::row;
    use evaluation::Measure;

    const FILE: &str = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n[chain]\ngenerations = 3\n\
        seeds = [0, 1]\n[[arm]]\nname = \"replace\"\n[[arm]]\nname = \"refit\"\nrecipe = \"human-refit\"\n";

    fn said(refits: [[f64; 3]; 2], last: [f64; 2]) -> Option<String> {
        let experiment = Experiment::parse(FILE, &[]).unwrap();
        let of = |arm: &'static str, seed: usize, generation: u32, loss| {
            row(("x", arm), seed as u64, generation, Measure::new(&TEST_LOSS, loss))
        };
        let control = (0..2).flat_map(|seed| (0..3).map(move |g| of("refit", seed, g, refits[seed][g as usize])));
        let base = (0..2).flat_map(|seed| {
            [(0, 1.0), (1, 9.0), (2, last[seed])].map(|(generation, loss)| of("replace", seed, generation, loss))
        });
        note(&experiment, &control.chain(base).collect::<Vec<_>>())
    }

    #[test]
    fn a_deviation_of_more_than_a_tenth_of_the_damage_is_told() {
        // A standard deviation of 0.1 beside damages of 1.2 and 0.8.
        let refits = [[3.9, 4.1, 4.0], [4.1, 3.9, 4.0]];
        let note = said(refits, [5.2, 4.8]).unwrap();
        assert!(note.contains("of `refit` scatter") && note.contains("up to 0.100"), "{note}");
        assert!(note.contains("(seed 1; 1 of 2 seeds)") && note.contains("of `replace` there (0.800)"), "{note}");
        assert_eq!(said(refits, [5.2, 5.2]), None);
        assert_eq!(said([[4.0; 3]; 2], [4.0, 3.9]), None, "no scatter");
        assert!(said(refits, [5.2, 3.9]).unwrap().contains("(-0.100)"), "no damage");
    }

    #[test]
    fn without_control_base_or_enough_generations_nobody_can_say() {
        let file = FILE.replace("human-refit", "accumulate");
        assert_eq!(note(&Experiment::parse(&file, &[]).unwrap(), &[]), None);
        assert_eq!(note(&Experiment::parse(FILE, &[]).unwrap(), &[]), None);
        assert_eq!(deviation(&Losses::from([(0, 1.0), (1, 2.0)])), None);
        assert_eq!(deviation(&Losses::from([(0, 1.0), (1, 2.0), (2, 3.0)])), Some(1.0));
    }
}
