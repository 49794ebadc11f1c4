//! A list of defences, as an experiment file has it: names, or tables of one name and its parameters.

use std::collections::BTreeSet;
use std::fmt;

use corpus::Origin;
use evaluation::{Dimension, Measure, Metric, metric};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::candidate::{About, Anchor, Candidate, Context, Defence, Verdict};
use crate::detector::Detector;
use crate::disagreement::Disagreement;
use crate::dispersion::Dispersion;
use crate::duplicates::NearDuplicates;
use crate::editing::TokenEditing;
use crate::error::Error;
use crate::labels::{FilterByLabel, Labels};
use crate::nearest::nearest;
use crate::over_represented::OverRepresented;
use crate::perplexity::{PerplexityHigh, PerplexityLow};
use crate::verifier::Verifier;
use crate::watermark::Watermark;

/// One type for all defences, and what follows from its list of them.
macro_rules! steps {
    ($($(#[$doc:meta])* $variant:ident($settings:ty),)+) => {
        /// A defence with its parameters.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Step {
            $($(#[$doc])* $variant($settings),)+
        }

        /// All defences, for `habsburg plan --defences`.
        pub const DEFENCES: &[About] = &[$(<$settings>::ABOUT),+];

        impl Step {
            /// The defence of this name with its defaults.
            pub fn named(name: &str) -> Option<Self> {
                $(if name == <$settings>::ABOUT.name {
                    return Some(Self::$variant(<$settings>::default()));
                })+
                None
            }

            /// Its effect.
            pub fn defence(&self) -> &dyn Defence {
                match self {
                    $(Self::$variant(settings) => settings,)+
                }
            }

            fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
                $(if name == <$settings>::ABOUT.name {
                    return Ok(Self::$variant(map.next_value()?));
                })+
                Err(A::Error::custom(unknown(name)))
            }
        }

        impl Serialize for Step {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(1))?;
                match self {
                    $(Self::$variant(settings) => map.serialize_entry(self.defence().name(), settings)?,)+
                }
                map.end()
            }
        }
    };
}

steps! {
    /// Labels of origin.
    FilterByLabel(FilterByLabel),
    /// A classifier.
    Detector(Detector),
    /// The writers' watermark.
    Watermark(Watermark),
    /// Surprising text.
    PerplexityHigh(PerplexityHigh),
    /// Likely text.
    PerplexityLow(PerplexityLow),
    /// Best of n.
    Verifier(Verifier),
    /// Agreement of an ensemble.
    Disagreement(Disagreement),
    /// The first of its kind.
    NearDuplicates(NearDuplicates),
    /// Far apart.
    Dispersion(Dispersion),
    /// Against what is written too often.
    OverRepresented(OverRepresented),
    /// Certain tokens drawn again.
    TokenEditing(TokenEditing),
}

fn unknown(name: &str) -> String {
    let names = || DEFENCES.iter().map(|about| about.name);
    match nearest(name, names()) {
        Some(near) => {
            format!("unknown defence `{name}`; did you mean `{near}`? (`habsburg plan --defences` lists all)")
        }
        None => format!("unknown defence `{name}`; there are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a defence's name (\"detector\") or its parameters ({ detector = { keep = 0.8 } })")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Step, E> {
        let step = Step::named(name).ok_or_else(|| E::custom(unknown(name)))?;
        step.defence().check().map_err(E::custom)?;
        Ok(step)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(A::Error::custom("an empty table names no defence: write { detector = { keep = 0.8 } }"));
        };
        let step = Step::read(&name, &mut map)?;
        if let Some(other) = map.next_key::<String>()? {
            return Err(A::Error::custom(format!(
                "one table for each defence, in their order: [{{ {name} = ... }}, {{ {other} = ... }}]"
            )));
        }
        step.defence().check().map_err(A::Error::custom)?;
        Ok(step)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

/// Defences in the order in which they are applied: each sees what the one before kept. The empty list is no defence.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Curation(Vec<Step>);

impl Curation {
    /// No defence.
    pub const NONE: Self = Self(Vec::new());

    /// A list of defences.
    ///
    /// # Errors
    /// Parameters out of range, a defence that is there twice, or token editing before others.
    pub fn new(steps: Vec<Step>) -> Result<Self, Error> {
        for (at, step) in steps.iter().enumerate() {
            step.defence().check()?;
            let name = step.defence().name();
            if steps[..at].iter().any(|before| before.defence().name() == name) {
                return Err(Error::Twice(name));
            }
            if matches!(step, Step::TokenEditing(_)) && at + 1 < steps.len() {
                return Err(Error::NotLast(name));
            }
        }
        Ok(Self(steps))
    }

    /// The defences in their order.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// True if there is no defence.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How labels err in this list: as its `filter-by-label` says.
    pub fn labels(&self) -> Labels {
        let said = self.0.iter().find_map(|step| match step {
            Step::FilterByLabel(filter) => Some(filter.0),
            _ => None,
        });
        said.unwrap_or_default()
    }

    /// True if this list has anything to say about a source whose text is known to be human.
    pub fn judges_human(&self) -> bool {
        self.0.iter().any(|step| step.defence().judges_human())
    }

    /// The largest share of the documents that this list can keep of what a generation wrote, as far as its parameters
    /// say.
    pub fn most(&self) -> f64 {
        self.0.iter().map(|step| step.defence().most()).product()
    }

    /// The same of human text in a source that is judged as a whole.
    pub fn most_human(&self) -> f64 {
        self.0.iter().map(|step| step.defence().most_human()).product()
    }

    /// The name of the first defence that has a property, as in `first(|defence| defence.weighs())`.
    pub fn first(&self, property: impl Fn(&dyn Defence) -> bool) -> Option<&'static str> {
        self.0.iter().map(Step::defence).find(|defence| property(*defence)).map(Defence::name)
    }

    /// True if a defence asks the world for the truth.
    pub fn needs_world(&self) -> bool {
        self.0.iter().any(|step| step.defence().cost().anchors.contains(&Anchor::Truth))
    }

    /// The anchors that the list brings into the loop beside the recipe, each once.
    pub fn anchors(&self) -> BTreeSet<Anchor> {
        self.0.iter().flat_map(|step| step.defence().cost().anchors).copied().collect()
    }

    /// The same of the defences that judge text which is known to be human.
    pub fn anchors_of_human(&self) -> BTreeSet<Anchor> {
        let asked = self.0.iter().map(Step::defence).filter(|defence| defence.judges_human());
        asked.flat_map(|defence| defence.cost().anchors).copied().collect()
    }

    /// [`Curation::judge`] on a source that is known to be human: by the defences that judge human text
    /// ([`Defence::judges_human`]) and no other.
    ///
    /// # Errors
    /// The first defence's that cannot judge.
    pub fn judge_human(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        self.judge_by(candidates, context, |defence| defence.judges_human())
    }

    /// Judges the candidates of one source: labels are set, then each defence sees what the one before kept. Weights
    /// and copies multiply. Each measure names its defence; beside the defences' own there are `kept` (share of the
    /// documents that it was shown), `kept-human` and `kept-synthetic` (by their true origin).
    ///
    /// # Errors
    /// The first defence's that cannot judge.
    pub fn judge(&self, candidates: &[Candidate<'_>], context: &Context<'_>) -> Result<Verdict, Error> {
        self.judge_by(candidates, context, |_| true)
    }

    fn judge_by(
        &self,
        candidates: &[Candidate<'_>],
        context: &Context<'_>,
        is_asked: impl Fn(&dyn Defence) -> bool,
    ) -> Result<Verdict, Error> {
        let mut candidates = candidates.to_vec();
        self.labels().set(&mut candidates, context.streams);
        let mut verdict = Verdict::undefended(candidates.len());
        let mut left: Vec<usize> = (0..candidates.len()).collect();
        for defence in self.0.iter().map(Step::defence).filter(|defence| is_asked(*defence)) {
            let shown: Vec<Candidate<'_>> = left.iter().map(|&at| candidates[at]).collect();
            let given = defence.judge(&shown, context)?;
            assert_eq!(given.decisions.len(), shown.len(), "one decision for each candidate");
            let kept = kept(&shown, &given);
            let measures = given.measures.into_iter().chain(kept);
            verdict.measures.extend(measures.map(|measure| measure.with(Dimension::Defence, defence.name())));
            left.iter().zip(given.decisions).for_each(|(&at, decision)| verdict.decisions[at].then(decision));
            left.retain(|&at| verdict.decisions[at].keep);
        }
        Ok(verdict)
    }
}

/// How much was kept; shares of nothing are left out.
fn kept(shown: &[Candidate<'_>], given: &Verdict) -> Vec<Measure> {
    let share = |metric: &'static Metric, of: &dyn Fn(Origin) -> bool| {
        let of: Vec<bool> = (shown.iter().zip(&given.decisions))
            .filter(|(candidate, _)| of(candidate.document.provenance.origin))
            .map(|(_, decision)| decision.keep)
            .collect();
        let value = of.iter().filter(|&&keep| keep).count() as f64 / of.len() as f64;
        (!of.is_empty()).then(|| Measure::new(metric, value))
    };
    let shares = [
        share(&metric::KEPT, &|_| true),
        share(&metric::KEPT_HUMAN, &|origin| origin == Origin::Human),
        share(&metric::KEPT_SYNTHETIC, &|origin| origin == Origin::Synthetic),
    ];
    shares.into_iter().flatten().collect()
}

impl TryFrom<Vec<Step>> for Curation {
    type Error = Error;

    fn try_from(steps: Vec<Step>) -> Result<Self, Error> {
        Self::new(steps)
    }
}

impl From<Curation> for Vec<Step> {
    fn from(curation: Curation) -> Self {
        curation.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::Decision;
    use crate::testing::{Bench, human, written};
    use evaluation::metric::{KEPT, KEPT_SYNTHETIC};

    #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
    struct Arm {
        curation: Curation,
    }

    fn read(list: &str) -> Result<Curation, String> {
        toml::from_str::<Arm>(&format!("curation = {list}")).map(|arm| arm.curation).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn names_and_tables_make_a_list() {
        assert_eq!(read("[]"), Ok(Curation::default()));
        let list = read(r#"[{ detector = { keep = 0.7 } }, "near-duplicates", { filter-by-label = {} }]"#).unwrap();
        let detector = Detector { keep: 0.7, ..Detector::default() };
        assert_eq!(list.steps()[0], Step::Detector(detector));
        assert_eq!(list.steps()[1..], ["near-duplicates", "filter-by-label"].map(|name| Step::named(name).unwrap()));
        let labels = read("[{ filter-by-label = { passes = 0.1, flagged = 0.2 } }]").unwrap().labels();
        assert_eq!(labels, Labels { passes: 0.1, flagged: 0.2 });
        assert_eq!(list.labels(), Labels::default());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (list, needle) in [
            (r#"["detecter"]"#, "unknown defence `detecter`; did you mean `detector`?"),
            (r#"[{ near-duplicate = {} }]"#, "did you mean `near-duplicates`?"),
            (r#"["zzz"]"#, "there are filter-by-label, detector, "),
            (r#"[{ detector = { kep = 0.5 } }]"#, "unknown field `kep`, expected one of `use`, `keep`"),
            (r#"[{ perplexity-low = { shar = 0.5 } }]"#, "unknown field `shar`, expected `keep` or `model`"),
            (r#"[{ detector = { keep = 0.0 } }]"#, "detector.keep = 0: a share above 0.0"),
            (r#"[{ detector = { keep = nan } }]"#, "detector.keep = NaN"),
            (r#"[{ detector = { upsample = 4.0 } }]"#, "no more than repeats"),
            (r#"[{ verifier = { by = "model" } }]"#, "keep = 0.125"),
            (r#"[{ verifier = {}, detector = {} }]"#, "[{ verifier = ... }, { detector = ... }]"),
            (r#"[{}]"#, "names no defence"),
            (r#"["token-editing", "detector"]"#, "token-editing must be the last"),
            (r#"["detector", { detector = { keep = 0.9 } }]"#, "detector is there twice"),
            (r#"[7]"#, "a defence's name"),
        ] {
            let message = read(list).unwrap_err();
            assert!(message.contains(needle), "{list}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn the_table_says_what_the_defaults_are() {
        for about in DEFENCES {
            let step = Step::named(about.name).unwrap();
            assert_eq!(step.defence().cost(), about.cost, "{}", about.name);
            step.defence().check().unwrap();
            let written = toml::Value::try_from(step).unwrap();
            let defaults = written[about.name].as_table().unwrap();
            let names: Vec<&str> = about.parameters.iter().map(|parameter| parameter.name).collect();
            assert!(defaults.keys().all(|key| names.contains(&key.as_str())), "{}: {names:?}", about.name);
            for parameter in about.parameters {
                let default = defaults.get(parameter.name);
                let said = (!parameter.default.is_empty()).then(|| {
                    toml::from_str::<toml::Table>(&format!("v = {}", parameter.default)).unwrap()["v"].clone()
                });
                assert_eq!(default, said.as_ref(), "{}.{}", about.name, parameter.name);
            }
            let arm = Arm { curation: Curation::new(vec![step]).unwrap() };
            assert_eq!(toml::from_str::<Arm>(&toml::to_string(&arm).unwrap()).unwrap(), arm);
            assert_eq!(serde_json::from_str::<Arm>(&serde_json::to_string(&arm).unwrap()).unwrap(), arm);
        }
    }

    /// A defence with its strength set to nothing asks nothing and changes nothing, to the bit.
    #[test]
    fn nothing_is_nothing() {
        let documents: Vec<_> = (0..20).map(|i| if i < 8 { human(i, "a") } else { written(i, "a", 0) }).collect();
        let ids: Vec<Vec<u32>> = (0..20).map(|i| vec![i % 3; 1 + i as usize % 5]).collect();
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let bench = Bench::default();
        let context = Context { models: &crate::NoModels, ..bench.context() };
        let lists = [
            "[]",
            "[{ filter-by-label = { passes = 1.0 } }]",
            "[{ detector = { keep = 1.0 } }]",
            "[{ detector = { use = \"weigh\", power = 0.0 } }]",
            "[{ detector = { use = \"resample\", power = 0.0, upsample = 1.0, repeats = 1 } }]",
            "[{ watermark = { level = 0.0 } }]",
            "[{ perplexity-high = { keep = 1.0 } }]",
            "[{ perplexity-low = { keep = 1 } }]",
            "[{ verifier = { keep = 1.0 } }]",
            "[{ disagreement = { keep = 1.0 } }]",
            "[{ disagreement = { use = \"weigh\", power = 0.0 } }]",
            "[{ near-duplicates = { similarity = 2.0 } }]",
            "[{ dispersion = { keep = 1.0 } }]",
            "[{ over-represented = { strength = 0.0 } }]",
            "[{ token-editing = { threshold = 1.0 } }]",
            "[{ dispersion = { keep = 1.0 } }, { detector = { keep = 1.0 } }, { token-editing = { threshold = 1.0 } }]",
        ];
        assert!(DEFENCES.iter().all(|about| lists.iter().any(|list| list.contains(about.name))));
        for list in lists {
            let verdict = read(list).unwrap().judge(&candidates, &context).unwrap();
            assert_eq!(verdict.decisions, vec![Decision::UNDEFENDED; 20], "{list}");
        }
    }

    #[test]
    fn each_sees_what_the_one_before_kept() {
        let documents = [human(0, "a"), written(1, "b", 0), human(2, "c"), human(3, "d")];
        let ids = [vec![1, 2, 3, 4, 5, 6], vec![9], vec![1, 2, 3, 4, 5, 6], vec![7, 8]];
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let list = read(r#"["filter-by-label", "near-duplicates", { perplexity-high = { keep = 0.5 } }]"#).unwrap();
        let verdict = list.judge(&candidates, &Bench::default().context()).unwrap();
        assert_eq!(verdict.decisions.iter().map(|d| d.keep).collect::<Vec<_>>(), [false, false, false, true]);
        let value = |metric: &Metric, defence: &str| {
            let is_it = |m: &&Measure| m.metric == metric && m.dimensions.is(Dimension::Defence, defence);
            verdict.measures.iter().find(is_it).map(|m| m.value)
        };
        assert_eq!(value(&KEPT, "filter-by-label"), Some(0.75));
        assert_eq!(value(&KEPT_SYNTHETIC, "filter-by-label"), Some(0.0));
        assert_eq!(value(&KEPT, "near-duplicates"), Some(2.0 / 3.0));
        assert_eq!((value(&KEPT, "perplexity-high"), value(&KEPT_SYNTHETIC, "perplexity-high")), (Some(0.5), None));
    }

    #[test]
    fn what_is_known_to_be_human_is_shown_to_those_that_judge_it() {
        let documents = [human(0, "a"), written(1, "b", 0), human(2, "c"), written(3, "d", 0)];
        let ids = [vec![1], vec![9], vec![1], vec![1, 1]];
        let candidates: Vec<_> = documents.iter().zip(&ids).map(|(d, ids)| Candidate::new(d, ids)).collect();
        let flags = |verdict: Verdict| verdict.decisions.iter().map(|d| d.keep).collect::<Vec<_>>();
        let bench = Bench::default();
        let kept = |list: &str| flags(read(list).unwrap().judge_human(&candidates, &bench.context()).unwrap());
        assert_eq!(kept(r#"[{ perplexity-low = { keep = 0.5 } }]"#), [true; 4]);
        assert_eq!(kept(r#"[{ filter-by-label = { flagged = 1.0 } }]"#), [false; 4]);
        assert_eq!(kept(r#"[{ perplexity-low = { keep = 0.5 } }, "filter-by-label"]"#), [true, false, true, false]);
        // Where nobody knows, a defence has no label to go by: the least likely go, whoever wrote them.
        let mixed = |list: &str| flags(read(list).unwrap().judge(&candidates, &bench.context()).unwrap());
        assert_eq!(mixed(r#"[{ perplexity-low = { keep = 0.5 } }]"#), [true, false, true, false]);
        let judge_human = |list: &str| read(list).unwrap().judges_human();
        assert!(!judge_human("[\"detector\", \"verifier\"]") && judge_human("[\"detector\", \"token-editing\"]"));
        assert!(!judge_human("[{ token-editing = { of = \"synthetic\" } }]"));
        let anchors = read("[\"detector\", \"token-editing\"]").unwrap().anchors_of_human();
        assert_eq!(anchors, BTreeSet::from([Anchor::FirstModel]), "a detector isn't asked about human text");
        let most = |list: &str| read(list).unwrap().most();
        assert_eq!((most("[]"), most("[\"filter-by-label\"]")), (1.0, 0.0));
        let most_human = |list: &str| read(list).unwrap().most_human();
        assert_eq!(most_human("[{ filter-by-label = { flagged = 0.25 } }, { detector = { keep = 0.5 } }]"), 0.375);
        assert_eq!(most("[{ detector = { keep = 0.5 } }, { verifier = { keep = 0.25 } }]"), 0.125);
        let decisions = read("[{ verifier = { keep = 1.0 } }]").unwrap().judge(&candidates, &bench.context());
        let text = serde_json::to_string(&decisions.unwrap().decisions).unwrap();
        assert_eq!(text, "[{},{},{},{}]");
        assert_eq!(serde_json::from_str::<Vec<Decision>>(&text).unwrap(), vec![Decision::UNDEFENDED; 4]);
    }

    #[test]
    fn no_candidates_are_no_trouble() {
        let bench = Bench::default();
        for about in DEFENCES {
            let verdict = Step::named(about.name).unwrap().defence().judge(&[], &bench.context()).unwrap();
            assert!(verdict.decisions.is_empty(), "{}", about.name);
        }
    }
}
