//! What a generation was given of people ([`crate::human_tokens`]).

use super::corpus::Corpus;
use super::state::{Draft, History, Models, Setup};
use crate::human_tokens::{Documents, Given};
use chain::{Finished, Source};
use curation::Anchor;
use experiment::ArmSettings;
use std::collections::{BTreeSet, HashMap};

/// What the generation that is scored was given: nothing of generation 0.
pub(super) fn of(setup: &Setup<'_>, history: &History, finished: &Finished<'_, Draft, Models>) -> Given {
    let number = finished.generation.number;
    let Some(parent) = number.checked_sub(1) else { return Given::default() };
    let mut given = Given { by_weights: finished.model.ancestors.clone(), ..Given::default() };
    sets(&mut given, finished);
    prompts(&mut given, setup, &history.corpora[parent as usize]);
    let settings = setup.arm.at(number);
    let anchors = anchors(settings, &finished.generation.state);
    if anchors.contains(&Anchor::Labels) {
        let labelled = &finished.generation.state.offered;
        given.documents.add_all(labelled);
        given.reads += labelled.iter().map(|entry| entry.size as f64).sum::<f64>();
    }
    let by_objective = settings.train().is_some_and(|train| train.objective.reads_human());
    let by_target = setup.arm.at(parent).sample().target().map_or(&[][..], |target| target.find.anchors());
    let is_asked = |anchor| anchors.contains(&anchor) || by_target.contains(&anchor);
    for _ in 0..usize::from(is_asked(Anchor::HumanText)) + usize::from(by_objective) {
        let training = &setup.seed.set.training;
        given.documents.add_all(training);
        given.reads += training.iter().map(|entry| entry.size as f64).sum::<f64>();
    }
    if is_asked(Anchor::FirstModel) {
        given.by_weights.join(&history.models[0].human);
    }
    if let Some(matched) = history.corpora[parent as usize].matched {
        given.held_out = matched.positions;
        given.reads += matched.positions as f64;
    }
    given
}

/// What the defences that judged a generation's documents know of people.
pub(super) fn anchors(settings: &ArmSettings, draft: &Draft) -> BTreeSet<Anchor> {
    match draft.verdicts.is_empty() {
        true => BTreeSet::new(),
        // Of a recipe of human documents alone only some defences were asked.
        false if settings.judged_sources().all(Source::is_human) => settings.curation().anchors_of_human(),
        false => settings.curation().anchors(),
    }
}

/// Human documents of the training set, with every pass of every member.
fn sets(given: &mut Given, finished: &Finished<'_, Draft, Models>) {
    let human = || finished.training.documents.iter().map(|pick| &pick.entry).filter(|e| e.generation.is_none());
    given.documents.add_all(human());
    let all = finished.training.totals.all.tokens.max(1) as f64;
    let passes = |seen: Option<u64>| seen.map_or(1.0, |seen| seen as f64 / all);
    let members = finished.model.members.iter();
    let passes: f64 = members.map(|member| passes(member.record.as_ref().map(|record| record.seen_tokens))).sum();
    given.reads += passes * human().map(|entry| entry.size as f64).sum::<f64>();
}

/// The beginnings of human documents with which the documents began that this generation could read.
fn prompts(given: &mut Given, setup: &Setup<'_>, latest: &Corpus) {
    let human = &setup.seed.human;
    let mut numbers = None;
    for document in &latest.documents {
        let Some(prompt) = &document.provenance.prompt else { continue };
        let numbers = numbers.get_or_insert_with(|| {
            human
                .documents
                .iter()
                .enumerate()
                .map(|(number, document)| (document.id.as_str(), number))
                .collect::<HashMap<_, _>>()
        });
        // What is there no more, or was another generation's, is no human document.
        let Some(&number) = numbers.get(prompt.document.as_str()) else { continue };
        let tokens = setup.run.human.codec.encode(&document.text[..prompt.bytes]).len() as u64;
        given.documents.add(None, number, tokens);
        given.reads += tokens as f64;
    }
}

/// Human documents that weights have read: those of the training set, and those that the weights had read which they began
/// with or were averaged with.
pub(super) fn read_by(set: &chain::TrainingSet, ancestors: &Documents) -> Documents {
    let mut read = ancestors.clone();
    read.add_all(set.documents.iter().map(|pick| &pick.entry).filter(|entry| entry.generation.is_none()));
    read
}
