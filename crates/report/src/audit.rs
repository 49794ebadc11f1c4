//! The page of an audit: the verdict, each statistic beside what human text does against human text, over-represented
//! n-grams, documents that are there more than once. One file, nothing fetched, no script; what was audited may hold
//! anything and is escaped.

use std::path::{Path, PathBuf};

use evaluation::{Audit, Comparison, Measure, OverRepresented, Repeated};
use maud::{Markup, html};

use crate::document::Page;
use crate::error::Result;
use crate::files::write_page;
use crate::over_represented::shortened;
use crate::ticks::number;

/// Width and height of a statistic's strip, and the room at either end, in pixels.
const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 20.0;
const MARGIN: f64 = 8.0;
/// A strip reaches so many thresholds to either side; what is farther stands at its end as an arrow.
const REACH: f64 = 2.5;
/// Characters shown of a repeated document.
const CHARACTERS: usize = 300;

/// Writes `audit.html` into a folder, which is made if it is not there, and gives its path. `data` and `reference` name the
/// texts.
///
/// # Errors
/// If the folder cannot be made or the file not be written.
pub fn write_audit(
    audit: &Audit,
    repeated: &[Repeated<'_>],
    [data, reference]: [&str; 2],
    folder: &Path,
) -> Result<PathBuf> {
    let path = folder.join("audit.html");
    write_page(&path, &page(audit, repeated, [data, reference]))?;
    Ok(path)
}

fn page(audit: &Audit, repeated: &[Repeated<'_>], [data, reference]: [&str; 2]) -> Page {
    let body = html! {
        p.quiet { "Compared with " (reference) "." }
        h2 { "Verdict" }
        (verdict(audit))
        h2 { "Every statistic beside its null band" }
        (statistics(audit))
        h2 { "Over-represented n-grams" }
        (over_represented(&audit.over_represented))
        h2 { "Duplicates" }
        (duplicates(repeated))
        h2 { "Every metric" }
        (measures(&audit.measures))
    };
    Page::new(&format!("Audit of {data}"), &body)
}

fn verdict(audit: &Audit) -> Markup {
    let findings = audit.findings();
    let names = |by: &[&Comparison]| by.iter().map(|comparison| comparison.name()).collect::<Vec<_>>().join(", ");
    html! {
        @if findings.is_empty() {
            p.lead { b { "Nothing found" } ": the data differs from the human text no more than human text does." }
        } @else {
            ul.lead {
                @for (flaw, by) in findings {
                    li { b { (flaw.name()) } ": " (flaw.meaning()) " " small { "(" (names(&by)) ")" } }
                }
            }
        }
        p.quiet {
            (number(audit.compared.documents as f64)) " documents beside as many human ones, "
            (number(audit.compared.words as f64)) " words each. " (number(2.0 * audit.splits as f64))
            " comparisons of human text with other human text say how far chance goes: " (number(audit.threshold))
            " deviations over all statistics together."
        }
    }
}

fn statistics(audit: &Audit) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th.name scope="col" { "Statistic" }
                        th.name scope="col" { "Would show" }
                        th scope="col" { "Data" }
                        th scope="col" { "Human" }
                        th scope="col" { "Null band" }
                        th scope="col" { "Deviation" }
                        th.name scope="col" {}
                    }
                }
                tbody {
                    @for comparison in &audit.comparisons { (statistic(comparison, audit.threshold)) }
                }
                caption {
                    "The null band is where human text beside other human text stays. A deviation counts towards the side that is \
                     wrong, in standard deviations; that of what is found is bold. In the strips the grey is the band, the line \
                     the human value, the dot the data; what is far out is an arrow at the end."
                }
            }
        }
    }
}

fn statistic(comparison: &Comparison, threshold: f64) -> Markup {
    let half = threshold * comparison.scale;
    let deviation = format!("{:+.1}", comparison.deviation);
    html! {
        tr {
            th scope="row" { (comparison.name()) }
            td.name { (comparison.flaw.name()) }
            td { (number(comparison.data)) }
            td { (number(comparison.human)) }
            td { (number(comparison.human - half)) " to " (number(comparison.human + half)) }
            td { @if comparison.found { b { (deviation) } } @else { (deviation) } }
            td { (strip(comparison, threshold)) }
        }
    }
}

/// The band, the human value and the data's on one line.
fn strip(comparison: &Comparison, threshold: f64) -> Markup {
    let at = |deviations: f64| WIDTH / 2.0 + deviations / (REACH * threshold) * (WIDTH / 2.0 - MARGIN);
    let place = |deviations: f64| format!("{:.1}", at(deviations));
    let (left, right, middle) = (at(-threshold), at(threshold), HEIGHT / 2.0);
    let difference = (comparison.data - comparison.human) / comparison.scale;
    let colour = if comparison.found { "var(--warn)" } else { "var(--accent)" };
    html! {
        svg role="img" aria-label={ (format_args!("{difference:+.1}")) " deviations" } width=(WIDTH) height=(HEIGHT)
            viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
            rect x=(place(-threshold)) y="3" width=(format_args!("{:.1}", right - left)) height=(HEIGHT - 6.0)
                fill="var(--grid)" {}
            line x1=(place(0.0)) y1="1" x2=(place(0.0)) y2=(HEIGHT - 1.0) stroke="currentColor" {}
            @if difference.abs() > REACH * threshold && at(difference).is_finite() {
                path d=(arrow(difference > 0.0)) fill=(colour) {}
            } @else if at(difference).is_finite() {
                circle cx=(place(difference)) cy=(middle) r="4" fill=(colour) {}
            }
        }
    }
}

/// The path of an arrow at an end of a strip.
fn arrow(to_the_right: bool) -> String {
    let (tip, base) = if to_the_right { (WIDTH - 1.0, WIDTH - 9.0) } else { (1.0, 9.0) };
    let middle = HEIGHT / 2.0;
    format!("M{tip:.1} {middle}L{base:.1} {}L{base:.1} {}Z", middle - 5.0, middle + 5.0)
}

fn over_represented(found: &[OverRepresented]) -> Markup {
    if found.is_empty() {
        return html! { p { "None: no n-gram is in more documents than human text lets expect." } };
    }
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th.name scope="col" { "N-gram" }
                        th scope="col" { "Documents of the data" }
                        th scope="col" { "Of half the human text" }
                        th scope="col" { "Log-odds" }
                        th scope="col" { "z" }
                    }
                }
                tbody {
                    @for OverRepresented { ngram, documents, human, log_odds, z } in found {
                        tr {
                            th scope="row" { bdi { (shortened(ngram)) } }
                            td { (documents) }
                            td { (human) }
                            td { (format_args!("{log_odds:.2}")) }
                            td { (format_args!("{z:.1}")) }
                        }
                    }
                }
                caption {
                    "N-grams in more documents than human text lets expect, beyond chance over all n-grams. Documents that share a \
                     subject have such n-grams as well."
                }
            }
        }
    }
}

fn duplicates(repeated: &[Repeated<'_>]) -> Markup {
    if repeated.is_empty() {
        return html! { p { "No document is there twice, word for word." } };
    }
    let beginning = |text: &str| match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Copies" }
                        th scope="col" { "First" }
                        th.name scope="col" { "Document" }
                    }
                }
                tbody {
                    @for Repeated { copies, first, text } in repeated {
                        tr {
                            td { (copies) }
                            td { (first + 1) }
                            td.name { div.text dir="auto" { (beginning(text)) } }
                        }
                    }
                }
                caption {
                    "Documents whose words stand in the data more than once, those with most copies; first is the number of the \
                     first of them."
                }
            }
        }
    }
}

fn measures(measures: &[Measure]) -> Markup {
    html! {
        details {
            summary { "All that was measured of the data; what has the reference “human” is of human text" }
            div.scroll {
                table {
                    thead {
                        tr {
                            th.name { "Metric" }
                            th.name { "Dimensions" }
                            th { "Value" }
                        }
                    }
                    tbody {
                        @for Measure { metric, dimensions, value } in measures {
                            tr {
                                td.name { (metric.name) }
                                td.name { (dimensions.to_string()) }
                                td { (number(*value)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evaluation::{Dimension, Dimensions, Extent, Flaw, metric};

    fn comparison(data: f64, found: bool) -> Comparison {
        let (metric, dimensions) = (&metric::DUPLICATE_SHARE, Dimensions::of(&[(Dimension::Part, "exact")]));
        let deviation = (data - 0.1) / 0.02;
        Comparison { flaw: Flaw::Duplicated, metric, dimensions, data, human: 0.1, scale: 0.02, deviation, found }
    }

    fn audit(comparisons: Vec<Comparison>, over_represented: Vec<OverRepresented>) -> Audit {
        let compared = Extent { documents: 100, words: 2000 };
        Audit { compared, splits: 60, threshold: 4.0, comparisons, measures: Vec::new(), over_represented }
    }

    #[test]
    fn the_strip_is_to_scale() {
        // Ten pixels and a half a deviation: (260 / 2 - 8) / 10 = 12.2.
        let dot = |data: f64| strip(&comparison(data, false), 4.0).into_string();
        assert!(dot(0.1).contains("cx=\"130.0\""), "{}", dot(0.1));
        assert!(dot(0.14).contains("cx=\"154.4\""), "{}", dot(0.14));
        assert!(dot(0.1).contains("<rect x=\"81.2\" y=\"3\" width=\"97.6\""), "{}", dot(0.1));
        // Beyond ten deviations there is an arrow; of no number, nothing.
        assert!(!dot(0.9).contains("<circle") && dot(0.9).contains("M259.0 10L251.0 5L251.0 15Z"), "{}", dot(0.9));
        assert!(dot(-0.9).contains("M1.0 10L9.0 5L9.0 15Z"));
        assert!(!dot(f64::NAN).contains("<circle") && !dot(f64::NAN).contains("<path"));
    }

    #[test]
    fn nothing_of_the_data_commands() {
        const HOSTILE: &str = "</td><script>alert('x')</script> & \u{1b}[2J\u{202e}drow \"a\"";
        let one = OverRepresented { ngram: HOSTILE.to_owned(), documents: 9, human: 0, log_odds: 2.0, z: 6.0 };
        let text = format!("{HOSTILE} {}", "z".repeat(1000));
        let repeated = [Repeated { copies: 7, first: 2, text: &text }];
        let page = page(&audit(vec![comparison(0.5, true)], vec![one]), &repeated, [HOSTILE, HOSTILE]);
        let page = page.html();
        assert!(!page.contains("<script") && !page.contains(['\u{1b}', '\u{202e}']));
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));
        assert_eq!(page.matches("&lt;script&gt;").count(), 5, "twice the data, the reference, an n-gram, a document");
        assert!(!page.contains(&"z".repeat(CHARACTERS)), "a long document is cut");
        for what in ["<b>duplicated</b>", "0.0200 to 0.180", "<td>7</td><td>3</td>", "+20.0"] {
            assert!(page.contains(what), "no {what} in {page}");
        }
    }

    #[test]
    fn a_clean_audit_says_so() {
        let page = page(&audit(vec![comparison(0.11, false)], Vec::new()), &[], ["a", "b"]);
        let page = page.html();
        for what in ["Nothing found", "None: no n-gram", "No document is there twice"] {
            assert!(page.contains(what), "no {what}");
        }
    }
}
