//! An audit in words.

use std::collections::BTreeMap;

use super::{Audit, Comparison, Flaw};

impl Flaw {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicated => "duplicated",
            Self::Truncated => "truncated",
            Self::TailStripped => "tail-stripped",
            Self::Narrow => "narrow",
            Self::Repetitive => "repetitive",
            Self::Lengths => "lengths",
            Self::Different => "different",
        }
    }

    /// What it means, in a line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Duplicated => "documents repeat other documents",
            Self::Truncated => "documents stop before their end, or at a limit",
            Self::TailStripped => "rare words are missing",
            Self::Narrow => "less varied: frequent words and phrases take more room",
            Self::Repetitive => "documents repeat themselves",
            Self::Lengths => "documents are longer or shorter",
            Self::Different => "the words are others than the human text's",
        }
    }
}

impl Audit {
    /// The flaws that were found, each with the comparisons that show it, the clearest first.
    pub fn findings(&self) -> BTreeMap<Flaw, Vec<&Comparison>> {
        let mut findings = BTreeMap::<Flaw, Vec<&Comparison>>::new();
        for comparison in self.comparisons.iter().filter(|comparison| comparison.found) {
            findings.entry(comparison.flaw).or_default().push(comparison);
        }
        findings.values_mut().for_each(|list| list.sort_by(|a, b| b.deviation.total_cmp(&a.deviation)));
        findings
    }

    /// The verdict in lines of text: what was found, and on what it rests.
    pub fn verdict(&self) -> Vec<String> {
        let findings = self.findings();
        let mut lines = Vec::new();
        if findings.is_empty() {
            lines.push("Nothing found: the data differs from the human text no more than human text does.".to_owned());
        } else {
            let names: Vec<&str> = findings.keys().map(|flaw| flaw.name()).collect();
            lines.push(format!("Found: {}.", names.join(", ")));
        }
        for (flaw, comparisons) in findings {
            lines.push(format!("{}: {}", flaw.name(), flaw.meaning()));
            lines.extend(comparisons.into_iter().map(|comparison| format!("  {}", comparison.line())));
        }
        lines.push(format!(
            "{} documents beside {} human ones, {} words each; a deviation above {:.1} is found, after {} \
             comparisons of human text with other human text.",
            self.compared.documents,
            self.compared.documents,
            self.compared.words,
            self.threshold,
            2 * self.splits
        ));
        lines
    }
}

impl Comparison {
    /// What is compared, for people: `hill 2`.
    pub fn name(&self) -> String {
        let values = self.dimensions.iter().map(|(_, value)| value);
        std::iter::once(self.metric.name).chain(values).collect::<Vec<_>>().join(" ")
    }

    /// The comparison in a line.
    pub fn line(&self) -> String {
        let name = self.name();
        let deviation = format!("{:+.1} deviations", self.deviation);
        format!("{:28} {:>11} human {:>11}  {deviation}", name, number(self.data), number(self.human))
    }
}

/// Four digits, whatever the size.
fn number(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (3 - value.abs().log10().floor() as i32).clamp(0, 8) as usize };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.012345, 1.5, 123.456, 98765.4].map(number);
        assert_eq!(shown, ["0", "0.01235", "1.500", "123.5", "98765"]);
        assert_eq!(number(f64::NAN), "NaN");
    }
}
