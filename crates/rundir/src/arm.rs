use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One arm of the experiment as `run.json` states it: what a reader of the results must know of an arm and cannot see in its
/// rows. The experiment decides all of it, so that no reader has to guess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmInfo {
    /// Its name, as in the rows.
    pub name: String,
    /// Its part in the comparison.
    pub role: Role,
    /// The recipe as resolved; where it changes, a list of those of generations 0, 1, and so on.
    pub recipe: Value,
    /// Name of the learner: `transformer`, `n-gram`, `gaussian`, ...
    pub learner: String,
    /// Whether a defence judges a source that its recipe takes.
    pub curated: bool,
    /// [`digest`](crate::digest) of all that decides its rows but the seed, those settings included that arms share. By it run
    /// directories are known as pieces of one experiment.
    pub settings: String,
    /// Its place in a sweep, dimension and value in the file's order; empty outside a sweep.
    pub point: Map<String, Value>,
    /// The arm of the file that a sweep laid out over its grid; `None` outside a sweep, and of a sweep over no arms.
    pub family: Option<String>,
    /// Name of the arm that trains on human text in this arm's place, against which verdicts hold it; `None` of such an arm
    /// itself, or where there is none.
    pub control: Option<String>,
    /// True if that arm, or the experiment's control where this arm trains on human text itself, trains in all as this one
    /// does: the same start, average, steps, objective and members.
    pub is_matched: bool,
    /// Its place in a scaling series; `None` outside one.
    pub budget: Option<Budget>,
}

/// The part of an arm in the comparison. An experiment has at most one [`Role::Control`] and one [`Role::Base`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The arm that trains on human text alone, against which damage is measured.
    Control,
    /// Another arm that trains on human text alone.
    Human,
    /// The arm without a defence, whose damage counts as all of it.
    Base,
    /// Any other arm.
    Arm,
}

impl Role {
    /// Whether such an arm trains on human text alone.
    pub fn is_human(self) -> bool {
        matches!(self, Self::Control | Self::Human)
    }
}

/// The place of an arm in a series of arms that differ in their budget alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Name of the series: arms of one series have the same.
    pub series: String,
    /// The budget there, finite, in the unit of the series.
    pub amount: f64,
}

impl ArmInfo {
    /// An arm of this name, role and recipe, outside sweeps and series, without a defence and a control.
    pub fn new(name: &str, role: Role, learner: &str, recipe: Value, settings: &str) -> Self {
        Self {
            name: name.to_owned(),
            role,
            recipe,
            learner: learner.to_owned(),
            curated: false,
            settings: settings.to_owned(),
            point: Map::new(),
            family: None,
            control: None,
            is_matched: true,
            budget: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_keeps_numbers_and_the_order_of_a_point() {
        let mut arm = ArmInfo::new("wide_tokens-9", Role::Base, "transformer", json!({"latest": 1.0}), "5e77");
        arm.point = [("train.tokens".to_owned(), json!(9)), ("a".to_owned(), json!(1.0))].into_iter().collect();
        arm.family = Some("wide".to_owned());
        arm.budget = Some(Budget { series: "a=1.0".to_owned(), amount: 9.0 });
        let text = serde_json::to_string(&arm).unwrap();
        assert_eq!(
            text,
            r#"{"name":"wide_tokens-9","role":"base","recipe":{"latest":1.0},"learner":"transformer","curated":false,"settings":"5e77","point":{"train.tokens":9,"a":1.0},"family":"wide","control":null,"is_matched":true,"budget":{"series":"a=1.0","amount":9.0}}"#
        );
        assert_eq!(serde_json::from_str::<ArmInfo>(&text).unwrap(), arm);
        assert!(serde_json::from_str::<ArmInfo>(&text.replace("base", "boss")).is_err());
    }
}
