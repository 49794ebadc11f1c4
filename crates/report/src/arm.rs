//! An arm as the run states it: its part in the comparison, its recipe, its place in a sweep.

use chain::{ByGeneration, Recipe, Source};
use rundir::{ArmInfo, Budget, Role};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One arm of a report.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// None of an arm that has rows or chains, but that `run.json` does not state.
    pub(crate) recipes: Option<ByGeneration<Recipe>>,
    /// Its place in a sweep, in the file's order; empty outside one.
    pub(crate) point: Map<String, Value>,
    /// The arm of the file that a sweep laid out.
    pub(crate) family: Option<String>,
    /// Name of the arm that verdicts hold it against.
    pub(crate) control: Option<String>,
    /// True if that arm trains in all as this one does.
    pub(crate) is_matched: bool,
    pub(crate) budget: Option<Budget>,
}

impl Arm {
    /// The arm that `info` states.
    ///
    /// # Errors
    /// If the recipe is none.
    pub(crate) fn stated(info: &ArmInfo) -> serde_json::Result<Self> {
        Ok(Self {
            name: info.name.clone(),
            role: info.role,
            recipes: Some(recipes(&info.recipe)?),
            point: info.point.clone(),
            family: info.family.clone(),
            control: info.control.clone(),
            is_matched: info.is_matched,
            budget: info.budget.clone(),
        })
    }

    /// An arm of which nothing is known but its name.
    pub(crate) fn unstated(name: String) -> Self {
        let (role, point) = (Role::Arm, Map::new());
        Self { name, role, recipes: None, point, family: None, control: None, is_matched: true, budget: None }
    }

    /// The same arm beside those of other runs: of its settings the recipes alone count, by which it has its law.
    pub(crate) fn among_others(&self, name: String) -> Self {
        Self { recipes: self.recipes.clone(), ..Self::unstated(name) }
    }

    /// The recipe of all of its generations; none where it changes from one to the next.
    pub(crate) fn recipe(&self) -> Option<&Recipe> {
        let mut recipes = self.recipes.iter().flat_map(ByGeneration::after_the_first);
        recipes.next().filter(|_| recipes.next().is_none())
    }

    /// True if each generation is trained on the last one's text alone.
    pub(crate) fn replaces(&self) -> bool {
        let is_latest = |recipe: &Recipe| recipe.amounts().map(|(source, _)| source).eq([Source::Latest]);
        self.recipes.as_ref().is_some_and(|recipes| recipes.after_the_first().all(is_latest))
    }
}

/// One recipe, or a list of those of generations 0, 1, and so on.
fn recipes(stated: &Value) -> serde_json::Result<ByGeneration<Recipe>> {
    match stated {
        Value::Array(recipes) if !recipes.is_empty() => {
            let recipes = recipes.iter().map(Recipe::deserialize).collect::<serde_json::Result<Vec<_>>>()?;
            Ok(recipes.into_iter().collect())
        }
        recipe => Recipe::deserialize(recipe).map(ByGeneration::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn recipes_are_read_as_chains_read_them() {
        let arm = |recipe: Value| Arm::stated(&ArmInfo::new("a", Role::Arm, "transformer", recipe, ""));
        let replaces = |recipe| arm(recipe).unwrap().replaces();
        // A share and a number of tokens differ by a point alone.
        assert_ne!(arm(json!({"pool": 1.0})).unwrap().recipes, arm(json!({"pool": 1000})).unwrap().recipes);
        assert!(replaces(json!({"latest": "all"})) && replaces(json!({"latest": 1.0, "grow": true})));
        assert!(!replaces(json!({"pool": 0.1, "latest": 0.9})) && !replaces(json!({"anchor": "all"})));
        assert!(arm(json!({"last": "all"})).is_err());
        let changing = json!([{"pool": 0.5}, {"pool": 0.5, "latest": 0.5}, {"latest": 1.0}]);
        assert!(arm(changing.clone()).unwrap().recipe().is_none() && !replaces(changing));
        // Generation 0 is trained on human text, whatever its recipe says.
        let later = json!([{"pool": 0.5}, {"latest": 1.0}]);
        assert!(arm(later.clone()).unwrap().recipe().is_some() && replaces(later));
        assert!(arm(json!([])).is_err());
    }
}
