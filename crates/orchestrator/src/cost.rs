use crate::foresee::Foreseen;
use crate::text::text_of;
use chain::ByGeneration;
use experiment::{Arm, Experiment};
use model::ModelConfig;
use rundir::StageKind;
use serde::Serialize;

/// The plan of an experiment: its stages and their cost.
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
    /// What the run takes of disk and memory.
    pub foreseen: Foreseen,
}

/// One arm's chain.
#[derive(Clone, Debug, Serialize)]
pub struct ChainPlan {
    /// The arm.
    pub arm: String,
    /// The recipe's name, or its amounts.
    pub recipe: ByGeneration<String>,
    /// Trained numbers of a model.
    pub parameters: ByGeneration<usize>,
    /// The settings that change.
    pub varying: Vec<Varying>,
    /// The generations.
    pub generations: Vec<StagePlan>,
}

/// A setting that changes from generation to generation.
#[derive(Clone, Debug, Serialize)]
pub struct Varying {
    /// Its key in an arm.
    pub key: String,
    /// Its values; `-` in a generation that has none.
    pub values: ByGeneration<String>,
}

impl ChainPlan {
    pub(crate) fn new(arm: &Arm, parameters: ByGeneration<usize>, generations: Vec<StagePlan>) -> Self {
        let shown = |value: &Option<toml::Value>| value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let varying = |(key, values): (String, ByGeneration<_>)| Varying { key, values: values.map(shown) };
        Self {
            arm: arm.name.clone(),
            recipe: arm.recipes().map(recipe_name),
            parameters,
            varying: arm.varying().into_iter().map(varying).collect(),
            generations,
        }
    }
}

/// One generation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StagePlan {
    /// Tokens of the training set.
    pub training_tokens: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Tokens that are generated.
    pub generated_tokens: u64,
    /// Floating-point operations of training, generating and scoring.
    pub train: f64,
    /// See `train`.
    pub generate: f64,
    /// See `train`.
    pub score: f64,
    /// True if models read the generated text, as `score.every` says.
    pub read: bool,
}

impl StagePlan {
    /// Of one stage.
    pub fn cost(&self, kind: StageKind) -> f64 {
        match kind {
            StageKind::Prepare | StageKind::Judge | StageKind::Compose | StageKind::Pool => 0.0,
            StageKind::Train => self.train,
            StageKind::Generate => self.generate,
            StageKind::Score => self.score,
        }
    }

    /// Of all stages.
    pub fn total(&self) -> f64 {
        self.train + self.generate + self.score
    }
}

/// Generating token by token reaches a smaller share of the peak than training: its operations count this many times.
const GENERATING_WEIGHT: f64 = 2.0;

/// Scoring reads the test set.
const SCORING_WEIGHT: f64 = 1.0;
/// Where models read generated text, they read about as much of it, and as much that is drawn for this.
const READING_WEIGHT: f64 = 2.0 + GENERATING_WEIGHT;
/// Both are read by their authors too, where they were not drawn from these as they are.
const AUTHORS_WEIGHT: f64 = 2.0;

/// The human training set of a seed: its tokens, and the windows that they fill.
#[derive(Clone, Copy)]
pub(crate) struct HumanText {
    pub(crate) tokens: u64,
    pub(crate) windows: usize,
}

/// The generations of one arm. Other training sets are taken to fill their windows as the human one does.
pub(crate) fn chain_plan(
    experiment: &Experiment,
    arm: &Arm,
    configs: &ByGeneration<ModelConfig>,
    human: HumanText,
) -> ChainPlan {
    let HumanText { tokens: human, windows: filled } = human;
    let (members, text) = (f64::from(arm.members()), text_of(experiment));
    let test_tokens = text.corpus.test_tokens;
    let generated = |generation| {
        let settings = arm.at(generation);
        settings.recipe.writing_budget(generation, settings.sample_tokens().unwrap_or(human))
    };
    let mut generations = Vec::new();
    for generation in 0..experiment.chain.generations {
        let (settings, config) = (arm.at(generation), configs.at(generation));
        let train = settings.train().cloned().unwrap_or_default();
        let generated_tokens = generated(generation);
        let training_tokens = training_tokens(arm, generation, human, &generated);
        let targets = training_tokens as f64 * (1.0 - train.validation);
        let windows = (targets * filled as f64 / human as f64).ceil();
        let steps = train.steps(windows as usize, targets as u64);
        let positions = (steps as usize * train.batch.unwrap_or(1) * config.context) as f64;
        let forward = config.forward_operations(config.context as f64 / 2.0);
        if !arm.is_transformer() {
            generations.push(counted(training_tokens, generated_tokens, test_tokens));
            continue;
        }
        let read = text.score.reads(generation, experiment.chain.generations);
        let known = arm.members() == 1 && settings.sampling().is_of_model() && !settings.sample().is_prompted();
        let reading = READING_WEIGHT + if known { 0.0 } else { AUTHORS_WEIGHT };
        let scoring = SCORING_WEIGHT + if read { reading } else { 0.0 };
        generations.push(StagePlan {
            training_tokens,
            steps,
            generated_tokens,
            train: members * positions * config.training_operations(),
            generate: GENERATING_WEIGHT * generated_tokens as f64 * forward,
            score: members * scoring * test_tokens as f64 * forward,
            read,
        });
    }
    let parameters = |config: &ModelConfig| if arm.is_transformer() { config.parameters() } else { 0 };
    ChainPlan::new(arm, configs.map(parameters), generations)
}

/// A generation of a learner that counts instead of taking steps.
fn counted(training_tokens: u64, generated_tokens: u64, test_tokens: u64) -> StagePlan {
    /// A token is parsed or looked up in about so many operations; next to nothing beside a transformer's.
    const A_TOKEN: f64 = 1e4;
    let [train, generate, score] =
        [training_tokens, generated_tokens, test_tokens].map(|tokens| A_TOKEN * tokens as f64);
    StagePlan { training_tokens, steps: 0, generated_tokens, train, generate, score, read: false }
}

/// A recipe's name, or its amounts.
fn recipe_name(recipe: &chain::Recipe) -> String {
    match recipe.name() {
        Some(name) => name.to_owned(),
        None => serde_json::to_string(recipe).expect("a recipe is plain values"),
    }
}

/// Tokens of a training set, where `generated` says how many a generation generates.
pub(crate) fn training_tokens(arm: &Arm, generation: u32, human: u64, generated: &dyn Fn(u32) -> u64) -> u64 {
    let Some(last) = generation.checked_sub(1) else { return human };
    let settings = arm.at(generation);
    // Of what is judged, as much as the defences can keep.
    let kept = |tokens: u64, most: f64| (tokens as f64 * most) as u64;
    let amount = |(source, amount): (chain::Source, chain::Amount)| {
        amount.tokens(human).unwrap_or_else(|| match source {
            chain::Source::Latest => kept(generated(last), settings.curation().most()),
            chain::Source::History => {
                let generated = (0..generation).map(generated).sum::<u64>();
                kept(human, settings.curation().most_human()) + kept(generated, settings.curation().most())
            }
            _ => human,
        })
    };
    settings.recipe.amounts().map(amount).sum()
}
