//! An arm as the run states it: its part in the comparison, its recipe, its place in a sweep.

use chain::{Recipe, Source};
use rundir::{ArmInfo, Budget, Role};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One arm of a report.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// None of an arm that has rows or chains, but that `run.json` does not state.
    pub(crate) recipe: Option<Recipe>,
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
            recipe: Some(Recipe::deserialize(&info.recipe)?),
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
        Self { name, role, recipe: None, point, family: None, control: None, is_matched: true, budget: None }
    }

    /// The same arm beside those of other runs: of its settings the recipe alone counts, by which it has its law.
    pub(crate) fn among_others(&self, name: String) -> Self {
        Self { recipe: self.recipe, ..Self::unstated(name) }
    }

    /// True if each generation is trained on the last one's text alone.
    pub(crate) fn replaces(&self) -> bool {
        self.recipe.is_some_and(|recipe| recipe.amounts().map(|(source, _)| source).eq([Source::Latest]))
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
        assert_ne!(arm(json!({"pool": 1.0})).unwrap().recipe, arm(json!({"pool": 1000})).unwrap().recipe);
        assert!(replaces(json!({"latest": "all"})) && replaces(json!({"latest": 1.0, "grow": true})));
        assert!(!replaces(json!({"pool": 0.1, "latest": 0.9})) && !replaces(json!({"anchor": "all"})));
        assert!(arm(json!({"last": "all"})).is_err());
    }
}
