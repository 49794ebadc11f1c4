//! The learner who knows no grammar: words and signs in a row, learned by the n-gram learner of the crate `chain`.

use chain::learners::{NGram, NGramModel};
use chain::{HumanSet, Learner, Plan, Recipe, TrainingSet, run};
use streams::Streams;
use world::World;

use super::subjects;
use super::words::Words;

/// A chain of n-gram models on documents of a world.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) world: &'a World,
    pub(crate) recipe: Recipe,
    /// Of the human set and of what each generation writes.
    pub(crate) documents: u64,
    pub(crate) generations: u32,
    pub(crate) order: usize,
    pub(crate) discount: f64,
}

/// One generation of a chain.
pub(crate) struct Generation {
    /// For each person, the runs about it in what the model was trained on.
    pub(crate) read: Vec<u64>,
    /// What it wrote, and ln Q of each.
    pub(crate) written: Vec<(String, f64)>,
}

/// Runs a chain on the world's documents from number `seed * documents` on.
pub(crate) fn chain(setting: &Setting<'_>, seed: u64) -> Vec<Generation> {
    let Setting { world, recipe, documents, generations, .. } = *setting;
    let mut words = Words::default();
    let first = seed * documents;
    let human = (first..first + documents).map(|number| words.symbols(&world.derive(number).0)).collect();
    let streams = Streams::new(seed);
    let (mut learner, entries) = NGram::new(setting.order, setting.discount, human, streams);
    let plan = Plan { recipe: recipe.into(), generations, writing: documents.into(), streams };
    let mut models = Vec::new();
    let outcome = run(
        &plan,
        HumanSet::whole(entries),
        &mut learner.watched(|finished| {
            models.push((finished.training.clone(), finished.model.clone()));
            Ok(())
        }),
    );
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    let generation = |(training, model): (TrainingSet, NGramModel)| {
        let mut read = vec![0; world.persons().len()];
        for pick in &training.documents {
            let text = words.text(learner.document(pick.entry.generation, pick.entry.index));
            subjects(world, &text).into_iter().for_each(|subject| read[subject] += 1);
        }
        let written = (0..documents as usize).map(|index| {
            let symbols = learner.document(Some(training.generation), index);
            (words.text(symbols), model.log_probability(symbols))
        });
        Generation { read, written: written.collect() }
    };
    models.into_iter().map(generation).collect()
}
