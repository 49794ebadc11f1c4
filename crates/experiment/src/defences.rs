//! Every defence in one table: those of `curation`, and those that stand in the objective, the sampler, the weights, the
//! number of models or what is written.

use crate::train::OBJECTIVES;
use curation::{About, Anchor, Cost, Parameter};

/// A defence, and the line of an experiment file that sets it.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Its description, with source, cost and parameters.
    pub about: &'static About,
    /// The line, where it is not `curation = ["name"]`.
    line: Option<&'static str>,
}

impl Listed {
    /// The line of an experiment file that sets it.
    pub fn line(&self) -> String {
        self.line.map_or_else(|| format!("curation = [\"{}\"]", self.about.name), str::to_owned)
    }
}

/// The recipes that have a name, each a human share or none, for the same list.
pub fn recipes() -> &'static [chain::Named] {
    chain::NAMES
}

/// All defences but recipes, for `habsburg plan --defences`.
pub fn defences() -> impl Iterator<Item = Listed> {
    let curated = curation::DEFENCES.iter().map(|about| Listed { about, line: None });
    let targeted = Listed { about: &curation::targeted::TARGET, line: Some(r#"sample.target = "coverage""#) };
    let others = OBJECTIVES.iter().chain(OTHERS);
    curated.chain(others.map(|(line, about)| Listed { about, line: Some(line) })).chain([targeted])
}

/// Those outside `curation` and the objective, each with the line that sets it.
const OTHERS: &[(&str, About)] = &[
    (
        "sample.entropy_match = true",
        About {
            name: "entropy-match",
            about: "writes at the temperature at which written text costs the model what human text does",
            source: "temperature scaling, Guo et al. 2017; entropy rates, Braverman et al. 2020; in a chain: ours",
            cost: Cost {
                anchors: &[Anchor::HumanText],
                compute: "about six scorings of 8,192 held-out tokens in each generation",
            },
            parameters: &[],
        },
    ),
    (
        "sample.systematic = true",
        About {
            name: "systematic",
            about: "writes documents as one systematic sample, so that what is rare comes as often as it should",
            source: "arithmetic sampling, Vilnis et al. 2023, arXiv 2210.15458, for diverse decoding; in a chain: ours",
            cost: Cost { anchors: &[], compute: "nothing" },
            parameters: &[],
        },
    ),
    (
        r#"train = { start = 0, average = { with = "first" } }"#,
        About {
            name: "average",
            about: "averages the trained weights with those of an ancestor from which training began",
            source: "Wortsman et al. 2022, arXiv 2109.01903 and 2203.05482; in a chain: ours",
            cost: Cost { anchors: &[Anchor::FirstModel], compute: "nothing" },
            parameters: &[
                Parameter { name: "with", default: "", about: "\"first\" (generation 0) or \"previous\"" },
                Parameter { name: "share", default: "0.5", about: "the ancestor's share; 0 is none" },
            ],
        },
    ),
    (
        r#"train.start = "latest""#,
        About {
            name: "warm-start",
            about: "begins with the last generation's weights; with generation 0's, where it is 0",
            source: "iterative retraining, Bertrand et al. 2024, arXiv 2310.00429",
            cost: Cost { anchors: &[Anchor::FirstModel], compute: "nothing" },
            parameters: &[],
        },
    ),
    (
        "sample.tokens = 300_000",
        About {
            name: "read-once",
            about: "writes as many tokens as a training takes (train.tokens), so that no document is read twice",
            source: "ours, as a defence",
            cost: Cost { anchors: &[], compute: "writing so much more" },
            parameters: &[],
        },
    ),
    (
        "members = 4",
        About {
            name: "members",
            about: "an ecosystem: several models in each generation, which pool their text",
            source: "Hodel and West 2025, arXiv 2512.15011",
            cost: Cost { anchors: &[], compute: "training and scoring, as many times as there are models" },
            parameters: &[],
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Experiment;

    /// One line in an experiment file sets each, and what the table calls a default is one.
    #[test]
    fn every_line_is_understood() {
        let parse = |line: &str| {
            let arm = format!("[[arm]]\nname = \"it\"\n{line}\n");
            let text = format!("name = \"x\"\n[corpus]\nname = \"chronicle\"\ntokens = 9\n{arm}");
            Experiment::parse(&text, &[]).unwrap_or_else(|e| panic!("{line}: {e}")).arms[0].at(0).clone()
        };
        for listed in defences() {
            let line = listed.line();
            // An ensemble that disagrees has members.
            let more = if listed.about.name == "disagreement" { "\nmembers = 2" } else { "" };
            let arm = parse(&format!("{line}{more}"));
            if let Some(("train.objective", name)) = line.split_once(" = ") {
                let given: Vec<String> = (listed.about.parameters.iter())
                    .map(|parameter| format!("{} = {}", parameter.name, parameter.default))
                    .collect();
                let name = name.trim_matches('"');
                let same = parse(&format!("train.objective = {{ {name} = {{ {} }} }}", given.join(", ")));
                assert_eq!(arm.train().unwrap().objective, same.train().unwrap().objective, "{name}");
                assert_eq!(
                    arm.train().unwrap().objective.reads_human(),
                    !listed.about.cost.anchors.is_empty(),
                    "{name}"
                );
            }
        }
        let names: std::collections::BTreeSet<&str> = defences().map(|listed| listed.about.name).collect();
        assert_eq!(names.len(), defences().count(), "one name each");
        let arm = parse(r#"train = { start = "latest", average = { with = "previous" } }"#);
        assert_eq!(arm.train().unwrap().average.unwrap().share, 0.5);
    }

    #[test]
    fn what_is_impossible_is_refused() {
        let refused = |line: &str| {
            let text =
                format!("name = \"x\"\n[corpus]\nname = \"chronicle\"\ntokens = 9\n[[arm]]\nname = \"it\"\n{line}\n");
            Experiment::parse(&text, &[]).unwrap_err().to_string()
        };
        for (line, why) in [
            (r#"curation = ["disagreement"]"#, "set members = 2 or more"),
            ("sample = { entropy_match = true, temperature = 0.9 }", "sample.entropy_match: finds the temperature"),
            ("sample = { entropy_match = true, top_p = 0.9 }", "sample.entropy_match: finds the temperature"),
            (r#"train.average = { with = "first" }"#, "train.average.with = first: must be an ancestor"),
            (r#"train = { start = 1, average = { with = "first" } }"#, "must be an ancestor"),
            ("train.objective = { label-smoothing = { share = 1.0 } }", "label-smoothing.share = 1: must be a share"),
        ] {
            let error = refused(line);
            assert!(error.contains(why) && error.lines().count() == 1, "{line}: {error}");
        }
    }
}
