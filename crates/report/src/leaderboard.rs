//! The leaderboard: how much of the undefended loop's damage each arm spares, by one stated score.
//!
//! Four things are counted, where they were measured, all of the last generation: the loss on human test text; the tail
//! (rare facts of a world, else rare human words that are still written); diversity, as the distance of the share of
//! distinct 2-grams from human text's own (both ways: a loop can also write too many kinds, which are errors); tells.
//!
//! An arm's damage d is what exceeds the control that refits human text, seed by seed; D is the mean damage of the base, the
//! arm that replaces its text and has no defence. What is spared of one thing is 1 − d / D: 0 is as bad as no defence, 1 as
//! good as the control, and more is better than it. The score is the mean over the things that the base damages at 95 %
//! (fewer than three seeds: at all), each counted as −1 at the least and 1 at the most, so that no single ruin decides, nor a
//! single thing in which the control itself is not like human text. Intervals are Student's t over seeds; D is taken as known.
//!
//! The trap: who wins depends on what is counted. So all four stand beside the score, with the human text that each arm was
//! given after generation 0, openly or by the back door: a score without that price says nothing.
//!
//! What an arm costs in time is what its stages took to make, by the clock on the wall, from the judging of what a generation is
//! offered to the last of its text; measuring it is nobody's defence, and left out. So the column is of the machine, as nothing
//! else here is; of the hour less so, since each generation counts in the seed in which it took least: what else a machine does
//! can only add.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::RangeInclusive;

use evaluation::statistics::{Interval, Sample, Scale};
use rundir::{ChainId, StageKind};

use crate::catalogue::{DISTINCT_PAIRS, Quantity, TEST_LOSS};
use crate::chronicle::RARE_FACTS;
use crate::data::{Data, Viewed};
use crate::escape::html;
use crate::more::{RARE_WORDS, TELLS};
use crate::survival::is_replace;
use crate::ticks::number;

/// What counts at the least and at the most of one thing that is spared.
const COUNTED: RangeInclusive<f64> = -1.0..=1.0;
const CONFIDENCE: f64 = 0.95;
/// Where the tokens are that a generation wrote.
const WRITTEN: (&str, &str, &str) = ("written", "tokens", "");
/// From so many seeds on a base's damage must be more than chance.
const SEEDS: usize = 3;

/// Which way a quantity is damaged.
#[derive(Clone, Copy)]
enum Better {
    Lower,
    Higher,
    /// Nearer, on the logarithm, to human text.
    Near(f64),
}

/// One thing that counts.
pub(crate) struct Counted {
    /// For people.
    pub(crate) title: &'static str,
    viewed: Viewed,
    better: Better,
    /// Damage of the base over the control.
    scale: f64,
    /// The control's damage, by seed.
    control: BTreeMap<u64, f64>,
}

/// One arm.
pub(crate) struct Line {
    pub(crate) arm: String,
    /// Mean over seeds of what is spared, all things together; none if no seed has them all.
    pub(crate) score: Option<Interval>,
    /// In the order of the things: the value as measured and what is spared.
    pub(crate) cells: Vec<(Option<Interval>, Option<Interval>)>,
    /// Human tokens in the training sets after generation 0, the mean over seeds.
    pub(crate) human_tokens: f64,
    /// Human tokens with which the text began that those generations could read, the mean over seeds.
    pub(crate) prompt_tokens: f64,
    /// Human text that came in by another way.
    pub(crate) anchors: Vec<String>,
    /// Tokens written, as a multiple of the base's.
    pub(crate) written: f64,
    /// Time that the generations after the first took at the least, measuring left out, as a multiple of the base's; none where seals do not
    /// say how long their stages took.
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

impl Counted {
    fn of(
        data: &Data,
        title: &'static str,
        quantity: &Quantity,
        better: Better,
        pair: (&str, &str, u32),
    ) -> Option<Self> {
        let viewed = data.view(quantity)?;
        let (base, control, generation) = pair;
        let mut counted = Self { title, viewed, better, scale: 1.0, control: BTreeMap::new() };
        counted.control = counted.damages(data, control, generation).into_iter().collect();
        let base: Vec<f64> = counted.excesses(data, base, generation).into_values().collect();
        let sample = Sample::of(base.iter().copied())?;
        let damaged = match base.len() {
            0..SEEDS => base.iter().sum::<f64>() > 0.0,
            _ => sample.bounds(CONFIDENCE).0 > 0.0,
        };
        counted.scale = base.iter().sum::<f64>() / base.len() as f64;
        damaged.then_some(counted)
    }

    fn damages(&self, data: &Data, arm: &str, generation: u32) -> Vec<(u64, f64)> {
        let damage = |value: f64| match self.better {
            Better::Lower => value,
            Better::Higher => -value,
            Better::Near(human) => (value / human).ln().abs(),
        };
        let seeds = data.seeds(&self.viewed.key, arm, generation);
        seeds.into_iter().map(|(seed, value)| (seed, damage(value))).filter(|(_, damage)| damage.is_finite()).collect()
    }

    /// Damage beyond the control's, by seed.
    fn excesses(&self, data: &Data, arm: &str, generation: u32) -> BTreeMap<u64, f64> {
        let damages = self.damages(data, arm, generation).into_iter();
        damages.filter_map(|(seed, damage)| Some((seed, damage - self.control.get(&seed)?))).collect()
    }

    /// What an arm spares, by seed.
    fn spared(&self, data: &Data, arm: &str, generation: u32) -> BTreeMap<u64, f64> {
        let excesses = self.excesses(data, arm, generation).into_iter();
        excesses.map(|(seed, excess)| (seed, 1.0 - excess / self.scale)).collect()
    }
}

impl Board {
    /// None unless there are a control, a base, something else, and a damage.
    pub(crate) fn of(data: &Data) -> Option<Self> {
        let control = data.arms[data.control?].clone();
        if data.arms.iter().any(|arm| !data.point(arm).is_empty()) {
            return None; // a grid has a base at each point, and is shown as a heat map
        }
        let alike = |arm: &String, key: &str| data.setting(arm, key) == data.setting(&control, key);
        let plain = |arm: &&String| {
            is_replace(data, arm)
                && data.setting(arm, "curation").is_none()
                && ["model", "train", "sample", "members"].iter().all(|key| alike(arm, key))
        };
        let base = data.arms.iter().find(plain)?.clone();
        let generation = *data.generations(&base).last()?;
        if generation == 0 || data.arms.len() < 3 {
            return None;
        }
        let counted = counted(data, (&base, &control, generation));
        if counted.is_empty() {
            return None;
        }
        let own = tokens(data, &base, WRITTEN, 1..=generation);
        let time = seconds(data, &base, generation);
        let of_arm = |arm: &String| line(data, &counted, arm, generation, (own, time));
        let mut lines: Vec<Line> = data.arms.iter().map(of_arm).collect();
        let mean = |line: &Line| line.score.map_or(f64::NEG_INFINITY, |score| score.mean);
        lines.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
        Some(Self { generation, base, control, counted, lines })
    }

    /// The section of the page.
    pub(crate) fn section(&self) -> String {
        let titles: String = self.counted.iter().map(|c| format!("<th scope=\"col\">{}</th>", html(c.title))).collect();
        let mut table = format!(
            "<h2>Leaderboard</h2>\n<p class=\"quiet\">Damage is what exceeds <b>{}</b> in generation {}, seed by seed. What is \
             spared of it is 1 as good as there, 0 as bad as <b>{}</b>; the score is the mean over what that arm damages, \
             each counted as −1 at the least and 1 at the most, with a 95 % interval over seeds. Small: what is spared of each. Human tokens are \
             those in training sets after generation 0, and in prompts those with which the text that is read there began; hidden anchors are human text by another way. Time is that of the wall, \
             each generation’s least over seeds, without measuring, on the machine that made the run.</p>\n\
             <div class=\"scroll\"><table>\n<thead><tr><th class=\"name\" scope=\"col\">Arm</th><th scope=\"col\">Score</th>{titles}\
             <th scope=\"col\">Human tokens</th><th scope=\"col\">In prompts</th><th class=\"name\" scope=\"col\">Hidden anchors</th><th scope=\"col\">Tokens written, times \
             the base’s</th><th scope=\"col\">Time, times the base’s</th></tr></thead>\n<tbody>\n",
            html(&self.control),
            self.generation,
            html(&self.base)
        );
        for line in &self.lines {
            let cells: String = line.cells.iter().map(|(value, spared)| cell(*value, *spared)).collect();
            let _ = writeln!(
                table,
                "<tr><th scope=\"row\">{}</th>{}{cells}<td>{}</td><td>{}</td><td class=\"name\">{}</td><td>{}</td><td>{}</td></tr>",
                html(&line.arm),
                score(line.score),
                number(line.human_tokens),
                number(line.prompt_tokens),
                html(&line.anchors.join(", ")),
                number(line.written),
                line.time.map(number).unwrap_or_default()
            );
        }
        table.push_str("</tbody>\n</table></div>\n");
        table
    }

    /// `leaderboard.csv`: one row an arm, the best first.
    pub(crate) fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut record = |fields: Vec<String>| writer.write_record(fields).expect("a vector takes everything");
        let mut head = vec!["arm".to_owned(), "n_seeds".into(), "score".into(), "low".into(), "high".into()];
        for counted in &self.counted {
            head.extend([counted.title.to_lowercase(), format!("{} spared", counted.title.to_lowercase())]);
        }
        head.extend(["human tokens", "prompt tokens", "hidden anchors", "written", "time"].map(str::to_owned));
        record(head);
        let plain = |value: Option<f64>| value.map(rundir::format_value).unwrap_or_default();
        for line in &self.lines {
            let bounds = line.score.and_then(|score| score.bounds);
            let mut row = vec![line.arm.clone(), line.score.map_or(0, |score| score.seeds).to_string()];
            row.extend([plain(line.score.map(|s| s.mean)), plain(bounds.map(|b| b.0)), plain(bounds.map(|b| b.1))]);
            for (value, spared) in &line.cells {
                row.extend([plain(value.map(|v| v.mean)), plain(spared.map(|s| s.mean))]);
            }
            row.extend([plain(Some(line.human_tokens)), plain(Some(line.prompt_tokens)), line.anchors.join(" ")]);
            row.extend([plain(Some(line.written)), plain(line.time)]);
            record(row);
        }
        writer.into_inner().expect("a vector takes everything")
    }
}

/// What counts here.
fn counted(data: &Data, pair: (&str, &str, u32)) -> Vec<Counted> {
    let tail = match data.view(&RARE_FACTS) {
        Some(_) => ("Rare facts", &RARE_FACTS),
        None => ("Rare words", &RARE_WORDS),
    };
    let human = data.view(&DISTINCT_PAIRS).and_then(|viewed| data.human(&viewed)).filter(|human| *human > 0.0);
    let of = |(title, quantity): (&'static str, &Quantity), better| Counted::of(data, title, quantity, better, pair);
    let mut list = vec![of(("Test loss", &TEST_LOSS), Better::Lower), of(tail, Better::Higher)];
    list.extend(human.map(|human| of(("Distinct 2-grams", &DISTINCT_PAIRS), Better::Near(human))));
    list.push(of(("Tells", &TELLS), Better::Lower));
    list.into_iter().flatten().collect()
}

/// Sum over some generations of the mean over seeds of a number of tokens.
fn tokens(data: &Data, arm: &str, of: (&str, &str, &str), generations: RangeInclusive<u32>) -> f64 {
    let key = (of.0.to_owned(), of.1.to_owned(), of.2.to_owned());
    let later = data.generations_of(&key, arm).into_iter().filter(|generation| generations.contains(generation));
    // From zero: of no numbers the sum would be -0.
    later.filter_map(|generation| data.interval(&key, arm, generation)).fold(0.0, |sum, interval| sum + interval.mean)
}

/// Sum over an arm's generations after the first of the seconds that each took, but for measuring it, in the chain in which it
/// took least; none if a generation is in no chain, or a stage does not say.
fn seconds(data: &Data, arm: &str, last: u32) -> Option<f64> {
    let chains: Vec<&ChainId> = data.chains.iter().filter(|chain| chain.arm == arm).collect();
    let least = |generation| {
        let of_chains = chains.iter().filter_map(|chain| seconds_of(data, chain, generation));
        of_chains.min_by(f64::total_cmp)
    };
    (1..=last).map(least).sum()
}

/// None if the generation is not there, has failed, or a stage does not say.
fn seconds_of(data: &Data, chain: &ChainId, generation: u32) -> Option<f64> {
    let record = data.run.resolve(chain, generation).ok()??;
    if record.failure().is_some() {
        return None;
    }
    let stages = record.all_stages().into_iter();
    let counted = stages.filter(|stage| !matches!(stage.kind(), StageKind::Prepare | StageKind::Score));
    counted.map(|stage| Some(data.run.find(&stage).ok()??.took()?.as_secs_f64())).sum()
}

fn line(data: &Data, counted: &[Counted], arm: &str, generation: u32, (written, time): (f64, Option<f64>)) -> Line {
    let spared: Vec<BTreeMap<u64, f64>> = counted.iter().map(|c| c.spared(data, arm, generation)).collect();
    let whole = |seed: &&u64| spared.iter().all(|spared| spared.contains_key(*seed));
    let seeds: Vec<&u64> = spared[0].keys().filter(whole).collect();
    let mean = |seed: &&u64| {
        spared.iter().map(|s| s[*seed].clamp(*COUNTED.start(), *COUNTED.end())).sum::<f64>() / spared.len() as f64
    };
    let score = Interval::of(seeds.iter().map(mean), Scale::Plain);
    let cells = counted.iter().zip(&spared);
    let cells = cells.map(|(c, spared)| {
        (data.shown(&c.viewed, arm, generation), Interval::of(spared.values().copied(), Scale::Plain))
    });
    let anchors: BTreeSet<&str> = (data.keys())
        .filter(|key| key.1 == "hidden-anchor")
        .filter(|key| data.generations_of(key, arm).iter().any(|&g| g > 0 && is_there(data, key, arm, g)))
        .map(|key| key.2.as_str())
        .collect();
    Line {
        arm: arm.to_owned(),
        score,
        cells: cells.collect(),
        human_tokens: tokens(data, arm, ("training", "tokens-by-origin", "human"), 1..=generation),
        prompt_tokens: tokens(data, arm, ("written", "prompt-tokens", ""), 0..=generation - 1),
        anchors: anchors.into_iter().map(str::to_owned).collect(),
        written: tokens(data, arm, WRITTEN, 1..=generation) / written,
        time: seconds(data, arm, generation).zip(time.filter(|&time| time > 0.0)).map(|(own, base)| own / base),
    }
}

fn is_there(data: &Data, key: &crate::data::Key, arm: &str, generation: u32) -> bool {
    data.interval(key, arm, generation).is_some_and(|interval| interval.mean > 0.0)
}

fn score(score: Option<Interval>) -> String {
    let Some(score) = score else { return "<td class=\"unmeasured\">ended</td>".to_owned() };
    let bounds = score.bounds.map(|(low, high)| format!("<small>{} to {}</small>", number(low), number(high)));
    format!("<td><b>{}</b>{}</td>", share(score.mean), bounds.unwrap_or_default())
}

fn cell(value: Option<Interval>, spared: Option<Interval>) -> String {
    let value = value.map(|interval| number(interval.mean)).unwrap_or_default();
    let spared = spared.map(|interval| share(interval.mean)).unwrap_or_default();
    format!("<td>{value}<small>{spared}</small></td>")
}

/// A share, without what rounding leaves of a zero.
fn share(value: f64) -> String {
    number(if value.abs() < 1e-9 { 0.0 } else { value })
}
