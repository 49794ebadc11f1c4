//! The page: its order, its head, what came out in words. The tables and texts are in `tables` and `texts`.

use std::fmt::Write;

use evaluation::statistics::Interval;

use crate::data::{Data, Origin};
use crate::document::document;
use crate::escape::html;
use crate::figure::Drawn;
use crate::join::Part;
use crate::leaderboard::Board;
use crate::quantity::{EXCESS, GRAMMATICAL, Quantity, RARE_FACTS, TEST_PERPLEXITY, VOCABULARY};
use crate::ticks::number;
use crate::{comparison, levels, over_represented, settings, tables, texts, unfinished, untrained, verdicts};

/// Arms whose sentences are shown at once.
const SENTENCES: usize = 12;

/// The page of several runs, read together as `data`.
pub(crate) fn comparison(parts: &[Part], data: &Data, figures: &[Drawn]) -> String {
    let sections = [
        comparison::outline(parts),
        unfinished::section(data),
        failures(data),
        untrained::section(data),
        comparison::differences(parts),
        drawings(data, figures),
        tables::truth(data),
        tables::main(data),
        tables::everything(data),
    ];
    document(&data.experiment, &sections.concat())
}

/// The whole page of an experiment.
pub(crate) fn page(data: &Data, figures: &[Drawn], board: Option<&Board>) -> String {
    let question = data.question.iter().map(|question| format!("<p class=\"lead\">{}</p>\n", html(question)));
    let sections = [
        question.collect(),
        outline(data),
        unfinished::section(data),
        failures(data),
        untrained::section(data),
        summary(data),
        levels::section(data),
        board.map(Board::section).unwrap_or_default(),
        verdicts::sections(data),
        drawings(data, figures),
        tables::truth(data),
        tables::main(data),
        tables::ledger(data),
        over_represented::section(data),
        texts::section(data),
        tables::everything(data),
        settings::section(data),
    ];
    document(&data.experiment, &sections.concat())
}

/// Size of the experiment.
fn outline(data: &Data) -> String {
    let arms = || data.arms.iter().map(|arm| arm.name.as_str());
    let generations = arms().flat_map(|arm| data.generations(arm)).max().map_or(0, |last| last + 1);
    let seeds = arms().map(|arm| data.seed_count(arm)).max().unwrap_or(0);
    let mut line = format!(
        "{}, {}, up to {}.",
        counted(data.arms.len(), "arm"),
        counted(generations as usize, "generation"),
        counted(seeds, "seed")
    );
    for Origin { run, info, .. } in &data.origins {
        let name = if data.origins.len() > 1 { format!(" {}:", run.path().display()) } else { String::new() };
        let _ =
            write!(line, "{name} Made by habsburg {} on {}, begun {}.", info.build.version, info.device, info.started);
    }
    let alone = data.origins.iter().filter(|origin| !origin.run.has_stages());
    let alone: Vec<String> = alone.map(|origin| origin.run.path().display().to_string()).collect();
    if !alone.is_empty() {
        let _ = write!(
            line,
            " Without stages, so that texts, times and what is drawn from stages are left out: {}.",
            alone.join(", ")
        );
    }
    format!("<p class=\"quiet\">{}</p>\n", html(&line))
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Chains that are missing from the means, and why.
fn failures(data: &Data) -> String {
    let mut items = String::new();
    for failure in &data.failures {
        let chain = html(&failure.chain.to_string());
        let _ = writeln!(
            items,
            "<li><b>{chain}</b> ended at generation {}: {}</li>",
            failure.generation,
            html(&failure.reason)
        );
    }
    for (key, arm, generation, seed) in data.not_finite() {
        let what = format!("{arm}/seed-{seed}, generation {generation}: {key}");
        let _ = writeln!(items, "<li>{} is no finite number and is left out of the means</li>", html(&what));
    }
    if items.is_empty() {
        return items;
    }
    format!(
        "<div class=\"warn\"><p><b>Not everything came to its end.</b> Means are over the seeds that did.</p>\n<ul>\n{items}</ul></div>\n"
    )
}

/// One sentence for each arm, without a verdict.
fn summary(data: &Data) -> String {
    let sentences: Vec<String> = data.arms.iter().map(|arm| sentence(data, &arm.name)).collect();
    let mut text = String::from("<h2>What came out</h2>\n");
    if sentences.is_empty() {
        text.push_str("<p>Nothing was measured.</p>\n");
        return text;
    }
    let items: String = sentences.iter().map(|sentence| format!("<li>{sentence}</li>\n")).collect();
    let list = format!("<ul>\n{items}</ul>\n");
    text.push_str(&match sentences.len() {
        0..=SENTENCES => list,
        many => format!("<details><summary>{many} arms, a sentence each</summary>\n{list}</details>\n"),
    });
    text
}

fn sentence(data: &Data, arm: &str) -> String {
    let parts: Vec<String> = if data.is_world() {
        truth(data, arm)
    } else {
        [perplexity(data, arm), vocabulary(data, arm)].into_iter().flatten().collect()
    };
    let nothing = || "neither perplexity nor vocabulary was measured".to_owned();
    let said = if parts.is_empty() { nothing() } else { parts.join("; ") };
    format!("<b>{}</b>: {}.", html(arm), html(&said))
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

fn drawings(data: &Data, figures: &[Drawn]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let dashed = if data.is_world() {
        "Dashed lines are what the legend says."
    } else {
        "A dashed line is other human text than the vocabulary was taken from, measured in the same way."
    };
    let mut text = format!(
        "<h2>Figures</h2>\n<p class=\"quiet\">Lines are means over seeds. Bands are 95 % intervals (Student’s t over seeds; \
         on the logarithm for loss, perplexity and bits per byte) where there are three seeds or more; two seeds are \
         drawn as open dots. {dashed}</p>\n<div class=\"figures\">\n",
    );
    for figure in figures {
        let class = if figure.wide { " class=\"wide\"" } else { "" };
        let _ = writeln!(
            text,
            "<figure{class}>\n{}<figcaption>{}</figcaption>\n</figure>",
            figure.inline(),
            html(&figure.caption)
        );
    }
    text.push_str("</div>\n");
    text
}
