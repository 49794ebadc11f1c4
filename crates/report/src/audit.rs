//! The page of an audit: the verdict, each statistic beside what human text does against human text, over-represented
//! n-grams, documents that are there more than once. One file, nothing fetched, no script; what was audited may hold
//! anything and is escaped.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use evaluation::{Audit, Comparison, Measure, OverRepresented, Repeated};

use crate::document::document;
use crate::error::Result;
use crate::escape::html;
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

fn page(audit: &Audit, repeated: &[Repeated<'_>], [data, reference]: [&str; 2]) -> String {
    let against = format!("<p class=\"quiet\">Compared with {}.</p>\n", html(reference));
    let sections = [
        against,
        verdict(audit),
        statistics(audit),
        over_represented(&audit.over_represented),
        duplicates(repeated),
        measures(&audit.measures),
    ];
    document(&format!("Audit of {data}"), &sections.concat())
}

fn verdict(audit: &Audit) -> String {
    let findings = audit.findings();
    let mut section = String::from("<h2>Verdict</h2>\n");
    if findings.is_empty() {
        section.push_str(
            "<p class=\"lead\"><b>Nothing found</b>: the data differs from the human text no more than human text does.</p>\n",
        );
    } else {
        section.push_str("<ul class=\"lead\">\n");
        for (flaw, comparisons) in findings {
            let by: Vec<String> = comparisons.iter().map(|comparison| html(&comparison.name())).collect();
            let (flaw, meaning) = (html(flaw.name()), html(flaw.meaning()));
            let _ = writeln!(section, "<li><b>{flaw}</b>: {meaning} <small>({})</small></li>", by.join(", "));
        }
        section.push_str("</ul>\n");
    }
    let _ = writeln!(
        section,
        "<p class=\"quiet\">{} documents beside as many human ones, {} words each. {} comparisons of human text with other human \
         text say how far chance goes: {} deviations over all statistics together.</p>",
        number(audit.compared.documents as f64),
        number(audit.compared.words as f64),
        number(2.0 * audit.splits as f64),
        number(audit.threshold)
    );
    section
}

fn statistics(audit: &Audit) -> String {
    let mut section = String::from(
        "<h2>Every statistic beside its null band</h2>\n<div class=\"scroll\"><table>\n<thead><tr>\
         <th class=\"name\" scope=\"col\">Statistic</th><th class=\"name\" scope=\"col\">Would show</th>\
         <th scope=\"col\">Data</th><th scope=\"col\">Human</th><th scope=\"col\">Null band</th>\
         <th scope=\"col\">Deviation</th><th class=\"name\" scope=\"col\"></th></tr></thead>\n<tbody>\n",
    );
    for comparison in &audit.comparisons {
        let half = audit.threshold * comparison.scale;
        let band = format!("{} to {}", number(comparison.human - half), number(comparison.human + half));
        let (open, close) = if comparison.found { ("<b>", "</b>") } else { ("", "") };
        let _ = writeln!(
            section,
            "<tr><th scope=\"row\">{}</th><td class=\"name\">{}</td><td>{}</td><td>{}</td><td>{band}</td>\
             <td>{open}{:+.1}{close}</td><td>{}</td></tr>",
            html(&comparison.name()),
            html(comparison.flaw.name()),
            number(comparison.data),
            number(comparison.human),
            comparison.deviation,
            strip(comparison, audit.threshold)
        );
    }
    section.push_str(
        "</tbody>\n<caption>The null band is where human text beside other human text stays. A deviation counts towards the \
         side that is wrong, in standard deviations; that of what is found is bold. In the strips the grey is the band, the line \
         the human value, the dot the data; what is far out is an arrow at the end.</caption>\n</table></div>\n",
    );
    section
}

/// The band, the human value and the data's on one line.
fn strip(comparison: &Comparison, threshold: f64) -> String {
    let at = |deviations: f64| WIDTH / 2.0 + deviations / (REACH * threshold) * (WIDTH / 2.0 - MARGIN);
    let (left, right, middle) = (at(-threshold), at(threshold), HEIGHT / 2.0);
    let difference = (comparison.data - comparison.human) / comparison.scale;
    let class = if comparison.found { "var(--warn)" } else { "var(--accent)" };
    let mark = if !difference.is_finite() || !at(difference).is_finite() {
        String::new()
    } else if difference.abs() > REACH * threshold {
        let (tip, base) = match difference > 0.0 {
            true => (WIDTH - 1.0, WIDTH - 9.0),
            false => (1.0, 9.0),
        };
        format!(
            "<path d=\"M{tip:.1} {middle}L{base:.1} {}L{base:.1} {}Z\" fill=\"{class}\"/>",
            middle - 5.0,
            middle + 5.0
        )
    } else {
        format!("<circle cx=\"{:.1}\" cy=\"{middle}\" r=\"4\" fill=\"{class}\"/>", at(difference))
    };
    format!(
        "<svg role=\"img\" aria-label=\"{difference:+.1} deviations\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\"><rect x=\"{left:.1}\" y=\"3\" width=\"{:.1}\" height=\"{}\" fill=\"var(--grid)\"/>\
         <line x1=\"{:.1}\" y1=\"1\" x2=\"{:.1}\" y2=\"{}\" stroke=\"currentColor\"/>{mark}</svg>",
        right - left,
        HEIGHT - 6.0,
        at(0.0),
        at(0.0),
        HEIGHT - 1.0
    )
}

fn over_represented(found: &[OverRepresented]) -> String {
    if found.is_empty() {
        return "<h2>Over-represented n-grams</h2>\n<p>None: no n-gram is in more documents than human text lets expect.</p>\n".to_owned();
    }
    let mut section = String::from(
        "<h2>Over-represented n-grams</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th class=\"name\" scope=\"col\">N-gram</th>\
         <th scope=\"col\">Documents of the data</th><th scope=\"col\">Of half the human text</th><th scope=\"col\">Log-odds</th>\
         <th scope=\"col\">z</th></tr></thead>\n<tbody>\n",
    );
    for one in found {
        let _ = writeln!(
            section,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td>{}</td><td>{}</td><td>{:.2}</td><td>{:.1}</td></tr>",
            html(&shortened(&one.ngram)),
            one.documents,
            one.human,
            one.log_odds,
            one.z
        );
    }
    section.push_str(
        "</tbody>\n<caption>N-grams in more documents than human text lets expect, beyond chance over all n-grams. Documents \
         that share a subject have such n-grams as well.</caption>\n</table></div>\n",
    );
    section
}

fn duplicates(repeated: &[Repeated<'_>]) -> String {
    if repeated.is_empty() {
        return "<h2>Duplicates</h2>\n<p>No document is there twice, word for word.</p>\n".to_owned();
    }
    let mut section = String::from(
        "<h2>Duplicates</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Copies</th><th scope=\"col\">First</th>\
         <th class=\"name\" scope=\"col\">Document</th></tr></thead>\n<tbody>\n",
    );
    for repeated in repeated {
        let (text, more) = match repeated.text.char_indices().nth(CHARACTERS) {
            Some((end, _)) => (&repeated.text[..end], "…"),
            None => (repeated.text, ""),
        };
        let _ = writeln!(
            section,
            "<tr><td>{}</td><td>{}</td><td class=\"name\"><div class=\"text\" dir=\"auto\">{}{more}</div></td></tr>",
            repeated.copies,
            repeated.first + 1,
            html(text)
        );
    }
    section.push_str(
        "</tbody>\n<caption>Documents whose words stand in the data more than once, those with most copies; first is the number of \
         the first of them.</caption>\n</table></div>\n",
    );
    section
}

fn measures(measures: &[Measure]) -> String {
    let rows: String = measures
        .iter()
        .map(|measure| {
            format!(
                "<tr><td class=\"name\">{}</td><td class=\"name\">{}</td><td>{}</td></tr>\n",
                html(measure.metric.name),
                html(&measure.dimensions.to_string()),
                number(measure.value)
            )
        })
        .collect();
    format!(
        "<h2>Every metric</h2>\n<details><summary>All that was measured of the data; what has the reference “human” is of human \
         text</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th class=\"name\">Metric</th><th class=\"name\">Dimensions</th>\
         <th>Value</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</details>\n"
    )
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
        let dot = |data: f64| strip(&comparison(data, false), 4.0);
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
        for what in ["Nothing found", "None: no n-gram", "No document is there twice"] {
            assert!(page.contains(what), "no {what}");
        }
    }
}
