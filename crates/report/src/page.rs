//! The page: its order, its head, what came out in words. The tables and texts are in `tables` and `texts`.

use evaluation::statistics::Interval;
use maud::{Markup, html};

use crate::data::{Data, Failure, Origin};
use crate::document::Page;
use crate::figure::Drawn;
use crate::join::Part;
use crate::leaderboard::Board;
use crate::markup::folded;
use crate::quantity::{EXCESS, GRAMMATICAL, Quantity, RARE_FACTS, TEST_PERPLEXITY, VOCABULARY};
use crate::ticks::number;
use crate::{comparison, levels, over_represented, settings, tables, texts, unfinished, untrained, verdicts};

/// Arms whose sentences are shown at once.
const SENTENCES: usize = 12;

/// The page of several runs, read together as `data`.
pub(crate) fn comparison(parts: &[Part], data: &Data, figures: &[Drawn]) -> Page {
    let body = html! {
        (comparison::outline(parts))
        (unfinished::section(data))
        (failures(data))
        (untrained::section(data))
        (comparison::differences(parts))
        (drawings(data, figures))
        (tables::truth(data))
        (tables::main(data))
        (tables::everything(data))
    };
    Page::new(&data.experiment, &body)
}

/// The whole page of an experiment.
pub(crate) fn page(data: &Data, figures: &[Drawn], board: Option<&Board>) -> Page {
    let body = html! {
        @if let Some(question) = &data.question { p.lead { (question) } }
        (outline(data))
        (unfinished::section(data))
        (failures(data))
        (untrained::section(data))
        (summary(data))
        (levels::section(data))
        @if let Some(board) = board { (board.section()) }
        (verdicts::sections(data))
        (drawings(data, figures))
        (tables::truth(data))
        (tables::main(data))
        (tables::ledger(data))
        (over_represented::section(data))
        (texts::section(data))
        (tables::everything(data))
        (settings::section(data))
    };
    Page::new(&data.experiment, &body)
}

/// Size of the experiment, and who made it.
fn outline(data: &Data) -> Markup {
    let arms = || data.arms.iter().map(|arm| arm.name.as_str());
    let generations = arms().flat_map(|arm| data.generations(arm)).max().map_or(0, |last| last + 1);
    let seeds = arms().map(|arm| data.seed_count(arm)).max().unwrap_or(0);
    let path = |origin: &Origin| origin.run.path().display().to_string();
    let alone: Vec<String> = data.origins.iter().filter(|origin| !origin.run.has_stages()).map(path).collect();
    html! {
        p.quiet {
            (counted(data.arms.len(), "arm")) ", " (counted(generations as usize, "generation")) ", up to "
            (counted(seeds, "seed")) "."
            @for origin in &data.origins {
                @if data.origins.len() > 1 { " " (path(origin)) ":" }
                " Made by habsburg " (origin.info.build.version) " on " (origin.info.device) ", begun "
                (origin.info.started) "."
            }
            @if !alone.is_empty() {
                " Without stages, so that texts, times and what is drawn from stages are left out: " (alone.join(", ")) "."
            }
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Chains that are missing from the means, and why.
fn failures(data: &Data) -> Markup {
    let not_finite = data.not_finite();
    if data.failures.is_empty() && not_finite.is_empty() {
        return Markup::default();
    }
    html! {
        div.warn {
            p { b { "Not everything came to its end." } " Means are over the seeds that did." }
            ul {
                @for Failure { chain, generation, reason } in &data.failures {
                    li { b { (chain.to_string()) } " ended at generation " (generation) ": " (reason) }
                }
                @for (key, arm, generation, seed) in not_finite {
                    li {
                        (arm) "/seed-" (seed) ", generation " (generation) ": " (key.to_string())
                        " is no finite number and is left out of the means"
                    }
                }
            }
        }
    }
}

/// One sentence for each arm, without a verdict.
fn summary(data: &Data) -> Markup {
    let list = html! {
        ul {
            @for arm in &data.arms {
                li { b { (arm.name) } ": " (sentence(data, &arm.name)) "." }
            }
        }
    };
    html! {
        h2 { "What came out" }
        @if data.arms.is_empty() {
            p { "Nothing was measured." }
        } @else {
            (folded(data.arms.len(), SENTENCES, "arms, a sentence each", &list))
        }
    }
}

fn sentence(data: &Data, arm: &str) -> String {
    let parts: Vec<String> = if data.is_world() {
        truth(data, arm)
    } else {
        [perplexity(data, arm), vocabulary(data, arm)].into_iter().flatten().collect()
    };
    if parts.is_empty() { "neither perplexity nor vocabulary was measured".to_owned() } else { parts.join("; ") }
}

fn perplexity(data: &Data, arm: &str) -> Option<String> {
    let key = data.view(&TEST_PERPLEXITY)?.key;
    let change = data.ratio(&key, arm)?;
    let at = |generation| data.interval(&key, arm, generation).map(|interval| number(interval.mean));
    let (first, last) = (change.first, change.last);
    let ratio = format!("a ratio of {}{}", number(change.ratio.mean), spread(&change.ratio));
    Some(format!("test perplexity {} in generation {first}, {} in generation {last}, {ratio}", at(first)?, at(last)?))
}

/// Facts about an arm on a generated world.
fn truth(data: &Data, arm: &str) -> Vec<String> {
    let quantities = [
        (&EXCESS, "bits per token above the floor"),
        (&RARE_FACTS, "share of the rare facts that it still knew"),
        (&GRAMMATICAL, "grammatical share of its documents"),
    ];
    let change = |(quantity, words): (&Quantity, &str)| {
        let viewed = data.view(quantity)?;
        let generations = data.generations_of(&viewed.key, arm);
        let at = |generation: Option<&u32>| Some(number(data.shown(&viewed, arm, *generation?)?.mean));
        Some(format!("{words}: first {}, last {}", at(generations.first())?, at(generations.last())?))
    };
    quantities.into_iter().filter_map(change).collect()
}

fn vocabulary(data: &Data, arm: &str) -> Option<String> {
    let viewed = data.view(&VOCABULARY)?;
    let generations = data.generations_of(&viewed.key, arm);
    let at = |generation: Option<&u32>| Some(number(data.interval(&viewed.key, arm, *generation?)?.mean));
    let (first, last) = (at(generations.first())?, at(generations.last())?);
    let human = data.reference(&viewed).map(|share| format!(" (other human text: {})", number(share)));
    Some(format!("share of the human vocabulary that it used: first {first}, last {last}{}", human.unwrap_or_default()))
}

/// ` (95 % interval a to b, n seeds)`.
fn spread(interval: &Interval) -> String {
    let seeds = counted(interval.seeds, "seed");
    match interval.bounds {
        Some((low, high)) => format!(" (95 % interval {} to {}, {seeds})", number(low), number(high)),
        None => format!(" ({seeds})"),
    }
}

fn drawings(data: &Data, figures: &[Drawn]) -> Markup {
    if figures.is_empty() {
        return Markup::default();
    }
    html! {
        h2 { "Figures" }
        p.quiet {
            "Lines are means over seeds. Bands are 95 % intervals (Student’s t over seeds; on the logarithm for loss, \
             perplexity and bits per byte) where there are three seeds or more; two seeds are drawn as open dots. "
            @if data.is_world() {
                "Dashed lines are what the legend says."
            } @else {
                "A dashed line is other human text than the vocabulary was taken from, measured in the same way."
            }
        }
        div.figures {
            @for figure in figures {
                figure class=[figure.wide.then_some("wide")] {
                    (figure.svg.inline(figure.title))
                    figcaption { (figure.caption) }
                }
            }
        }
    }
}
