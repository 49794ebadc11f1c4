//! Verdicts on the page and in a terminal: which of the eight definitions of collapse hold for an arm, how arms differ, and
//! what each generation adds to the damage.

use std::fmt::Write;

use evaluation::statistics::Interval;
use evaluation::verdicts::{
    Answer, Arm, Definition, Difference, Observations, Step, Thresholds, Verdict, damage, differences, judge,
};

use crate::data::Data;
use crate::escape::{html, visible};
use crate::ticks::number;

/// Arms of which all pairs are compared; of more, each with its control.
const PAIRED: usize = 8;
/// Arms that a terminal's table has room for.
const LINES: usize = 8;

/// The sections of the page; empty if nothing can be said.
pub(crate) fn sections(data: &Data) -> String {
    let rows = data.observations();
    let arms = arms(data);
    [verdict_table(data, &rows, &arms), difference_table(&rows, &arms), damage_table(&rows, &arms)].concat()
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

fn verdict_table(data: &Data, rows: &Observations, arms: &[Arm]) -> String {
    let limits = Thresholds::default();
    let verdicts = judge(rows, arms, &limits);
    let (known, unknown) = split(&verdicts, arms);
    if known.is_empty() {
        return String::new();
    }
    let columns: Vec<Column> = known.iter().map(|definition| Column::of(*definition, &verdicts)).collect();
    let mut table = format!(
        "<h2>Verdicts</h2>\n<p class=\"quiet\">Eight definitions of model collapse are in use (Schaeffer et al. 2025). \
         Yes and no are statements at 95 % over all arms together (Student’s t over seeds, paired with the control where \
         there is one; Holm’s correction) and take {} seeds. Below them the statistic and its 95 % bounds, in the head what \
         they are held against. A definition that holds for the control too is about the model, not about the \
         loop.{}</p>\n<div class=\"scroll\"><table class=\"verdicts\">\n<thead><tr><th class=\"name\" scope=\"col\">Arm</th>{}</tr></thead>\n<tbody>\n",
        limits.seeds,
        few(&verdicts, &limits),
        columns.iter().map(Column::head).collect::<String>()
    );
    for arm in &data.arms {
        let cells: String = columns.iter().map(|column| column.cell(&arm.name)).collect();
        let control = if arm.role.is_human() { "<small>control</small>" } else { "" };
        let _ = writeln!(table, "<tr><th scope=\"row\">{}{control}</th>{cells}</tr>", html(&arm.name));
    }
    let statistics: Vec<String> = known.iter().map(|d| format!("{}: {}", capital(d.name()), d.statistic())).collect();
    let _ = write!(table, "</tbody>\n<caption>{}.", html(&statistics.join("; ")));
    if !unknown.is_empty() {
        let list: Vec<String> = unknown.iter().map(|(d, why)| format!("{} ({why})", d.name())).collect();
        let _ = write!(table, " Unmeasured here: {}.", html(&list.join("; ")));
    }
    table.push_str("</caption>\n</table></div>\n");
    table
}

/// What a run of too few seeds is told once.
fn few(verdicts: &[Verdict], limits: &Thresholds) -> String {
    let most = verdicts.iter().filter_map(|verdict| verdict.evidence).map(|evidence| evidence.seeds).max().unwrap_or(0);
    match most < limits.seeds {
        true => format!(" <b>This run has {most}: nothing is determined.</b>"),
        false => String::new(),
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

    fn head(&self) -> String {
        let above = self.verdicts.iter().find_map(|verdict| verdict.evidence).is_some_and(|evidence| evidence.above);
        let side = if above { "above" } else { "below" };
        let limit = self.limit.map(|limit| format!("<small>{side} {}</small>", number(limit))).unwrap_or_default();
        format!("<th class=\"name\" scope=\"col\">{}{limit}</th>", capital(self.definition.name()))
    }

    fn cell(&self, arm: &str) -> String {
        let Some(verdict) = self.verdicts.iter().find(|verdict| verdict.arm == arm) else {
            return "<td></td>".to_owned();
        };
        let Some(evidence) = &verdict.evidence else {
            return "<td class=\"unmeasured\">–</td>".to_owned();
        };
        let mut notes = vec![number(evidence.statistic)];
        let (low, high) = evidence.bounds;
        if low.is_finite() && high.is_finite() {
            notes[0].push_str(&format!(" ({} to {})", number(low), number(high)));
        }
        if self.limit.is_none() {
            notes.push(format!("limit {}", number(evidence.threshold)));
        }
        let said = verdict.answer == Answer::Undetermined && self.uniform;
        notes.extend(Some(html(&verdict.note)).filter(|note| !note.is_empty() && !said));
        let notes: String = notes.iter().map(|note| format!("<small>{note}</small>")).collect();
        let since = verdict.since.map(|g| format!(" from generation {g}")).unwrap_or_default();
        let answer = verdict.answer.name();
        format!("<td class=\"{answer}\"><b>{answer}</b>{since}{notes}</td>")
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn difference_table(rows: &Observations, arms: &[Arm]) -> String {
    let names = || arms.iter().map(|arm| arm.name.as_str());
    let pairs: Vec<(&str, &str)> = if arms.len() <= PAIRED {
        names().enumerate().flat_map(|(i, first)| names().skip(i + 1).map(move |second| (first, second))).collect()
    } else {
        arms.iter().filter_map(|arm| Some((arm.name.as_str(), arm.control.as_deref()?))).collect()
    };
    let found = differences(rows, &pairs);
    if found.is_empty() {
        return String::new();
    }
    let mut table = String::from(
        "<h2>Differences between arms</h2>\n<div class=\"scroll\"><table>\n<caption>Test loss of the last generation, \
         paired by seed: arms of one seed share their human text and their random draws. The ratio is the geometric mean, \
         and bits per byte have the same; intervals are 95 % for each row alone, p is of a paired t test on the logarithm \
         with Holm’s correction over all rows.</caption>\n<thead><tr><th class=\"name\" scope=\"col\">Arm</th>\
         <th class=\"name\" scope=\"col\">less</th><th scope=\"col\">Generation</th><th scope=\"col\">Seeds</th>\
         <th scope=\"col\">Ratio of losses</th><th scope=\"col\">Nats per token</th><th scope=\"col\">p</th></tr></thead>\n<tbody>\n",
    );
    let mut before = "";
    for difference in &found {
        let begins = if difference.first == before { "" } else { " class=\"begins\"" };
        let name = if difference.first == before { String::new() } else { html(&difference.first) };
        before = &difference.first;
        let _ = writeln!(table, "<tr{begins}><th scope=\"row\">{name}</th>{}</tr>", difference_cells(difference));
    }
    table.push_str("</tbody>\n</table></div>\n");
    table
}

fn difference_cells(difference: &Difference) -> String {
    let between = |low: f64, high: f64| match low.is_finite() && high.is_finite() && difference.seeds >= 3 {
        true => format!("<small>{} to {}</small>", number(low), number(high)),
        false => String::new(),
    };
    let (mean, low, high) = difference.nats;
    let p = if difference.p < 0.001 { "&lt; 0.001".to_owned() } else { format!("{:.3}", difference.p) };
    format!(
        "<td class=\"name\">{}</td><td>{}</td><td>{}</td><td>{}{}</td><td>{}{}</td><td>{p}</td>",
        html(&difference.second),
        difference.generation,
        difference.seeds,
        number(difference.ratio),
        between(difference.bounds.0, difference.bounds.1),
        number(mean),
        between(low, high)
    )
}

/// What a step says, and its name.
type Kind = (&'static str, fn(&Step) -> Option<Interval>);
const KINDS: [Kind; 2] = [("damage", |step| step.added), ("learning", |step| step.learning)];

/// Arms by generations, what each adds.
fn damage_table(rows: &Observations, arms: &[Arm]) -> String {
    let of = |arm: &Arm| Some((arm.name.clone(), damage(rows, arm))).filter(|(_, steps)| !steps.is_empty());
    let found: Vec<(String, Vec<Step>)> = arms.iter().filter_map(of).collect();
    let last = found.iter().flat_map(|(_, steps)| steps).map(|step| step.generation).max();
    let Some(last) = last else {
        return String::new();
    };
    let learning = found.iter().flat_map(|(_, steps)| steps).any(|step| step.learning.is_some());
    let mut caption =
        "Nats per token of human test text that each generation adds to the distance from its control; below \
                       it the 95 % interval, paired by seed."
            .to_owned();
    if learning {
        caption.push_str(
            " Learning: what a model spends on new text of its parent’s, which nobody was trained on, beyond what the \
             parent does: at temperature 1 without truncation an estimate of the divergence between the two.",
        );
    }
    let head: String = (1..=last).map(|g| format!("<th scope=\"col\">{g}</th>")).collect();
    let what = if learning { "<th class=\"name\" scope=\"col\"></th>" } else { "" };
    let mut table = format!(
        "<h2>What each generation adds</h2>\n<div class=\"scroll\"><table>\n<caption>{}</caption>\n<thead><tr>\
         <th class=\"name\" scope=\"col\">Arm</th>{what}{head}</tr></thead>\n<tbody>\n",
        html(&caption)
    );
    for (name, steps) in &found {
        let mut name = html(name);
        for (kind, of) in KINDS.into_iter().take(if learning { 2 } else { 1 }) {
            let kind = if learning { format!("<td class=\"name\">{kind}</td>") } else { String::new() };
            let at = |g: u32| steps.iter().find(|step| step.generation == g).and_then(of);
            let cells: String = (1..=last).map(|g| step_cell(at(g))).collect();
            let begins = if name.is_empty() { "" } else { " class=\"begins\"" };
            let _ =
                writeln!(table, "<tr{begins}><th scope=\"row\">{}</th>{kind}{cells}</tr>", std::mem::take(&mut name));
        }
    }
    table.push_str("</tbody>\n</table></div>\n");
    table
}

fn step_cell(interval: Option<Interval>) -> String {
    let Some(Interval { mean, bounds, .. }) = interval else {
        return "<td></td>".to_owned();
    };
    let bounds = bounds.map(|(low, high)| format!("<small>{} to {}</small>", number(low), number(high)));
    format!("<td>{}{}</td>", number(mean), bounds.unwrap_or_default())
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
