//! The leaderboard: arms by their loss on human test data over generations 1 to K, each against its own control
//! ([`evaluation::ranking`]), with the price of each in human tokens.
//!
//! An arm's control is the arm that trains in the same way on human data, as `run.json` states it. The first row that costs
//! nothing is `stop-at-generation-0`, the loss of the base's first model in every later generation: on data that do not change,
//! not to train at all is the defence that others must beat. What stands beside the loss is in `secondary`, what
//! an arm cost in `costs`.
//!
//! The trap: who wins depends on what counts. The loss counts, and nothing else; a recovery without its price says nothing.

mod costs;
mod secondary;

use std::collections::BTreeMap;

use evaluation::ranking::{Contender, Difference, Ranked, Ratio, rank};
use evaluation::statistics::Interval;
use maud::{Markup, html};
use rundir::Role;

use crate::arm::Arm;
use crate::data::Data;
use crate::key::Key;
use crate::markup;
use crate::quantity::TEST_LOSS;
use crate::ticks::number;
use costs::Costs;
use secondary::{Cell, Secondary};

/// The arm that is in no file.
const STOPPED: &str = "stop-at-generation-0";

/// The leaderboard, the lowest loss first.
pub(crate) struct Board {
    /// K, the last generation.
    pub(crate) last: u32,
    base: String,
    secondary: Vec<Secondary>,
    lines: Vec<Line>,
    /// Arms that did not come to the last generation in any seed.
    ended: Vec<String>,
}

/// One arm.
struct Line {
    ranked: Ranked,
    /// True if its control trains in all as it does.
    is_matched: bool,
    cells: Vec<Cell>,
    costs: Costs,
}

impl Board {
    /// None unless there are a control, a base, and something else that came to an end.
    pub(crate) fn of(data: &Data) -> Option<Self> {
        let named = |role| data.arms.iter().find(|arm| arm.role == role).map(|arm| arm.name.clone());
        let (control, base) = (named(Role::Control)?, named(Role::Base)?);
        let last = *data.generations(&base).last()?;
        if last == 0 || data.arms.len() < 3 {
            return None;
        }
        let loss = data.view(&TEST_LOSS)?.key;
        let mut contenders: Vec<Contender> =
            data.arms.iter().map(|arm| contender(data, &loss, arm, &control, last)).collect();
        let stopped = data.seeds(&loss, &base, 0).into_iter().collect();
        contenders.push(Contender { name: STOPPED.to_owned(), control: control.clone(), losses: stopped });
        let secondary = secondary::all(data, (&base, &control), last);
        let line = |ranked: Ranked| {
            let (arm, control) = (data.arm(&ranked.name), ranked.control.as_str());
            Line {
                is_matched: ranked.name == ranked.control || arm.is_none_or(|arm| arm.is_matched),
                cells: secondary.iter().map(|thing| thing.cell(data, &ranked.name, control)).collect(),
                costs: arm.map_or_else(Costs::none, |arm| Costs::of(data, (&arm.name, &base), last)),
                ranked,
            }
        };
        let lines: Vec<Line> = rank(&contenders, &base).into_iter().map(line).collect();
        let is_ranked = |name: &str| lines.iter().any(|line| line.ranked.name == name);
        let ended = data.arms.iter().map(|arm| arm.name.clone()).filter(|name| !is_ranked(name)).collect();
        is_ranked(&base).then_some(Self { last, base, secondary, lines, ended })
    }

    /// The section of the page.
    pub(crate) fn section(&self) -> Markup {
        html! {
            h2 { "Leaderboard" }
            p.quiet {
                "By the loss on human test text, the mean over generations 1 to " (self.last) ", nats per token, lowest first. \
                 Difference: the arm less " b { (self.base) } ", seed by seed, with its 95 % interval and p (Holm’s over all \
                 arms). Recovery is 1 − N/D, of the arm less its own control and of " b { (self.base) } " less its control: \
                 1 is as good as the same training on human text, 0 as bad as no defence; its interval is Fieller’s. A \
                 control with * trains otherwise than the arm. " b { (STOPPED) } " is generation 0’s own loss. The other \
                 columns are of the last generation, where the base does more damage than the control is away from human \
                 text; small: recovery. Human tokens are those of the different human documents that were read after \
                 generation 0, by training sets, prompts, defences and labels, then with every reading, then those that \
                 weights had read which were used directly. Implicit human supervision names the other ways. Time is wall time without measuring, each generation’s least over seeds, on the machine that made the run."
            }
            div.scroll {
                table {
                    thead {
                        tr {
                            th.name scope="col" { "Arm" }
                            th scope="col" { "Test loss" }
                            th scope="col" { "Difference" }
                            th scope="col" { "p" }
                            th scope="col" { "Recovery" }
                            th.name scope="col" { "Control" }
                            @for thing in &self.secondary { th scope="col" { (thing.title) } }
                            th scope="col" { "Human tokens" }
                            th scope="col" { "Human tokens, every reading" }
                            th scope="col" { "Human tokens, by weights" }
                            th.name scope="col" { "Implicit human supervision" }
                            th scope="col" { "Tokens generated, times the base’s" }
                            th scope="col" { "Time, times the base’s" }
                        }
                    }
                    tbody {
                        @for line in &self.lines { (line.row()) }
                        @for arm in &self.ended { tr { th scope="row" { (arm) } td.unmeasured { "ended" } } }
                    }
                }
            }
        }
    }

    /// `leaderboard.csv`: one row an arm, the lowest loss first.
    pub(crate) fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut record = |fields: Vec<String>| writer.write_record(fields).expect("a vector takes everything");
        let mut head: Vec<String> = ["arm", "n_seeds", "loss", "low", "high", "difference", "difference low"]
            .iter()
            .chain(&["difference high", "p", "recovery", "recovery low", "recovery high", "control", "matched"])
            .map(|name| (*name).to_owned())
            .collect();
        for thing in &self.secondary {
            head.extend([thing.title.to_lowercase(), format!("{} recovered", thing.title.to_lowercase())]);
        }
        head.extend(["human tokens", "human reads", "human by weights"].map(str::to_owned));
        head.extend(["human supervision", "generated", "time"].map(str::to_owned));
        let columns = head.len();
        record(head);
        self.lines.iter().for_each(|line| record(line.record()));
        for arm in &self.ended {
            let mut row = vec![String::new(); columns];
            (row[0], row[1]) = (arm.clone(), "0".to_owned());
            record(row);
        }
        writer.into_inner().expect("a vector takes everything")
    }
}

/// An arm's mean loss over generations 1 to `last` by seed, of the seeds that have them all.
fn contender(data: &Data, loss: &Key, arm: &Arm, control: &str, last: u32) -> Contender {
    let mut by_seed = BTreeMap::<u64, Vec<f64>>::new();
    for generation in 1..=last {
        for (seed, value) in data.seeds(loss, &arm.name, generation) {
            by_seed.entry(seed).or_default().push(value);
        }
    }
    let whole = by_seed.into_iter().filter(|(_, losses)| losses.len() == last as usize);
    let mean = |(seed, losses): (u64, Vec<f64>)| (seed, losses.iter().sum::<f64>() / f64::from(last));
    // The control of an arm that trains on human data is the experiment's if that trains alike, else the arm itself.
    let of_human = if arm.is_matched { control } else { &arm.name };
    let own = arm.control.clone().unwrap_or_else(|| of_human.to_owned());
    Contender { name: arm.name.clone(), control: own, losses: whole.map(mean).collect() }
}

impl Line {
    fn row(&self) -> Markup {
        let Ranked { name, control, loss, difference, recovery } = &self.ranked;
        html! {
            tr {
                th scope="row" { (name) }
                td { b { (number(loss.mean)) } (bounds(loss.bounds)) }
                @if let Some(Difference { mean, bounds: ends, p }) = difference {
                    td { (signed(*mean)) (bounds(*ends)) }
                    td { (number(*p)) }
                } @else {
                    td {}
                    td {}
                }
                td { @if let Some(Ratio { value, bounds: ends, .. }) = recovery { b { (share(*value)) } (bounds(*ends)) } }
                td.name { (control) @if !self.is_matched { "*" } }
                @for (value, recovered) in &self.cells {
                    td {
                        @if let Some(Interval { mean, .. }) = value { (number(*mean)) }
                        small { @if let Some(recovered) = recovered { (share(recovered.value)) } }
                    }
                }
                @for tokens in self.costs.human { td { (tokens.map(number).unwrap_or_default()) } }
                td.name { (self.costs.supervision.join(", ")) }
                td { (number(self.costs.generated)) }
                td { (self.costs.time.map(number).unwrap_or_default()) }
            }
        }
    }

    fn record(&self) -> Vec<String> {
        let plain = |value: Option<f64>| value.map(rundir::format_value).unwrap_or_default();
        let three = |mean: Option<f64>, bounds: Option<(f64, f64)>| {
            [plain(mean), plain(bounds.map(|b| b.0)), plain(bounds.map(|b| b.1))]
        };
        let Ranked { name, control, loss, difference, recovery } = &self.ranked;
        let mut row = vec![name.clone(), loss.seeds.to_string()];
        row.extend(three(Some(loss.mean), loss.bounds));
        row.extend(three(difference.map(|d| d.mean), difference.and_then(|d| d.bounds)));
        row.push(plain(difference.map(|d| d.p)));
        row.extend(three(recovery.map(|r| r.value), recovery.and_then(|r| r.bounds)));
        row.extend([control.clone(), self.is_matched.to_string()]);
        for (value, recovered) in &self.cells {
            row.extend([plain(value.map(|v| v.mean)), plain(recovered.map(|r| r.value))]);
        }
        let Costs { human, supervision, generated, time } = &self.costs;
        row.extend(human.map(plain));
        row.extend([supervision.join(" "), plain(Some(*generated)), plain(*time)]);
        row
    }
}

fn bounds(ends: Option<(f64, f64)>) -> Markup {
    html! { @if let Some((low, high)) = ends { (markup::bounds(low, high)) } }
}

/// With its sign.
fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", number(value)) } else { number(value) }
}

/// A share, without what rounding leaves of a zero.
fn share(value: f64) -> String {
    number(if value.abs() < 1e-9 { 0.0 } else { value })
}
