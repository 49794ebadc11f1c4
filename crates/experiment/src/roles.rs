//! The part of each arm in the comparison: which is the control, which the base, and against which arm each is held.

use crate::arm::{Arm, ArmSettings};
use crate::data::ChainSettings;
use crate::experiment::Experiment;
use chain::{ByGeneration, Recipe, Source};
use rundir::{ArmInfo, Budget, Role};
use toml::{Table, Value};

/// Dimensions of a sweep that are amounts of data or training: an arm's place in a scaling series.
const BUDGETS: [&str; 4] = ["corpus.tokens", "train.tokens", "train.epochs", "tokens"];

impl Experiment {
    /// Each arm as `run.json` states it, in the order of the file.
    ///
    /// The control is the first arm that trains on human text alone, one that refits before one with fresh text. The base is
    /// the first that replaces its text, has no defence and equals the control in model, train, sample and members; an
    /// experiment with a sweep has none, since each of its points would need its own.
    pub fn roles(&self) -> Vec<ArmInfo> {
        let tables: Vec<_> = self.arms.iter().map(|arm| arm.settings().map(ArmSettings::to_table)).collect();
        let mut human: Vec<usize> = (0..self.arms.len()).filter(|&arm| is_human(&self.arms[arm])).collect();
        human.sort_by_key(|&arm| takes_fresh(&self.arms[arm]));
        let is_swept = self.arms.iter().any(|arm| !arm.point.is_empty());
        let base = human.first().filter(|_| !is_swept).and_then(|&control| {
            let fits = |&arm: &usize| replaces(&self.arms[arm]) && is_alike(&tables[arm], &tables[control], &SETTINGS);
            (0..self.arms.len()).find(fits)
        });
        let role = |arm: usize| match human.iter().position(|&other| other == arm) {
            Some(0) => Role::Control,
            Some(_) => Role::Human,
            None if base == Some(arm) => Role::Base,
            None => Role::Arm,
        };
        let info = |(index, arm): (usize, &Arm)| {
            let control = self.control(index, &human, &tables);
            let held_against = control.or(human.first().copied());
            let recipe = serde_json::to_value(arm.recipes()).expect("recipes are plain values");
            ArmInfo {
                curated: is_curated(arm),
                point: json(&arm.point),
                family: arm.family.clone(),
                control: control.map(|control| self.arms[control].name.clone()),
                is_matched: held_against.is_some_and(|control| is_alike(&tables[index], &tables[control], &TRAINING)),
                budget: budget(&arm.point),
                ..ArmInfo::new(&arm.name, role(index), arm.kind(), recipe, &self.digest(arm))
            }
        };
        self.arms.iter().enumerate().map(info).collect()
    }

    /// The digest of all that decides an arm's rows but the seed: its settings, the data and the number of generations. The
    /// number of generations counts, since it decides how much human text a world generates for `fresh`.
    fn digest(&self, arm: &Arm) -> String {
        let chain = ChainSettings { seeds: Vec::new(), ..self.chain.clone() };
        let (name, question, keep, limits) = Default::default();
        let alone = Self { name, question, chain, data: self.data.clone(), keep, arms: vec![arm.clone()], limits };
        rundir::digest(&alone.settings()).expect("a text has a digest")
    }

    /// The digest of all that decides what an arm makes in a generation, the seed and the generations before it apart: its
    /// settings and the data. The number of generations counts only where it decides how much human text a world generates
    /// for `fresh`, so that a run that goes on for longer keeps what it has.
    pub fn settings_of(&self, arm: &Arm) -> String {
        let is_world = self.text().is_some_and(|text| text.corpus.is_world());
        let counts = is_world && takes_fresh(arm);
        let generations = if counts { self.chain.generations } else { 1 };
        let chain = ChainSettings { generations, ..self.chain.clone() };
        Self { chain, ..self.clone() }.digest(arm)
    }

    /// The arm that trains on human text in an arm's place: one of the same model that agrees with it in all dimensions of a
    /// sweep that both have, but for the recipe, and trains alike if there is such a one. None of an arm that does so itself.
    fn control(&self, arm: usize, human: &[usize], tables: &[ByGeneration<Table>]) -> Option<usize> {
        if human.contains(&arm) {
            return None;
        }
        let differs = |control: usize, but_sample: bool| {
            let counts = |key: &str| key != "recipe" && !(but_sample && key.starts_with("sample."));
            let theirs = &self.arms[control].point;
            self.arms[arm]
                .point
                .iter()
                .any(|(key, own)| counts(key) && theirs.get(key).is_some_and(|other| other != own))
        };
        let mut alike: Vec<usize> =
            (human.iter().copied()).filter(|&control| is_alike(&tables[arm], &tables[control], &["model"])).collect();
        alike.sort_by_key(|&control| !is_alike(&tables[arm], &tables[control], &TRAINING));
        // How text is generated changes nothing in a control that reads none.
        let find = |but_sample| alike.iter().copied().find(|&control| !differs(control, but_sample));
        find(false).or_else(|| find(true))
    }
}

/// What decides how an arm trains.
const TRAINING: [&str; 3] = ["model", "train", "members"];
/// The tables in which the base equals the control.
const SETTINGS: [&str; 4] = ["model", "train", "sample", "members"];

/// True if two arms agree in these tables in every generation.
fn is_alike(one: &ByGeneration<Table>, other: &ByGeneration<Table>, keys: &[&str]) -> bool {
    let generations = one.iter().len().max(other.iter().len()) as u32;
    let agree = |generation, key: &str| one.at(generation).get(key) == other.at(generation).get(key);
    (0..generations).all(|generation| keys.iter().all(|key| agree(generation, key)))
}

/// True if a defence judges any of its sources.
fn is_curated(arm: &Arm) -> bool {
    arm.settings().after_the_first().any(|settings| settings.judged_sources().next().is_some())
}

/// True if it trains on human text alone, all of it as it is.
fn is_human(arm: &Arm) -> bool {
    takes(arm, Source::is_human) && !is_curated(arm)
}

/// True if it trains on the last generation's text alone, without a defence.
fn replaces(arm: &Arm) -> bool {
    let has_none = |settings: &ArmSettings| settings.curation().is_empty();
    takes(arm, |source| source == Source::Latest) && arm.settings().after_the_first().all(has_none)
}

/// True if its recipe takes such sources alone, in every generation.
fn takes(arm: &Arm, is_such: impl Fn(Source) -> bool) -> bool {
    let recipes = arm.recipes();
    let mut amounts = recipes.after_the_first().flat_map(Recipe::amounts);
    amounts.all(|(source, _)| is_such(source))
}

/// True if its recipe takes fresh human text in some generation.
fn takes_fresh(arm: &Arm) -> bool {
    arm.recipes().after_the_first().any(|recipe| recipe.amount(Source::Fresh).is_some())
}

fn json(point: &Table) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(point) {
        Ok(serde_json::Value::Object(point)) => point,
        _ => unreachable!("a table of plain values"),
    }
}

/// The place in a scaling series: the amount, and the series named by the other dimensions.
fn budget(point: &Table) -> Option<Budget> {
    let (dimension, value) = point.iter().find(|(dimension, _)| BUDGETS.contains(&dimension.as_str()))?;
    let amount = match value {
        Value::Float(amount) => *amount,
        Value::Integer(amount) => *amount as f64,
        _ => return None,
    };
    let others = point.iter().filter(|(other, _)| *other != dimension).map(|(other, value)| format!("{other}={value}"));
    Some(Budget { series: others.collect::<Vec<_>>().join(","), amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(arms: &str) -> Vec<ArmInfo> {
        let file = format!("name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n{arms}");
        Experiment::parse(&file, &[]).unwrap().roles()
    }

    fn arm<'a>(roles: &'a [ArmInfo], name: &str) -> &'a ArmInfo {
        roles.iter().find(|arm| arm.name == name).unwrap_or_else(|| panic!("no arm {name}"))
    }

    #[test]
    fn control_refits_and_base_equals_it() {
        let found = roles(
            "[[arm]]\nname = \"cool\"\nsample.temperature = 0.5\n[[arm]]\nname = \"fresh\"\nrecipe = \"human-fresh\"\n\
             [[arm]]\nname = \"defended\"\ncuration = [\"near-duplicates\"]\n[[arm]]\nname = \"replace\"\n\
             [[arm]]\nname = \"refit\"\nrecipe = \"human-refit\"\n[[arm]]\nname = \"again\"\n\
             [[arm]]\nname = \"wide\"\nmodel.width = 128\n",
        );
        let said: Vec<(&str, Role, Option<&str>)> =
            found.iter().map(|arm| (arm.name.as_str(), arm.role, arm.control.as_deref())).collect();
        assert_eq!(
            said,
            [
                ("cool", Role::Arm, Some("refit")),
                ("fresh", Role::Human, None),
                ("defended", Role::Arm, Some("refit")),
                ("replace", Role::Base, Some("refit")),
                ("refit", Role::Control, None),
                ("again", Role::Arm, Some("refit")),
                ("wide", Role::Arm, None),
            ]
        );
        assert!(arm(&found, "defended").curated && !arm(&found, "replace").curated);
        assert_eq!(arm(&found, "refit").recipe, serde_json::json!({ "anchor": "all" }));
    }

    #[test]
    fn judged_human_text_is_no_control() {
        let human = |curation: &str| {
            let found =
                roles(&format!("[[arm]]\nname = \"a\"\nrecipe = \"human-refit\"\ncuration = [\"{curation}\"]\n"));
            (found[0].role, found[0].curated)
        };
        assert_eq!(human("filter-by-label"), (Role::Arm, true));
        assert_eq!(human("detector"), (Role::Control, false), "a detector is not asked about human text");
    }

    #[test]
    fn a_sweep_has_no_base_and_controls_at_its_points() {
        let found = roles(
            "[[arm]]\nname = \"a\"\n[sweep]\nrecipe = [\"replace\", \"human-refit\"]\nsample.temperature = [0.5, 1]\n\
             train.tokens = [900, 1800]\n",
        );
        assert_eq!(found.iter().filter(|arm| arm.role == Role::Control).count(), 1);
        assert_eq!(found.iter().filter(|arm| arm.role == Role::Human).count(), 3);
        assert!(found.iter().all(|arm| arm.role != Role::Base && arm.family.as_deref() == Some("a")));
        let replace = arm(&found, "a_recipe-replace_temperature-1_tokens-1800");
        assert_eq!(replace.control.as_deref(), Some("a_recipe-human-refit_temperature-1_tokens-1800"));
        let series = "recipe=\"replace\",sample.temperature=1".to_owned();
        assert_eq!(replace.budget, Some(Budget { series, amount: 1800.0 }));
        assert_eq!(replace.point["sample.temperature"], serde_json::json!(1));
    }

    #[test]
    fn controls_of_exact_learners_are_of_the_same_model() {
        let file = "name = \"x\"\nmodel.kind = \"gaussian\"\n[[arm]]\nname = \"replace\"\n[[arm]]\nname = \"more\"\n\
            model.draws = 200\n[[arm]]\nname = \"refit\"\nrecipe = \"human-refit\"\n";
        let found = Experiment::parse(file, &[]).unwrap().roles();
        assert_eq!(found.iter().map(|arm| arm.role).collect::<Vec<_>>(), [Role::Base, Role::Arm, Role::Control]);
        assert_eq!((found[0].control.as_deref(), found[1].control.as_deref()), (Some("refit"), None));
        assert_eq!(found[0].learner, "gaussian");
    }
}
