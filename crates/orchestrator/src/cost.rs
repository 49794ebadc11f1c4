use crate::{Arm, Experiment};
use model::ModelConfig;
use rundir::StageKind;
use serde::Serialize;

/// What an experiment would do, before anything is done.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The experiment's name.
    pub experiment: String,
    /// One entry for each arm: every seed costs the same.
    pub chains: Vec<ChainPlan>,
    /// Chains in all.
    pub count: usize,
    /// Floating-point operations of all chains, as if they shared nothing but generation 0.
    pub operations: f64,
}

/// One arm's chain.
#[derive(Clone, Debug, Serialize)]
pub struct ChainPlan {
    /// The arm.
    pub arm: String,
    /// The recipe's name, or its amounts.
    pub recipe: String,
    /// Trained numbers of a model.
    pub parameters: usize,
    /// The generations.
    pub generations: Vec<StagePlan>,
}

/// One generation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StagePlan {
    /// Tokens of the training set.
    pub training_tokens: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Tokens that are written.
    pub written_tokens: u64,
    /// Floating-point operations of training, writing and scoring.
    pub train: f64,
    /// See `train`.
    pub write: f64,
    /// See `train`.
    pub score: f64,
}

impl StagePlan {
    /// Of one stage.
    pub fn cost(&self, kind: StageKind) -> f64 {
        match kind {
            StageKind::Prepare | StageKind::Compose => 0.0,
            StageKind::Train => self.train,
            StageKind::Write => self.write,
            StageKind::Score => self.score,
        }
    }

    /// Of all stages.
    pub fn total(&self) -> f64 {
        self.train + self.write + self.score
    }
}

/// Writing token by token reaches a smaller share of the peak than training: its operations count this many times.
const WRITING_WEIGHT: f64 = 2.0;

/// Scoring reads the test set, about as much of what was written twice, and as much that is drawn for it, twice too.
const SCORING_WEIGHT: f64 = 5.0 + WRITING_WEIGHT;

/// The generations of one arm; `human` is the size of a seed's training set in tokens.
pub(crate) fn chain_plan(experiment: &Experiment, arm: &Arm, config: &ModelConfig, human: u64) -> ChainPlan {
    let writing = arm.sample.tokens.unwrap_or(human);
    let (train, members) = (&arm.train, f64::from(arm.members));
    let written = |generation| arm.recipe.writing_budget(generation, writing);
    let mut generations = Vec::new();
    for generation in 0..experiment.chain.generations {
        let written_tokens = written(generation);
        let training_tokens = training_tokens(arm, generation, human, &written);
        let windows = (training_tokens as f64 * (1.0 - train.validation) / config.context as f64).ceil();
        let steps = train.steps(windows as usize, config.context);
        let positions = (steps as usize * train.batch.unwrap_or(1) * config.context) as f64;
        let forward = config.forward_operations(config.context as f64 / 2.0);
        if arm.model.learner.is_some() {
            generations.push(counted(training_tokens, written_tokens, experiment.corpus.test_tokens));
            continue;
        }
        generations.push(StagePlan {
            training_tokens,
            steps,
            written_tokens,
            train: members * positions * config.training_operations(),
            write: WRITING_WEIGHT * written_tokens as f64 * forward,
            score: members * SCORING_WEIGHT * experiment.corpus.test_tokens as f64 * forward,
        });
    }
    let parameters = if arm.model.learner.is_some() { 0 } else { config.parameters() };
    ChainPlan { arm: arm.name.clone(), recipe: recipe_name(&arm.recipe), parameters, generations }
}

/// A generation of a learner that counts instead of taking steps.
fn counted(training_tokens: u64, written_tokens: u64, test_tokens: u64) -> StagePlan {
    /// A token is parsed or looked up in about so many operations; next to nothing beside a transformer's.
    const A_TOKEN: f64 = 1e4;
    let [train, write, score] = [training_tokens, written_tokens, test_tokens].map(|tokens| A_TOKEN * tokens as f64);
    StagePlan { training_tokens, steps: 0, written_tokens, train, write, score }
}

/// A recipe's name, or its amounts.
pub(crate) fn recipe_name(recipe: &chain::Recipe) -> String {
    match recipe.name() {
        Some(name) => name.to_owned(),
        None => serde_json::to_string(recipe).expect("a recipe is plain values"),
    }
}

/// Tokens of a training set, where `written` says how many a generation writes.
pub(crate) fn training_tokens(arm: &Arm, generation: u32, human: u64, written: &dyn Fn(u32) -> u64) -> u64 {
    let Some(last) = generation.checked_sub(1) else { return human };
    // Of what is judged, as much as the defences can keep.
    let kept = |tokens: u64, most: f64| (tokens as f64 * most) as u64;
    let amount = |(source, amount): (chain::Source, chain::Amount)| {
        amount.tokens(human).unwrap_or_else(|| match source {
            chain::Source::Latest => kept(written(last), arm.curation.most()),
            chain::Source::History => {
                let written = (0..generation).map(written).sum::<u64>();
                kept(human, arm.curation.most_human()) + kept(written, arm.curation.most())
            }
            _ => human,
        })
    };
    arm.recipe.amounts().map(amount).sum()
}
