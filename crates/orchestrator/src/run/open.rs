//! A run that is ready to be worked on: an experiment, its directory, its device and its human documents, checked together.

use crate::claim::{claim, made_from, write_down};
use crate::cost::{HumanText, chain_plan};
use crate::foresee::{self, Asked, Foreseen};
use crate::options::RunOptions;
use crate::reader::ReadingCache;
use crate::seed::Seed;
use crate::steps::{POSITIONS, can_begin};
use crate::{ChainPlan, Error, Human};
use chain::{ByGeneration, Kept, Sizes};
use corpus::TokenSet;
use experiment::model::{ModelConfig, Settings as ModelSettings};
use experiment::{Arm, ArmSettings, Experiment, PromptFrom};
use ops::device::Chosen;
use rundir::{Claim, Event, MadeFrom, Observer, Presence, RunInfo, Stages};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A run that is ready to be worked on: everything about the request has been checked.
pub struct Run {
    pub(super) stages: Stages,
    pub(super) experiment: Experiment,
    pub(super) human: Human,
    pub(super) device: Chosen,
    /// By arm.
    pub(super) configs: Vec<ByGeneration<ModelConfig>>,
    pub(super) plans: Vec<ChainPlan>,
    /// The human documents that each seed works with.
    seeds: BTreeMap<u64, Seed>,
    /// The same by arm and seed, where an arm plants something in it.
    planted: BTreeMap<(usize, u64), Seed>,
    /// Readings of human documents by the models of generation 0.
    pub(super) reading_cache: ReadingCache,
    /// By arm, what its generations are made from.
    pub(super) made_from: Vec<MadeFrom>,
    pub(super) foreseen: Foreseen,
    /// Says that this process works here.
    _presence: Presence,
}

impl Run {
    /// Checks the request, and creates or takes up the directory, which this process holds meanwhile: of two that begin at
    /// once, the second sees what the first has written. If the request turns out to be wrong, what was not there before
    /// is removed again.
    ///
    /// # Errors
    /// [`Error::Request`] with what is wrong.
    pub fn open(
        experiment: &Experiment,
        out: &Path,
        options: &RunOptions,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let device = ops::device::parse(&options.device).map_err(Error::request)?;
        let (claim, experiment) = claim(experiment, out, observer)?;
        let opened = Self::open_in(experiment, &claim, (device, options), observer);
        if matches!(opened, Err(Error::Request(_))) {
            claim.undo();
        }
        opened
    }

    fn open_in(
        experiment: Experiment,
        claim: &Claim,
        (device, options): (Chosen, &RunOptions),
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let dir = claim.dir().clone();
        dir.sweep()?;
        let kind = device.kind().name();
        if let Some(info) = dir.info()? {
            // Unknown where `run.json` was lost and written anew.
            if info.backend != kind && !info.backend.is_empty() {
                // Results of different kinds differ in their last bits.
                let (shown, was) = (dir.path().display(), info.backend);
                return Err(Error::Request(format!(
                    "{shown} was made on {was}, this is {kind}; name that device, or choose another --out"
                )));
            }
            if let Some(warning) = options.build.warning(&info.build) {
                observer.event(Event::Note(warning));
            }
        }
        observer.event(Event::Note(format!("device: {}", device.description())));
        experiment.warnings().into_iter().for_each(|warning| observer.event(Event::Note(warning)));
        for arm in &experiment.arms {
            let supported = arm.at(0).train().map_or(Ok(()), |train| device.supports(train.precision));
            supported.map_err(|e| of_arm(arm, &e))?;
        }
        let human = (options.medium)(&dir, &experiment)?;
        for arm in &experiment.arms {
            human.medium.check(arm).map_err(|e| of_arm(arm, &e))?;
        }
        let vocabulary = human.codec.vocabulary();
        let configs =
            experiment.arms.iter().map(|arm| configs_of(arm, vocabulary)).collect::<Result<Vec<_>, Error>>()?;
        let mut seeds = BTreeMap::new();
        for &seed in &experiment.chain.seeds {
            seeds.insert(seed, Seed::of(&human, &experiment, seed)?);
        }
        let planted = planted(&experiment, &configs, (&human, &seeds))?;
        let (plans, reading_cache) = Default::default();
        let made_from = experiment.arms.iter().map(|arm| made_from(&experiment, arm, Some(human.id), kind)).collect();
        let (_presence, stages) = (dir.presence()?, Stages::new(dir));
        let stages = stages.with_checkpoints(options.checkpoint_every, options.interrupt.clone());
        let mut run = Self {
            stages,
            experiment,
            human,
            device,
            configs,
            plans,
            seeds,
            planted,
            reading_cache,
            made_from,
            foreseen: Foreseen::default(),
            _presence,
        };
        run.plans = run.check()?;
        run.foreseen = run.foresee(options)?;
        run.write_down(claim, options)?;
        Ok(run)
    }

    /// What the run takes of disk and memory; refused if that is more than there is.
    fn foresee(&self, options: &RunOptions) -> Result<Foreseen, Error> {
        let dir = self.stages.dir();
        let asked = Asked {
            experiment: &self.experiment,
            human: &self.human,
            dir,
            configs: &self.configs,
            plans: &self.plans,
            device: &self.device,
            jobs: self.jobs(options.jobs, self.experiment.arms.len() * self.seeds.len()),
            human_tokens: self.human_tokens(),
        };
        let foreseen = asked.foresee()?;
        let has_work = || Ok::<_, Error>(self.chains()?.iter().any(|(arm, chain)| !self.is_complete(*arm, chain)));
        if !options.anyway && has_work()? {
            let mut there = 0;
            for id in dir.stage_ids()? {
                there += dir.find(&id).ok().flatten().map_or(0, |stage| stage.bytes());
            }
            foresee::check(&foreseen, dir.path(), there)?;
        }
        Ok(foreseen)
    }

    /// Tokens of the human documents in memory, which seeds may share.
    fn human_tokens(&self) -> u64 {
        let all: BTreeMap<_, _> = self.seeds.values().map(|seed| (Arc::as_ptr(&seed.human), &seed.human)).collect();
        all.values().map(|human| human.tokens.tokens() as u64).sum()
    }

    /// The human documents of a chain.
    pub(super) fn seed(&self, arm: usize, seed: u64) -> &Seed {
        self.planted.get(&(arm, seed)).unwrap_or_else(|| &self.seeds[&seed])
    }

    /// Checks that every arm can be run on every seed's human documents, and gives the plans.
    fn check(&self) -> Result<Vec<ChainPlan>, Error> {
        let arms = self.experiment.arms.iter().zip(&self.configs).enumerate();
        arms.map(|(index, (arm, configs))| {
            let context = configs.at(0).context;
            let mut largest = HumanText { tokens: 0, windows: 0 };
            for &seed in self.seeds.keys() {
                let seed = self.seed(index, seed);
                let tokens = self.check_seed(arm, context, seed)?;
                if tokens > largest.tokens {
                    largest = HumanText { tokens, windows: windows(seed, context) };
                }
            }
            for generation in 0..arm.settings().iter().len() as u32 {
                self.check_sample(index, generation, context)?;
            }
            Ok(chain_plan(&self.experiment, arm, configs, largest))
        })
        .collect()
    }

    /// Checks that an arm can be run on a seed's human documents, and gives the tokens of its training set.
    fn check_seed(&self, arm: &Arm, context: usize, seed: &Seed) -> Result<u64, Error> {
        let tokens = |entries: &[chain::Entry]| entries.iter().map(|e| e.size).sum::<u64>();
        let human = tokens(&seed.set.training);
        for (generation, settings) in (0..).zip(arm.settings().iter()) {
            let batch = settings.train().and_then(|train| train.batch).unwrap_or(1);
            let needed = (batch * context) as u64;
            if arm.is_transformer() && human < needed {
                let why = format!(
                    "the human training set has {human} tokens and one batch of {batch} windows needs {needed}; bring a \
                     larger corpus or lower train.batch"
                );
                return Err(of_generation(arm, generation, &why));
            }
            let (members, writing) = (arm.members(), settings.sample_tokens().unwrap_or(human));
            if writing < u64::from(members) {
                let why =
                    format!("members = {members}: each generates a part of {writing} tokens; raise sample.tokens");
                return Err(of_generation(arm, generation, &why));
            }
        }
        let recipes = arm.recipes();
        let mut sizes = Sizes {
            human,
            reserve: tokens(&seed.set.reserve),
            writing: arm.settings().map(|settings| settings.sample_tokens().unwrap_or(human)),
            kept: Kept::ALL.into(),
            generations: self.experiment.chain.generations,
        };
        recipes.check(&sizes).map_err(|e| of_arm(arm, &e))?;
        // Documents differ in length: what is kept may be longer than what is dropped, but hardly twice as long.
        let share = |most: f64| (2.0 * most).min(1.0);
        sizes.kept = arm.settings().map(|settings| {
            let curation = settings.curation();
            Kept { human: share(curation.most_human()), generated: share(curation.most()) }
        });
        recipes.check(&sizes).map_err(|e| of_arm(arm, &e.after_a_defence()))?;
        Ok(human)
    }

    /// What the sampler's temperature is matched on.
    fn held_out(&self, context: usize) -> Result<TokenSet, Error> {
        self.human.medium.held_out(self.stages.dir(), &self.human, POSITIONS, context)
    }

    /// Checks that there are documents for a generation's sampler to be matched to, and to begin with.
    fn check_sample(&self, index: usize, generation: u32, context: usize) -> Result<(), Error> {
        let arm = &self.experiment.arms[index];
        let sample = arm.at(generation).sample();
        let refused = |why: &str| Err(of_generation(arm, generation, &why));
        if sample.entropy_match && self.held_out(context)?.is_empty() {
            return refused(
                "sample.entropy_match: no held-out document fits; raise corpus.validation or corpus.test_tokens",
            );
        }
        let prompt = sample.prompt_tokens;
        let mut seeds = self.seeds.keys().map(|&seed| self.seed(index, seed));
        if sample.prompt != PromptFrom::None && !seeds.all(|seed| seed.has_prompts(prompt)) {
            let why = "no document of the human training set is so long; take fewer";
            return refused(&format!("sample.prompt_tokens = {prompt}: {why}"));
        }
        let mut seeds = self.seeds.keys().map(|&seed| self.seed(index, seed));
        if sample.target().is_some() && !seeds.all(|seed| can_begin(seed, prompt)) {
            return refused(&format!("sample.prompt_tokens = {prompt}: no human document is longer; take fewer"));
        }
        Ok(())
    }

    /// Writes `experiment.toml` and `run.json`.
    fn write_down(&self, claim: &Claim, options: &RunOptions) -> Result<(), Error> {
        let (kind, description) = (self.device.kind().name(), self.device.description());
        let mut info = RunInfo::new(&self.experiment.name, options.build.clone(), kind, &description);
        info.corpus = Some(self.human.hash.clone());
        info.tokenizer = Some(self.human.codec.hash().to_owned());
        info.prepare = Some(self.human.id);
        write_down(claim, &self.experiment, info)
    }
}

fn of_arm(arm: &Arm, error: &dyn std::fmt::Display) -> Error {
    Error::Request(format!("arm `{}`: {error}", arm.name))
}

/// The same of a generation, which is named where settings change.
fn of_generation(arm: &Arm, generation: u32, error: &dyn std::fmt::Display) -> Error {
    match arm.settings().is_constant() {
        true => of_arm(arm, error),
        false => of_arm(arm, &format!("{error} (in generation {generation})")),
    }
}

/// The sizes of an arm's models; of a learner that is no transformer, the context alone matters.
fn configs_of(arm: &Arm, vocabulary: usize) -> Result<ByGeneration<ModelConfig>, Error> {
    let config = |settings: &ArmSettings| {
        let sizes = match settings.transformer() {
            Some(settings) => settings.model.clone(),
            None => ModelSettings { preset: "tiny".to_owned(), context: arm.context(), ..ModelSettings::default() },
        };
        sizes.resolve(vocabulary).map_err(Error::request)
    };
    Ok(arm.settings().iter().map(config).collect::<Result<Vec<_>, _>>()?.into_iter().collect())
}

/// By arm and seed, the human documents with what the arm plants in it.
fn planted(
    experiment: &Experiment,
    configs: &[ByGeneration<ModelConfig>],
    (human, seeds): (&Human, &BTreeMap<u64, Seed>),
) -> Result<BTreeMap<(usize, u64), Seed>, Error> {
    let mut planted = BTreeMap::new();
    for (index, arm) in experiment.arms.iter().enumerate() {
        let Some(plant) = arm.plant().filter(|plant| plant.generation == 0) else { continue };
        for (&seed, human_of) in seeds {
            let context = configs[index].at(0).context;
            let with = human_of.planted(plant, human, context, seed).map_err(|e| of_arm(arm, &e))?;
            planted.insert((index, seed), with);
        }
    }
    Ok(planted)
}

/// Windows that a seed's human training set fills.
fn windows(seed: &Seed, context: usize) -> usize {
    let sizes: Vec<usize> = seed.set.training.iter().map(|entry| (entry.size as usize).min(context)).collect();
    corpus::best_fit(&sizes, context).len()
}
