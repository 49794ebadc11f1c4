//! From settings to a chain and its numbers.

use std::fmt::Display;

use sampling::Sampling;
use streams::{Purpose, Stream, Streams};

use super::markov::Markov;
use super::{Error, Observation, Part, Settings, settings};
use crate::learners::{
    Categories, Example, Family, Gaussian, Gaussians, Independent, KernelDensities, KernelDensity, Mixture, Mixtures,
    NGram, NGramModel, Regressions,
};
use crate::{ByGeneration, Entry, HumanSet, Kept, Learner, Plan, Recipe, Sizes, laws, run};

/// A chain of `generations` models of the kind that the settings choose, and what is measured of each: see
/// [the table](super). Model 0 is fitted to the human draws. `fresh` never runs out, for the truth is known.
///
/// A seed draws everything anew; a recipe or a sampler changes nothing of what the human set holds.
///
/// # Errors
/// If settings, sampler or recipe cannot work, or a generation could not be trained.
pub fn simulate(
    settings: &Settings,
    recipe: impl Into<ByGeneration<Recipe>>,
    sampling: Sampling,
    generations: u32,
    seed: u64,
) -> Result<Vec<Observation>, Error> {
    settings.check()?;
    sampling.check()?;
    sampling.refuse_all_but(settings.honours())?;
    let recipe = recipe.into();
    let sizes = settings.sizes(&recipe, generations);
    recipe.check(&sizes)?;
    let chain = Chain { recipe, sizes, streams: Streams::new(seed) };
    match settings {
        Settings::Categorical(settings) => chain.categorical(settings, sampling),
        Settings::Gaussian(settings) => chain.gaussian(settings, sampling),
        Settings::GaussianMixture(settings) => chain.mixture(settings),
        Settings::KernelDensity(settings) => chain.kernel_density(settings),
        Settings::LinearRegression(settings) => chain.regression(settings),
        Settings::Markov(settings) => chain.markov(settings, sampling),
    }
}

/// Texts for the n-gram learner; a symbol is whatever was numbered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// What generation 0 is trained on.
    pub human: Vec<Vec<u32>>,
    /// What `fresh` uses up.
    pub reserve: Vec<Vec<u32>>,
    /// What models are measured on.
    pub test: Vec<Vec<u32>>,
    /// ln P of each test document, where the truth is known.
    pub truth: Option<Vec<f64>>,
}

/// [`simulate`] for the n-gram learner on given text: of the settings only `order`, `discount` and `writing` are used.
///
/// # Errors
/// As [`simulate`].
///
/// # Panics
/// If a symbol is one of the two highest numbers, or `truth` is not as long as `test`.
pub fn simulate_text(
    settings: &settings::Markov,
    text: Text,
    recipe: Recipe,
    sampling: Sampling,
    generations: u32,
    seed: u64,
) -> Result<Vec<Observation>, Error> {
    // The human set is what was given, and not so many draws of the built-in language.
    Settings::Markov(settings::Markov { draws: text.human.len(), ..settings.clone() }).check()?;
    sampling.check()?;
    let sizes = Sizes {
        human: text.human.len() as u64,
        reserve: text.reserve.len() as u64,
        writing: (settings.writing.unwrap_or(text.human.len()) as u64).into(),
        kept: Kept::ALL.into(),
        generations,
    };
    let recipe = ByGeneration::from(recipe);
    recipe.check(&sizes)?;
    Chain { recipe, sizes, streams: Streams::new(seed) }.text(settings, text, sampling)
}

/// What all kinds of chains are run with.
struct Chain {
    recipe: ByGeneration<Recipe>,
    sizes: Sizes,
    streams: Streams,
}

/// The observations of one generation.
struct Sheet<'a> {
    generation: u32,
    list: &'a mut Vec<Observation>,
}

impl Sheet<'_> {
    fn put(&mut self, metric: &'static str, value: f64) {
        self.put_of(metric, Part::Whole, value);
    }

    fn put_of(&mut self, metric: &'static str, part: Part, value: f64) {
        if value.is_finite() {
            self.list.push(Observation { generation: self.generation, metric, part, value });
        }
    }
}

impl Chain {
    /// Goes round with any learner. The first of its human entries are the human set, the others the reserve: they are
    /// independent draws, so there is no need to shuffle them, and a reserve leaves the human set as it is.
    fn go<L: Learner>(
        self,
        mut learner: L,
        mut entries: Vec<Entry>,
        mut look: impl FnMut(&L::Model, &mut Sheet<'_>),
    ) -> Result<Vec<Observation>, Error>
    where
        L::Error: Display,
    {
        let reserve = entries.split_off(self.sizes.human as usize);
        let human = HumanSet { training: entries, reserve };
        let Self { recipe, sizes: Sizes { writing, generations, .. }, streams } = self;
        let plan = Plan { recipe, generations, writing, streams };
        let mut list = Vec::new();
        let outcome = run(
            &plan,
            human,
            &mut learner.watched(|finished| {
                look(finished.model, &mut Sheet { generation: finished.generation.number, list: &mut list });
                Ok(())
            }),
        );
        match outcome.ended {
            None => Ok(list),
            Some(ended) => {
                Err(Error::Ended { generation: outcome.generations, reason: ended.to_string(), observed: list })
            }
        }
    }

    /// Goes round with a family of distributions; `human` draws so many documents.
    fn go_with<F: Family>(
        self,
        family: F,
        human: impl FnOnce(usize, &mut Stream) -> Vec<F::Draw>,
        look: impl FnMut(&F::Model, &mut Sheet<'_>),
    ) -> Result<Vec<Observation>, Error>
    where
        F::Error: Display,
    {
        let count = self.human_draws();
        let (learner, entries) = Independent::new(family, self.streams, |stream| human(count, stream));
        self.go(learner, entries, look)
    }

    /// Draws of the human set and of the reserve.
    fn human_draws(&self) -> usize {
        (self.sizes.human + self.sizes.reserve) as usize
    }

    /// Where draws that are held out come from: the same for all generations and arms.
    fn held_out(&self) -> Stream {
        self.streams.stream(Purpose::Evaluation, 0, 0)
    }

    fn categorical(self, settings: &settings::Categorical, sampling: Sampling) -> Result<Vec<Observation>, Error> {
        let truth = match &settings.frequencies {
            Some(frequencies) => laws::normalised(frequencies.clone()),
            None => laws::zipf(settings.exponent, 0.0, settings.types),
        };
        let family = Categories { types: truth.len(), sampling };
        self.go_with(
            family,
            |count, stream| Categories::draw(&truth, count, stream),
            |model, sheet| categorical(model, &truth, sheet),
        )
    }

    fn gaussian(self, settings: &settings::Gaussian, sampling: Sampling) -> Result<Vec<Observation>, Error> {
        let truth = Gaussian::standard(settings.dimensions);
        let sampling_bias = settings.sampling_bias * sampling.temperature;
        self.go_with(
            Gaussians { estimator: settings.estimator, sampling_bias },
            |count, stream| (0..count).map(|_| truth.draw(1.0, stream)).collect(),
            |model, sheet| {
                sheet.put("squared-error", model.squared_error(&truth));
                sheet.put("variance", model.variance());
                sheet.put("log-variance", model.log_variance());
                sheet.put("squared-wasserstein", model.squared_wasserstein(&truth));
                sheet.put("divergence", model.divergence(&truth));
            },
        )
    }

    fn mixture(self, settings: &settings::GaussianMixture) -> Result<Vec<Observation>, Error> {
        let truth = Mixture::row(settings.components, settings.dimensions, settings.separation);
        let held_out = HeldOut::new(&truth, settings.test, &mut self.held_out());
        let family = Mixtures {
            components: settings.components,
            tolerance: settings.tolerance,
            turns: settings.turns,
            floor: settings.floor,
            starts: settings.starts,
        };
        self.go_with(
            family,
            |count, stream| truth.draws(count, stream),
            |model, sheet| {
                held_out.measure(|x| model.log_density(x), sheet);
                for (at, its) in truth.matched(model).into_iter().enumerate() {
                    let (weight, component) = (model.weights()[its], &model.components()[its]);
                    let part = Part::Component(at);
                    sheet.put_of("component-weight", part, weight);
                    sheet.put_of("component-error", part, component.squared_error(&truth.components()[at]));
                    sheet.put_of("component-variance", part, component.variance());
                }
            },
        )
    }

    fn kernel_density(self, settings: &settings::KernelDensity) -> Result<Vec<Observation>, Error> {
        let truth = Mixture::row(settings.components, settings.dimensions, settings.separation);
        let held_out = HeldOut::new(&truth, settings.test, &mut self.held_out());
        self.go_with(
            KernelDensities { bandwidth: settings.bandwidth },
            |count, stream| truth.draws(count, stream),
            |model: &KernelDensity, sheet| {
                held_out.measure(|x| model.log_density(x), sheet);
                sheet.put("integrated-squared-error", model.squared_error(&truth));
                sheet.put("variance", model.variance());
            },
        )
    }

    fn regression(self, settings: &settings::LinearRegression) -> Result<Vec<Observation>, Error> {
        let d = settings.dimensions;
        let mut inputs = self.streams.stream(Purpose::Initialisation, 0, 0);
        let inputs = (!settings.fresh_inputs).then(|| Regressions::inputs(d, self.sizes.human as usize, &mut inputs));
        let family = Regressions { noise: settings.noise, inputs };
        // Of length 1, so that signal and noise compare; least squares commutes with adding any other.
        let truth = vec![1.0 / (d as f64).sqrt(); d];
        self.go_with(
            family.clone(),
            |count, stream| -> Vec<Example> { family.write(&truth, count, stream) },
            |model, sheet| sheet.put("excess-risk", laws::squared_error(model, &truth)),
        )
    }

    fn markov(self, settings: &settings::Markov, sampling: Sampling) -> Result<Vec<Observation>, Error> {
        let language = Markov::new(settings.symbols, settings.exponent, settings.length);
        let mut human = language.documents(self.human_draws(), &mut self.streams.stream(Purpose::HumanText, 0, 0));
        let reserve = human.split_off(self.sizes.human as usize);
        let test = language.documents(settings.test, &mut self.held_out());
        let truth = Some(test.iter().map(|document| language.log_probability(document)).collect());
        self.text(settings, Text { human, reserve, test, truth }, sampling)
    }

    fn text(self, settings: &settings::Markov, text: Text, sampling: Sampling) -> Result<Vec<Observation>, Error> {
        let Text { mut human, reserve, test, truth } = text;
        human.extend(reserve);
        let (learner, entries) = NGram::new(settings.order, settings.discount, human, self.streams);
        let learner = learner.with_sampling(sampling);
        let mut first: Option<NGramModel> = None;
        self.go(learner, entries, |model, sheet| {
            let first = first.get_or_insert_with(|| model.clone());
            likelihood(model, &test, truth.as_deref(), sheet);
            for length in 1..=settings.order {
                sheet.put_of("ngrams", Part::Order(length), model.ngrams(length) as f64);
                let survival = first.shared(model, length) as f64 / first.ngrams(length) as f64;
                sheet.put_of("survival", Part::Order(length), survival);
            }
        })
    }
}

fn categorical(model: &[f64], truth: &[f64], sheet: &mut Sheet<'_>) {
    let known = || model.iter().zip(truth).filter(|(q, _)| **q > 0.0);
    let found: f64 = known().map(|(_, p)| p).sum();
    let missing: f64 = model.iter().zip(truth).filter(|(q, _)| **q == 0.0).map(|(_, p)| p).sum();
    let divergence: f64 = known().filter(|(_, p)| **p > 0.0).map(|(q, p)| p / found * (p / found / q).ln()).sum();
    sheet.put("support", known().count() as f64);
    sheet.put("missing-mass", missing);
    sheet.put("heterozygosity", laws::heterozygosity(model));
    sheet.put("entropy", laws::entropy(model));
    sheet.put("squared-error", laws::squared_error(model, truth));
    sheet.put("divergence", divergence);
}

/// True draws with their log densities.
struct HeldOut {
    draws: Vec<Vec<f64>>,
    /// Mean ln p.
    truth: f64,
}

impl HeldOut {
    fn new(truth: &Mixture, count: usize, stream: &mut Stream) -> Self {
        let draws = truth.draws(count, stream);
        let truth = mean(&draws, |x| truth.log_density(x));
        Self { draws, truth }
    }

    fn measure(&self, log_density: impl Fn(&[f64]) -> f64, sheet: &mut Sheet<'_>) {
        let likelihood = mean(&self.draws, log_density);
        sheet.put("log-likelihood", likelihood);
        sheet.put("excess", self.truth - likelihood);
    }
}

fn mean(draws: &[Vec<f64>], of: impl Fn(&[f64]) -> f64) -> f64 {
    draws.iter().map(|draw| of(draw)).sum::<f64>() / draws.len() as f64
}

fn likelihood(model: &NGramModel, test: &[Vec<u32>], truth: Option<&[f64]>, sheet: &mut Sheet<'_>) {
    let logs: Vec<f64> = test.iter().map(|document| model.log_probability(document)).collect();
    let possible: Vec<usize> = (0..logs.len()).filter(|&at| logs[at].is_finite()).collect();
    let count = possible.len() as f64;
    sheet.put("impossible", 1.0 - count / logs.len() as f64);
    // With nothing possible, zero over zero is left out.
    sheet.put("log-likelihood", possible.iter().map(|&at| logs[at]).sum::<f64>() / count);
    if let Some(truth) = truth {
        sheet.put("excess", possible.iter().map(|&at| truth[at] - logs[at]).sum::<f64>() / count);
    }
}
