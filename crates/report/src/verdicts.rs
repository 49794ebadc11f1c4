//! Verdicts on the page and in a terminal: which of the eight definitions of collapse hold for an arm, how arms differ, and
//! what each generation adds to the damage.

use evaluation::statistics::Interval;
use evaluation::verdicts::{
    Answer, Arm, Definition, Difference, Observations, Step, Thresholds, Verdict, damage, differences, judge,
};
use maud::{Markup, html};

use crate::data::Data;
use crate::markup::{self, begins, bounds};
use crate::ticks::number;
use crate::visible::visible;

/// Arms of which all pairs are compared; of more, each with its control.
const PAIRED: usize = 8;
/// Arms that a terminal's table has room for.
const LINES: usize = 8;

/// The sections of the page; empty if nothing can be said.
pub(crate) fn sections(data: &Data) -> Markup {
    let rows = data.observations();
    let arms = arms(data);
    html! {
        (verdict_table(data, &rows, &arms))
        (difference_table(&rows, &arms))
        (damage_table(&rows, &arms))
    }
}

/// The arms with what they are compared with: the control that the run states, where it was measured.
fn arms(data: &Data) -> Vec<Arm> {
    let arm = |arm: &crate::arm::Arm| Arm {
        name: arm.name.clone(),
        control: arm.control.clone().filter(|control| data.arm(control).is_some()),
        budget: arm.budget.as_ref().map(|budget| (budget.series.clone(), budget.amount)),
    };
    data.arms.iter().map(arm).collect()
}

/// The definitions of which any arm has evidence, and for the others why none has.
fn split<'a>(verdicts: &'a [Verdict], arms: &[Arm]) -> (Vec<Definition>, Vec<(Definition, &'a str)>) {
    let measured = |definition: &Definition| {
        verdicts.iter().any(|v| v.definition == *definition && v.answer != Answer::Unmeasured)
    };
    let (known, unknown): (Vec<_>, Vec<_>) = Definition::ALL.into_iter().partition(measured);
    // An arm without a control lacks that, so what the last of the others lacks says more.
    let is_held = |verdict: &&Verdict| arms.iter().any(|arm| arm.name == verdict.arm && arm.control.is_some());
    let why = |definition| {
        let of = || verdicts.iter().filter(|verdict| verdict.definition == definition);
        // Without an arm there is no verdict, and nothing to say.
        let last = of().rfind(is_held).or_else(|| of().next_back())?;
        Some((definition, last.note.as_str()))
    };
    (known, unknown.into_iter().filter_map(why).collect())
}

fn verdict_table(data: &Data, rows: &Observations, arms: &[Arm]) -> Markup {
    let limits = Thresholds::default();
    let verdicts = judge(rows, arms, &limits);
    let (known, unknown) = split(&verdicts, arms);
    if known.is_empty() {
        return Markup::default();
    }
    let columns: Vec<Column> = known.iter().map(|definition| Column::of(*definition, &verdicts)).collect();
    let statistics: Vec<String> = known.iter().map(|d| format!("{}: {}", capital(d.name()), d.statistic())).collect();
    let unmeasured: Vec<String> = unknown.iter().map(|(d, why)| format!("{} ({why})", d.name())).collect();
    html! {
        h2 { "Verdicts" }
        (introduction(&verdicts, &limits))
        div.scroll {
            table.verdicts {
                thead {
                    tr {
                        th.name scope="col" { "Arm" }
                        @for column in &columns { (column.head()) }
                    }
                }
                tbody {
                    @for arm in &data.arms {
                        tr {
                            th scope="row" { (arm.name) @if arm.role.is_human() { small { "control" } } }
                            @for column in &columns { (column.cell(&arm.name)) }
                        }
                    }
                }
                caption {
                    (statistics.join("; ")) "."
                    @if !unmeasured.is_empty() { " Unmeasured here: " (unmeasured.join("; ")) "." }
                }
            }
        }
    }
}

/// How to read the table; a run of too few seeds is told so once.
fn introduction(verdicts: &[Verdict], limits: &Thresholds) -> Markup {
    let most = verdicts.iter().filter_map(|verdict| verdict.evidence).map(|evidence| evidence.seeds).max().unwrap_or(0);
    html! {
        p.quiet {
            "Eight definitions of model collapse are in use (Schaeffer et al. 2025). Yes and no are statements at 95 % over all \
             arms together (Student’s t over seeds, paired with the control where there is one; Holm’s correction) and take "
            (limits.seeds) " seeds. Below them the statistic and its 95 % bounds, in the head what they are compared with. A \
             definition that holds for the control too is about the model, not about the loop."
            @if most < limits.seeds { " " b { "This run has " (most) ": nothing is determined." } }
        }
    }
}

/// A definition with its verdicts.
struct Column<'a> {
    definition: Definition,
    verdicts: Vec<&'a Verdict>,
    /// The threshold, where it is the same for all arms.
    limit: Option<f64>,
    /// True if all arms have as many seeds, so that a lack of them need not be said in each cell.
    uniform: bool,
}

impl<'a> Column<'a> {
    fn of(definition: Definition, verdicts: &'a [Verdict]) -> Self {
        let verdicts: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.definition == definition).collect();
        let evidence = || verdicts.iter().filter_map(|verdict| verdict.evidence);
        let first = evidence().next();
        let limit = first.map(|e| e.threshold).filter(|limit| evidence().all(|e| e.threshold == *limit));
        let uniform = first.is_some_and(|first| evidence().all(|e| e.seeds == first.seeds));
        Self { definition, verdicts, limit, uniform }
    }

    fn head(&self) -> Markup {
        let above = self.verdicts.iter().find_map(|verdict| verdict.evidence).is_some_and(|evidence| evidence.above);
        html! {
            th.name scope="col" {
                (capital(self.definition.name()))
                @if let Some(limit) = self.limit {
                    small { @if above { "above " } @else { "below " } (number(limit)) }
                }
            }
        }
    }

    fn cell(&self, arm: &str) -> Markup {
        let Some(verdict) = self.verdicts.iter().find(|verdict| verdict.arm == arm) else {
            return html! { td {} };
        };
        let Some(evidence) = &verdict.evidence else {
            return html! { td.unmeasured { "–" } };
        };
        let (low, high) = evidence.bounds;
        let said = verdict.answer == Answer::Undetermined && self.uniform;
        let answer = verdict.answer.name();
        html! {
            td.(answer) {
                b { (answer) }
                @if let Some(generation) = verdict.since { " from generation " (generation) }
                small {
                    (number(evidence.statistic))
                    @if low.is_finite() && high.is_finite() { " (" (number(low)) " to " (number(high)) ")" }
                }
                @if self.limit.is_none() { small { "limit " (number(evidence.threshold)) } }
                @if !verdict.note.is_empty() && !said { small { (verdict.note) } }
            }
        }
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn difference_table(rows: &Observations, arms: &[Arm]) -> Markup {
    let found = differences(rows, &pairs(arms));
    if found.is_empty() {
        return Markup::default();
    }
    let begins_arm = |i: usize| i == 0 || found[i - 1].first != found[i].first;
    html! {
        h2 { "Differences between arms" }
        div.scroll {
            table {
                caption {
                    "Test loss of the last generation, paired by seed: arms of one seed share their human text and their random \
                     draws. The ratio is the geometric mean, and bits per byte have the same; intervals are 95 % for each row \
                     alone, p is of a paired t test on the logarithm with Holm’s correction over all rows."
                }
                thead {
                    tr {
                        th.name scope="col" { "Arm" }
                        th.name scope="col" { "less" }
                        th scope="col" { "Generation" }
                        th scope="col" { "Seeds" }
                        th scope="col" { "Ratio of losses" }
                        th scope="col" { "Nats per token" }
                        th scope="col" { "p" }
                    }
                }
                tbody {
                    @for (i, difference) in found.iter().enumerate() { (difference_row(difference, begins_arm(i))) }
                }
            }
        }
    }
}

/// The arms that are compared.
fn pairs(arms: &[Arm]) -> Vec<(&str, &str)> {
    let names = || arms.iter().map(|arm| arm.name.as_str());
    if arms.len() <= PAIRED {
        names().enumerate().flat_map(|(i, first)| names().skip(i + 1).map(move |second| (first, second))).collect()
    } else {
        arms.iter().filter_map(|arm| Some((arm.name.as_str(), arm.control.as_deref()?))).collect()
    }
}

fn difference_row(difference: &Difference, is_first: bool) -> Markup {
    let Difference { first, second, generation, seeds, ratio, p, .. } = difference;
    let (mean, low, high) = difference.nats;
    let cell = |mean: f64, (low, high): (f64, f64)| {
        html! {
            td {
                (number(mean))
                @if low.is_finite() && high.is_finite() && *seeds >= 3 { (bounds(low, high)) }
            }
        }
    };
    html! {
        tr class=[begins(is_first)] {
            th scope="row" { @if is_first { (first) } }
            td.name { (second) }
            td { (generation) }
            td { (seeds) }
            (cell(*ratio, difference.bounds))
            (cell(mean, (low, high)))
            td { @if *p < 0.001 { "< 0.001" } @else { (format_args!("{p:.3}")) } }
        }
    }
}

/// What a step says, and its name.
type Kind = (&'static str, fn(&Step) -> Option<Interval>);
const KINDS: [Kind; 2] = [("damage", |step| step.added), ("learning", |step| step.learning)];

/// Arms by generations, what each adds.
fn damage_table(rows: &Observations, arms: &[Arm]) -> Markup {
    let of = |arm: &Arm| Some((arm.name.clone(), damage(rows, arm))).filter(|(_, steps)| !steps.is_empty());
    let found: Vec<(String, Vec<Step>)> = arms.iter().filter_map(of).collect();
    let steps = || found.iter().flat_map(|(_, steps)| steps);
    let Some(last) = steps().map(|step| step.generation).max() else {
        return Markup::default();
    };
    let learning = steps().any(|step| step.learning.is_some());
    let kinds = if learning { &KINDS[..] } else { &KINDS[..1] };
    html! {
        h2 { "What each generation adds" }
        div.scroll {
            table {
                caption {
                    "Nats per token of human test text that each generation adds to the distance from its control; below it the \
                     95 % interval, paired by seed."
                    @if learning {
                        " Learning: what a model spends on new text of its parent’s, which nobody was trained on, beyond what \
                         the parent does: at temperature 1 without truncation an estimate of the divergence between the two."
                    }
                }
                thead {
                    tr {
                        th.name scope="col" { "Arm" }
                        @if learning { th.name scope="col" {} }
                        @for generation in 1..=last { th scope="col" { (generation) } }
                    }
                }
                tbody {
                    @for (arm, steps) in &found { (damage_rows(arm, steps, kinds, last)) }
                }
            }
        }
    }
}

/// An arm's rows: one of each kind.
fn damage_rows(arm: &str, steps: &[Step], kinds: &[Kind], last: u32) -> Markup {
    let at = |generation| steps.iter().find(move |step| step.generation == generation);
    html! {
        @for (i, (kind, of)) in kinds.iter().enumerate() {
            tr class=[begins(i == 0)] {
                th scope="row" { @if i == 0 { (arm) } }
                @if kinds.len() > 1 { td.name { (kind) } }
                @for generation in 1..=last {
                    td {
                        @if let Some(Interval { mean, bounds, .. }) = at(generation).and_then(of) {
                            (number(mean))
                            @if let Some((low, high)) = bounds { (markup::bounds(low, high)) }
                        }
                    }
                }
            }
        }
    }
}

/// The verdicts for a terminal: one line for each arm, if some arm has a yes or a no and there are few arms.
pub(crate) fn terminal(data: &Data, aligned: impl Fn(&[Vec<String>]) -> String) -> Option<String> {
    let arms = arms(data);
    let verdicts = judge(&data.observations(), &arms, &Thresholds::default());
    let decided = |definition: &Definition| {
        verdicts.iter().any(|v| v.definition == *definition && matches!(v.answer, Answer::Yes | Answer::No))
    };
    let known: Vec<Definition> = Definition::ALL.into_iter().filter(decided).collect();
    if known.is_empty() || arms.len() > LINES {
        return None;
    }
    let mut rows = vec![vec!["arm".to_owned()]];
    rows[0].extend(known.iter().map(|definition| short(*definition).to_owned()));
    for arm in &arms {
        let mut row = vec![visible(&arm.name, false)];
        let of = |definition: &Definition| verdicts.iter().find(|v| v.arm == arm.name && v.definition == *definition);
        row.extend(known.iter().map(|definition| of(definition).map_or_else(String::new, word)));
        rows.push(row);
    }
    Some(format!("Collapsed? (from which generation on; 95 %, corrected for the arms)\n{}", aligned(&rows)))
}

fn word(verdict: &Verdict) -> String {
    match (verdict.answer, verdict.since) {
        (Answer::Yes, Some(since)) => format!("yes, {since}"),
        (Answer::Undetermined, _) => "?".to_owned(),
        (Answer::Unmeasured, _) => "-".to_owned(),
        (answer, _) => answer.name().to_owned(),
    }
}

/// Two words at the most.
fn short(definition: Definition) -> &'static str {
    match definition {
        Definition::CatastrophicIncrease => "catastrophe",
        Definition::AnyIncrease => "any increase",
        Definition::DivergingRisk => "diverging",
        Definition::ChangedScaling => "scaling",
        Definition::CollapsingVariance => "variance",
        Definition::EntangledModes => "modes",
        Definition::LostTail => "lost tail",
        Definition::InventedData => "invented",
    }
}
