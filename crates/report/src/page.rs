//! The page: its order, its head, what came out in words. The tables and texts are in `sections`.

use std::fmt::Write;

use evaluation::statistics::Interval;

use crate::beside;
use crate::catalogue::{Quantity, TEST_PERPLEXITY, VOCABULARY};
use crate::chronicle::{EXCESS, GRAMMATICAL, RARE_FACTS, is_world};
use crate::data::{Data, Part};
use crate::escape::html;
use crate::figure::Drawn;
use crate::leaderboard::Board;
use crate::sections;
use crate::tells;
use crate::ticks::number;
use crate::verdicts;

/// Arms whose sentences are shown at once.
const SENTENCES: usize = 12;

/// A page's beginning: nothing in it is fetched, nothing runs, and the policy forbids both.
fn head(name: &str) -> String {
    let name = html(name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}</title>\n<style>\n{}</style>\n</head>\n<body>\n<h1>{name}</h1>\n",
        include_str!("style.css")
    )
}

/// The page of several runs, read together as `data`.
pub(crate) fn comparison(parts: &[Part], data: &Data, figures: &[Drawn]) -> String {
    let mut page = head(&data.experiment);
    page.push_str(&beside::outline(parts));
    page.push_str(&failures(data));
    page.push_str(&beside::differences(parts));
    page.push_str(&drawings(data, figures));
    page.push_str(&sections::truth_table(data));
    page.push_str(&sections::main_table(data));
    page.push_str(&sections::everything(data));
    page.push_str("</body>\n</html>\n");
    page
}

/// The whole page of a run.
pub(crate) fn page(data: &Data, figures: &[Drawn], board: Option<&Board>) -> String {
    let mut page = head(&data.experiment);
    if let Some(question) = &data.question {
        page.push_str(&format!("<p class=\"lead\">{}</p>\n", html(question)));
    }
    page.push_str(&outline(data));
    page.push_str(&failures(data));
    page.push_str(&summary(data));
    page.push_str(&board.map(Board::section).unwrap_or_default());
    page.push_str(&verdicts::sections(data));
    page.push_str(&drawings(data, figures));
    page.push_str(&sections::truth_table(data));
    page.push_str(&sections::main_table(data));
    page.push_str(&sections::ledger(data));
    page.push_str(&tells::section(data));
    page.push_str(&sections::texts(data));
    page.push_str(&sections::everything(data));
    page.push_str(&sections::settings(data));
    page.push_str("</body>\n</html>\n");
    page
}

/// How large the experiment is.
fn outline(data: &Data) -> String {
    let generations = data.arms.iter().flat_map(|arm| data.generations(arm)).max().map_or(0, |last| last + 1);
    let seeds = data.arms.iter().map(|arm| data.seed_count(arm)).max().unwrap_or(0);
    let mut line = format!(
        "{}, {}, up to {}.",
        counted(data.arms.len(), "arm"),
        counted(generations as usize, "generation"),
        counted(seeds, "seed")
    );
    if let Some(info) = &data.info {
        let _ = write!(line, " Made by habsburg {} on {}, begun {}.", info.habsburg, info.device, info.started);
    }
    format!("<p class=\"quiet\">{}</p>\n", html(&line))
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// What is missing from the means, and why.
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
        let what = format!("{arm}/seed-{seed}, generation {generation}: {} {} {}", key.0, key.1, key.2);
        let _ = writeln!(items, "<li>{} is no finite number and is left out of the means</li>", html(what.trim_end()));
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
    let sentences: Vec<String> = data.arms.iter().map(|arm| sentence(data, arm)).collect();
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
    let parts: Vec<String> = if is_world(data) {
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

/// What is known of an arm on a generated world.
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
    let human = data.human(&viewed).map(|share| format!(" (other human text: {})", number(share)));
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
    let dashed = if is_world(data) {
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
