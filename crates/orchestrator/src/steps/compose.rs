//! The training set of a generation, in a stage of its own.

use super::files::{json, write_file};
use super::state::{Draft, History, Setup, Stop};
use crate::human::write_documents;
use crate::{Error, plant};
use chain::{Generation, TrainingSet};
use corpus::Document;
use experiment::Plant;
use rundir::{Stage, StageId, StageKind};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::Path;

/// Counts up when a compose stage gets other bytes.
pub(crate) const VERSION: u32 = 3;

#[derive(Serialize)]
struct Key<'a> {
    prepare: &'a StageId,
    set: &'a TrainingSet,
    /// SHA-256 of what was generated, if there are such documents: their ids name the model that generated them, and not the
    /// sampler, prompts or target. Human documents are named by `prepare`.
    text: Option<String>,
    /// The phrase that was planted by now; the planted documents have ids of their own in the set.
    plant: Option<&'a Plant>,
    /// The verdicts that edited documents of the set; those documents have ids of their own, too. What a verdict only drops,
    /// weighs or repeats is in the set.
    edited: Option<&'a [StageId]>,
}

/// Finds or makes the stage of a training set.
pub(super) fn stage(
    setup: &Setup<'_>,
    history: &History,
    generation: &mut Generation<Draft>,
    set: &TrainingSet,
) -> Result<Stage, Stop> {
    let (number, draft) = (generation.number, &generation.state);
    let plant = setup.planted_by(number);
    let is_edited = set.documents.iter().any(|pick| draft.edited.contains_key(&pick.entry.id));
    let edited = is_edited.then_some(&draft.verdicts[..]);
    let text = hash_of_generated((setup, history, draft), set);
    let key = Key { prepare: &setup.run.human.id, set, text, plant, edited };
    let work = setup.work(StageKind::Compose, VERSION, number, 1.0);
    let stage = setup.stage(work, &key, |folder, _| fill((setup, history, draft), set, folder))?;
    let draft = &mut generation.state;
    draft.stages.insert(StageKind::Prepare, setup.run.human.id);
    setup.reached(&stage, generation)?;
    Ok(stage)
}

fn fill(
    (setup, history, draft): (&Setup<'_>, &History, &Draft),
    set: &TrainingSet,
    folder: &Path,
) -> Result<(), Error> {
    if setup.planted_by(set.generation).is_some_and(|plant| plant.generation == set.generation) {
        let planted = set.documents.iter().filter(|pick| plant::is_planted(&pick.entry.id));
        let planted = planted.map(|pick| draft.read((setup, history), &pick.entry).0.clone());
        write_documents(&folder.join("planted.jsonl.zst"), &planted.collect::<Vec<_>>())?;
    }
    let ids: BTreeSet<&String> = set.documents.iter().map(|pick| &pick.entry.id).collect();
    let edited = draft.edited.iter().filter(|(id, _)| ids.contains(id));
    let edited: Vec<Document> = edited.map(|(_, edited)| edited.document.clone()).collect();
    if !edited.is_empty() {
        write_documents(&folder.join("edited.jsonl.zst"), &edited)?;
    }
    write_file(&folder.join("training-set.json"), &json(&set.listing()))
}

/// SHA-256 of the documents of a training set that models generated; none if there are none.
fn hash_of_generated((setup, history, draft): (&Setup<'_>, &History, &Draft), set: &TrainingSet) -> Option<String> {
    let mut generated = set.documents.iter().filter(|pick| pick.entry.generation.is_some()).peekable();
    generated.peek()?;
    let mut hash = Sha256::new();
    for pick in generated {
        let (document, ..) = draft.read((setup, history), &pick.entry);
        hash.update((document.text.len() as u64).to_le_bytes());
        hash.update(document.text.as_bytes());
        hash.update([u8::from(document.truncated)]);
    }
    Some(crate::human::hex(hash))
}

impl Setup<'_> {
    /// The phrase, if it was planted before this generation was trained.
    pub(super) fn planted_by(&self, generation: u32) -> Option<&Plant> {
        self.arm.plant().filter(|plant| plant.generation <= generation)
    }
}
