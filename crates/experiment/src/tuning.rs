//! Finding the learning rate: the experiment that trains generation 0 once for each optimizer and rate.

use crate::arm::{Arm, ArmSettings};
use crate::data::Data;
use crate::error::{Error, fail};
use crate::experiment::Experiment;
use crate::learner::Learner;
use crate::train::OptimizerKind;
use rundir::Role;

/// An optimizer and a peak learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What moves the weights.
    pub optimizer: OptimizerKind,
    /// Peak learning rate.
    pub rate: f64,
}

impl Trial {
    /// The name of its arm.
    pub fn name(&self) -> String {
        format!("{}-{}", self.optimizer.name(), self.rate)
    }
}

/// Seeds below this are for results; tuning takes others.
pub const FIRST_TUNING_SEED: u64 = 1000;
/// Share of the training set that is held out in a trial, at least: a hundredth would choose by chance.
const HELD_OUT: f64 = 0.05;
/// Tokens that a trial generates: it is chosen by a loss, and not by its text.
const GENERATED: u64 = 1_000;

impl Experiment {
    /// The arm whose training is tuned: the base, else the first transformer. The arms of an experiment train alike, but
    /// where training is what they compare.
    ///
    /// # Errors
    /// If no arm is a transformer.
    pub fn tuned_arm(&self) -> Result<&Arm, Error> {
        let base = self.roles().into_iter().find(|arm| arm.role == Role::Base);
        let named = base.and_then(|base| self.arms.iter().find(|arm| arm.name == base.name));
        match named.into_iter().chain(&self.arms).find(|arm| arm.is_transformer()) {
            Some(arm) => Ok(arm),
            None => fail!("arm: none of them is a transformer, and nothing else has a learning rate"),
        }
    }

    /// The experiment of these trials: generation 0 of the arm that is tuned, its text, its sizes and its budget, with more
    /// text held out and hardly any generated.
    ///
    /// # Errors
    /// If no arm is a transformer, or a seed is one that results are for.
    pub fn trials(&self, trials: &[Trial], seeds: &[u64]) -> Result<Self, Error> {
        let arm = self.tuned_arm()?;
        if let Some(seed) = seeds.iter().find(|&&seed| seed < FIRST_TUNING_SEED) {
            fail!("seed {seed}: results are for seeds below {FIRST_TUNING_SEED}; tune on others");
        }
        let arm_of = |trial: &Trial| {
            let mut first = ArmSettings { recipe: chain::Recipe::default(), ..arm.at(0).clone() };
            let Learner::Transformer(settings) = &mut first.learner else { unreachable!("it is a transformer") };
            settings.members = 1;
            settings.curation = Default::default();
            settings.plant = None;
            settings.sample.tokens = Some(GENERATED);
            let train = &mut settings.train;
            train.start = Default::default();
            train.average = None;
            train.validation = train.validation.max(HELD_OUT);
            train.optimizer = trial.optimizer;
            train.learning_rate = Some(trial.rate);
            Arm { name: trial.name(), settings: first.into(), table: Default::default(), ..arm.clone() }
        };
        let mut tuning = self.clone();
        tuning.name = format!("{}-tuning", self.name);
        tuning.question = "Which optimizer and learning rate learn most of this text with this budget?".to_owned();
        tuning.chain.generations = 1;
        tuning.chain.seeds = seeds.to_vec();
        tuning.arms = trials.iter().map(arm_of).collect();
        if let Data::Corpus(text) = &mut tuning.data {
            text.corpus.questions = None;
        }
        tuning.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n[train]\ntokens = 5000\n\
        [[arm]]\nname = \"counts\"\nmodel.kind = \"n-gram\"\n[[arm]]\nname = \"mixed\"\nrecipe = \"accumulate\"\nmembers = 2\n\
        [[arm]]\nname = \"replace\"\n[[arm]]\nname = \"human-refit\"\nrecipe = \"human-refit\"\n";

    #[test]
    fn trials_train_generation_0_of_the_base() {
        let experiment = Experiment::parse(FILE, &[]).unwrap();
        assert_eq!(experiment.tuned_arm().unwrap().name, "replace");
        let trials = [0.01, 0.02].map(|rate| Trial { optimizer: OptimizerKind::Muon, rate });
        let tuning = experiment.trials(&trials, &[1000, 1001]).unwrap();
        assert_eq!((tuning.chain.generations, tuning.chain.seeds.as_slice()), (1, &[1000, 1001][..]));
        let names: Vec<&str> = tuning.arms.iter().map(|arm| arm.name.as_str()).collect();
        assert_eq!(names, ["muon-0.01", "muon-0.02"]);
        let train = tuning.arms[1].at(0).train().unwrap();
        assert_eq!((train.learning_rate, train.tokens, train.validation), (Some(0.02), Some(5000), 0.05));
        // What is written for a trial reads back, so that a run of it can go on.
        assert_eq!(Experiment::parse(&tuning.to_toml(), &[]).unwrap(), tuning);
    }

    #[test]
    fn results_keep_their_seeds_and_counting_has_no_rate() {
        let experiment = Experiment::parse(FILE, &[]).unwrap();
        let trial = [Trial { optimizer: OptimizerKind::AdamW, rate: 0.01 }];
        let refused = experiment.trials(&trial, &[1000, 3]).unwrap_err().to_string();
        assert!(refused.starts_with("seed 3: results are for seeds below 1000"), "{refused}");
        let counts = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[[arm]]\nname = \"a\"\nmodel.kind = \"n-gram\"\n";
        let refused = Experiment::parse(counts, &[]).unwrap().trials(&trial, &[1000]).unwrap_err().to_string();
        assert!(refused.contains("none of them is a transformer"), "{refused}");
    }
}
