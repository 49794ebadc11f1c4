//! The leaderboard: how much of the damage of the loop without a defence each arm recovers, by one stated score.
//!
//! Four things are counted, where they were measured, all of the last generation: the loss on human test text; the tail
//! (rare facts of a world, else rare human words that are still generated); diversity, as the distance of the share of
//! distinct 2-grams from that of human text (in both directions: a loop can also generate too many kinds, which are errors);
//! over-represented n-grams.
//!
//! An arm's damage d is what exceeds the control, seed by seed; D is the mean damage of the base. The damage recovered in one
//! thing is 1 − d / D: 0 is as bad as no defence, 1 as good as the control, and more is better than it. The score is the mean
//! over the things that the base damages at 95 % (fewer than three seeds: at all). Each counts as −1 at the least and 1 at the
//! most, so that neither a single failure decides, nor a single thing in which the control itself is unlike human text.
//! Intervals are Student's t over seeds; D is taken as known.
//!
//! The trap: who wins depends on what is counted. So all four stand beside the score, with the human text that each arm was
//! given after generation 0, in training sets or implicitly: a score without that cost says nothing.
//!
//! The time of an arm is what its stages took to make by the wall clock, from the judging of what a generation is offered to
//! the last of its text, without measuring it. So the column depends on the machine, as nothing else here does. Each
//! generation counts in the seed in which it took least: other work of the machine can only add.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use evaluation::metric::{
    Damage, GENERATED_SUPERVISION, GENERATED_TOKENS, PROMPT_TOKENS, TOKENS_BY_ORIGIN, TRAINING_SUPERVISION,
};
use evaluation::statistics::{Interval, Sample, Scale};
use evaluation::{Dimension, Dimensions};
use maud::{Markup, html};
use rundir::{Role, StageKind};

use crate::data::{Chain, Data, Viewed};
use crate::key::Key;
use crate::markup;
use crate::quantity::{DISTINCT_PAIRS, OVER_REPRESENTED, Quantity, RARE_FACTS, RARE_WORDS, TEST_LOSS};
use crate::ticks::number;

/// What counts at the least and at the most of the damage recovered in one thing.
const COUNTED: RangeInclusive<f64> = -1.0..=1.0;
const CONFIDENCE: f64 = 0.95;
/// From so many seeds on a base's damage must be more than chance.
const SEEDS: usize = 3;

/// One thing that counts.
pub(crate) struct Counted {
    /// For people.
    pub(crate) title: &'static str,
    viewed: Viewed,
    damage: Damage,
    /// Its baseline; positive where damage is the distance from it.
    reference: f64,
    /// Damage of the base over the control.
    scale: f64,
    /// The control's damage, by seed.
    control: BTreeMap<u64, f64>,
}

/// One arm.
pub(crate) struct Line {
    pub(crate) arm: String,
    /// Mean over seeds of the damage recovered, all things together; none if no seed has them all.
    pub(crate) score: Option<Interval>,
    /// In the order of the things: the value as measured and the damage recovered.
    pub(crate) cells: Vec<(Option<Interval>, Option<Interval>)>,
    /// Human tokens in the training sets after generation 0, the mean over seeds.
    pub(crate) human_tokens: f64,
    /// Human tokens in the prompts of the text that those generations could read, the mean over seeds.
    pub(crate) prompt_tokens: f64,
    /// Implicit human supervision: ways other than these by which human text came in.
    pub(crate) supervision: Vec<String>,
    /// Tokens generated, as a multiple of the base's.
    pub(crate) generated: f64,
    /// Time of the generations after the first at the least, without measuring, as a multiple of the base's; none where seals
    /// do not say how long their stages took.
    pub(crate) time: Option<f64>,
}

/// The leaderboard, the best arm first.
pub(crate) struct Board {
    pub(crate) generation: u32,
    pub(crate) base: String,
    pub(crate) control: String,
    pub(crate) counted: Vec<Counted>,
    pub(crate) lines: Vec<Line>,
}

/// The arms that are compared, and in which generation.
#[derive(Clone, Copy)]
struct Pair<'a> {
    base: &'a str,
    control: &'a str,
    generation: u32,
}

impl Counted {
    /// None where it was not measured, or is not damaged by the base.
    fn of(data: &Data, quantity: &Quantity, pair: Pair) -> Option<Self> {
        let viewed = data.view(quantity)?;
        let damage = quantity.metric.damage.expect("what counts has a direction of damage");
        let reference = data.reference(&viewed).unwrap_or(0.0);
        if damage == Damage::Away && reference <= 0.0 {
            return None;
        }
        let (title, control) = (quantity.title, BTreeMap::new());
        let mut counted = Self { title, viewed, damage, reference, scale: 1.0, control };
        counted.control = counted.damages(data, pair.control, pair.generation).into_iter().collect();
        let base: Vec<f64> = counted.excesses(data, pair.base, pair.generation).into_values().collect();
        let sample = Sample::of(base.iter().copied())?;
        let damaged = match base.len() {
            0..SEEDS => base.iter().sum::<f64>() > 0.0,
            _ => sample.bounds(CONFIDENCE).0 > 0.0,
        };
        counted.scale = base.iter().sum::<f64>() / base.len() as f64;
        damaged.then_some(counted)
    }

    fn damages(&self, data: &Data, arm: &str, generation: u32) -> Vec<(u64, f64)> {
        let damage = |value: f64| match self.damage {
            Damage::More => value,
            Damage::Less => -value,
            Damage::Away => (value / self.reference).ln().abs(),
        };
        let seeds = data.seeds(&self.viewed.key, arm, generation);
        let shown = seeds.into_iter().map(|(seed, value)| (seed, value * self.viewed.times));
        shown.map(|(seed, value)| (seed, damage(value))).filter(|(_, damage)| damage.is_finite()).collect()
    }

    /// Damage beyond the control's, by seed.
    fn excesses(&self, data: &Data, arm: &str, generation: u32) -> BTreeMap<u64, f64> {
        let damages = self.damages(data, arm, generation).into_iter();
        damages.filter_map(|(seed, damage)| Some((seed, damage - self.control.get(&seed)?))).collect()
    }

    /// The share of the base's damage that an arm recovers, by seed.
    fn recovered(&self, data: &Data, arm: &str, generation: u32) -> BTreeMap<u64, f64> {
        let excesses = self.excesses(data, arm, generation).into_iter();
        excesses.map(|(seed, excess)| (seed, 1.0 - excess / self.scale)).collect()
    }
}

impl Board {
    /// None unless there are a control, a base, something else, and a damage.
    pub(crate) fn of(data: &Data) -> Option<Self> {
        let named = |role| data.arms.iter().find(|arm| arm.role == role).map(|arm| arm.name.clone());
        let (control, base) = (named(Role::Control)?, named(Role::Base)?);
        let generation = *data.generations(&base).last()?;
        if generation == 0 || data.arms.len() < 3 {
            return None;
        }
        let counted = counted(data, Pair { base: &base, control: &control, generation });
        if counted.is_empty() {
            return None;
        }
        let own = tokens(data, &base, &generated(), 1..=generation);
        let time = seconds(data, &base, generation);
        let of_arm = |name: &str| line(data, &counted, name, generation, (own, time));
        let mut lines: Vec<Line> = data.arms.iter().map(|arm| of_arm(&arm.name)).collect();
        let mean = |line: &Line| line.score.map_or(f64::NEG_INFINITY, |score| score.mean);
        lines.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        Some(Self { generation, base, control, counted, lines })
    }

    /// The section of the page.
    pub(crate) fn section(&self) -> Markup {
        html! {
            h2 { "Leaderboard" }
            p.quiet {
                "Damage is what exceeds " b { (self.control) } " in generation " (self.generation) ", seed by seed. The \
                 damage recovered is 1 where an arm is as good as that one, 0 where it is as bad as " b { (self.base) } ". \
                 The score is its mean over what the latter damages, each counted as −1 at the least and 1 at the most, \
                 with a 95 % interval over seeds. Small: the damage recovered in each. Human tokens are those in training \
                 sets after generation 0. Prompt tokens are those of the prompts of the text that is read there. Implicit \
                 human supervision is human text in other ways. Time is wall time without measuring, each generation’s \
                 least over seeds, on the machine that made the run."
            }
            div.scroll {
                table {
                    thead {
                        tr {
                            th.name scope="col" { "Arm" }
                            th scope="col" { "Score" }
                            @for counted in &self.counted { th scope="col" { (counted.title) } }
                            th scope="col" { "Human tokens" }
                            th scope="col" { "Prompt tokens" }
                            th.name scope="col" { "Implicit human supervision" }
                            th scope="col" { "Tokens generated, times the base’s" }
                            th scope="col" { "Time, times the base’s" }
                        }
                    }
                    tbody {
                        @for line in &self.lines { (line.row()) }
                    }
                }
            }
        }
    }

    /// `leaderboard.csv`: one row an arm, the best first.
    pub(crate) fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut record = |fields: Vec<String>| writer.write_record(fields).expect("a vector takes everything");
        let mut head = vec!["arm".to_owned(), "n_seeds".into(), "score".into(), "low".into(), "high".into()];
        for counted in &self.counted {
            head.extend([counted.title.to_lowercase(), format!("{} recovered", counted.title.to_lowercase())]);
        }
        head.extend(["human tokens", "prompt tokens", "human supervision", "generated", "time"].map(str::to_owned));
        record(head);
        let plain = |value: Option<f64>| value.map(rundir::format_value).unwrap_or_default();
        for line in &self.lines {
            let bounds = line.score.and_then(|score| score.bounds);
            let mut row = vec![line.arm.clone(), line.score.map_or(0, |score| score.seeds).to_string()];
            row.extend([plain(line.score.map(|s| s.mean)), plain(bounds.map(|b| b.0)), plain(bounds.map(|b| b.1))]);
            for (value, recovered) in &line.cells {
                row.extend([plain(value.map(|v| v.mean)), plain(recovered.map(|r| r.mean))]);
            }
            row.extend([plain(Some(line.human_tokens)), plain(Some(line.prompt_tokens)), line.supervision.join(" ")]);
            row.extend([plain(Some(line.generated)), plain(line.time)]);
            record(row);
        }
        writer.into_inner().expect("a vector takes everything")
    }
}

impl Line {
    fn row(&self) -> Markup {
        html! {
            tr {
                th scope="row" { (self.arm) }
                @if let Some(Interval { mean, bounds, .. }) = self.score {
                    td {
                        b { (share(mean)) }
                        @if let Some((low, high)) = bounds { (markup::bounds(low, high)) }
                    }
                } @else {
                    td.unmeasured { "ended" }
                }
                @for (value, recovered) in &self.cells {
                    td {
                        @if let Some(value) = value { (number(value.mean)) }
                        small { @if let Some(recovered) = recovered { (share(recovered.mean)) } }
                    }
                }
                td { (number(self.human_tokens)) }
                td { (number(self.prompt_tokens)) }
                td.name { (self.supervision.join(", ")) }
                td { (number(self.generated)) }
                td { (self.time.map(number).unwrap_or_default()) }
            }
        }
    }
}

/// The criterion.
fn counted(data: &Data, pair: Pair) -> Vec<Counted> {
    let tail = match data.view(&RARE_FACTS) {
        Some(_) => Quantity { title: "Rare facts", ..RARE_FACTS },
        None => RARE_WORDS,
    };
    let list = [TEST_LOSS, tail, DISTINCT_PAIRS, OVER_REPRESENTED];
    list.iter().filter_map(|quantity| Counted::of(data, quantity, pair)).collect()
}

/// The tokens that a generation generated.
fn generated() -> Key {
    Key::of(&GENERATED_TOKENS, Dimensions::NONE)
}

/// Sum over some generations of the mean over seeds of a number of tokens.
fn tokens(data: &Data, arm: &str, key: &Key, generations: RangeInclusive<u32>) -> f64 {
    let later = data.generations_of(key, arm).into_iter().filter(|generation| generations.contains(generation));
    // From zero: of no numbers the sum would be -0.
    later.filter_map(|generation| data.interval(key, arm, generation)).fold(0.0, |sum, interval| sum + interval.mean)
}

/// Sum over an arm's generations after the first of the seconds that each took, but for measuring it, in the chain in which it
/// took least; none if a generation is in no chain.
fn seconds(data: &Data, arm: &str, last: u32) -> Option<f64> {
    let least = |generation| {
        let of_chains = data.chains_of(arm).filter_map(|chain| seconds_of(chain, generation));
        of_chains.min_by(f64::total_cmp)
    };
    (1..=last).map(least).sum()
}

/// None if the generation or one of its stages is not there, or if it has failed.
fn seconds_of(chain: &Chain, generation: u32) -> Option<f64> {
    let record = chain.records.get(&generation)?;
    if record.failure().is_some() {
        return None;
    }
    let stages = record.all_stages().into_iter();
    let counted = stages.filter(|stage| !matches!(stage.kind(), StageKind::Prepare | StageKind::Score));
    counted.map(|stage| Some(chain.run.find(&stage).ok()??.took().as_secs_f64())).sum()
}

fn line(data: &Data, counted: &[Counted], arm: &str, generation: u32, (own, time): (f64, Option<f64>)) -> Line {
    let recovered: Vec<BTreeMap<u64, f64>> = counted.iter().map(|c| c.recovered(data, arm, generation)).collect();
    let whole = |seed: &&u64| recovered.iter().all(|recovered| recovered.contains_key(*seed));
    let seeds: Vec<&u64> = recovered[0].keys().filter(whole).collect();
    let mean = |seed: &&u64| {
        let limited = recovered.iter().map(|r| r[*seed].clamp(*COUNTED.start(), *COUNTED.end()));
        limited.sum::<f64>() / recovered.len() as f64
    };
    let score = Interval::of(seeds.iter().map(mean), Scale::Plain);
    let cells = counted.iter().zip(&recovered).map(|(c, recovered)| {
        (data.shown(&c.viewed, arm, generation), Interval::of(recovered.values().copied(), Scale::Plain))
    });
    let human = Key::of(&TOKENS_BY_ORIGIN, Dimensions::of(&[(Dimension::Source, "human")]));
    let prompts = Key::of(&PROMPT_TOKENS, Dimensions::NONE);
    Line {
        arm: arm.to_owned(),
        score,
        cells: cells.collect(),
        human_tokens: tokens(data, arm, &human, 1..=generation),
        prompt_tokens: tokens(data, arm, &prompts, 0..=generation - 1),
        supervision: supervision(data, arm),
        generated: tokens(data, arm, &generated(), 1..=generation) / own,
        time: seconds(data, arm, generation).zip(time.filter(|&time| time > 0.0)).map(|(own, base)| own / base),
    }
}

/// The ways of implicit human supervision that an arm used after generation 0, sorted.
fn supervision(data: &Data, arm: &str) -> Vec<String> {
    let used = |key: &&Key| {
        let later = data.generations_of(key, arm).into_iter().filter(|&generation| generation > 0);
        later.filter_map(|generation| data.interval(key, arm, generation)).any(|interval| interval.mean > 0.0)
    };
    let keys = data.keys_of(&TRAINING_SUPERVISION).chain(data.keys_of(&GENERATED_SUPERVISION)).filter(used);
    let ways: BTreeSet<&str> = keys.filter_map(|key| key.dimensions.get(Dimension::Part)).collect();
    ways.into_iter().map(str::to_owned).collect()
}

/// A share, without what rounding leaves of a zero.
fn share(value: f64) -> String {
    number(if value.abs() < 1e-9 { 0.0 } else { value })
}
