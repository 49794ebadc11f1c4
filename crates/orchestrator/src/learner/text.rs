//! Learners of text in a transformer's place: the oracle of a world's grammar, and the n-gram over the tokenizer's ids.
//!
//! Their train stage holds `learned.json`, the counts; a write stage holds the same files as a transformer's. Draws come
//! from the seed's streams, document by document, so that a text depends on the counts and its own index alone.
//!
//! What is measured is what a text says, and of the n-gram the losses on the test set, which it gives exactly. It writes
//! no symbol that it has never read, so a single one in the test set makes the loss infinite: how many documents it finds
//! impossible is a measure, and losses are given where there is none. The oracle has no loss of use: whatever it has not
//! read word for word is impossible to it.

use super::write::write_corpus;
use super::{FAILURE, Member, Stop, Transformers, json, read_json, timed, write_file};
use crate::human::hex;
use crate::scoring::{self, Measured};
use crate::{Error, TextLearner};
use chain::learners::{NGramModel, NGramWriter};
use chain::{Entry, TrainingSet};
use corpus::{Document, Origin, Provenance, TokenSet};
use evaluation::DocumentLoss;
use rundir::{Stage, StageId, StageKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::path::Path;
use streams::{Purpose, Stream};
use world::Recount;

/// In a train stage.
const LEARNED: &str = "learned.json";

/// What such a learner has learned.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Learned {
    Oracle(Recount),
    NGram(NGramModel),
}

#[derive(Serialize)]
struct LearnKey<'a> {
    compose: &'a StageId,
    learner: &'a TextLearner,
    context: usize,
    seed: u64,
    generation: u32,
}

/// A document as it leaves the pen: its text, its ids where they are drawn, whether it is truncated.
type Penned = (String, Option<Vec<u32>>, bool);

impl Transformers<'_> {
    /// A generation's model, found or counted.
    pub(super) fn learn(
        &self,
        learner: &TextLearner,
        set: &TrainingSet,
        generation: u32,
        compose: &StageId,
    ) -> Result<Member, Stop> {
        let context = self.config.context;
        let key = LearnKey { compose, learner, context, seed: self.chain.seed, generation };
        let stage = self.stage(StageKind::Train, generation, &key, 1.0, &mut |folder| {
            self.working(generation, StageKind::Train, 0.0, learner.kind().to_owned());
            timed("counting", || self.fill_learn(learner, set, folder))
        })?;
        self.end_if_failed(&stage, generation)?;
        Ok(Member { stage, record: None, written: Cell::new(None) })
    }

    fn fill_learn(&self, learner: &TextLearner, set: &TrainingSet, folder: &Path) -> Result<(), Error> {
        let learned = match *learner {
            TextLearner::Oracle => {
                let world = self.human.truth.as_ref().expect("checked with the experiment").world();
                let mut recount = Recount::default();
                for pick in &set.documents {
                    self.document(&pick.entry, &mut |document| {
                        recount.add(world, &document.text, document.truncated, pick.weight);
                    });
                }
                if recount.writer(world).is_none() {
                    let all = set.documents.len();
                    let reason = format!("training: of {all} documents the oracle can parse none");
                    return write_file(&folder.join(FAILURE), &reason);
                }
                Learned::Oracle(recount)
            }
            TextLearner::NGram { order, discount } => {
                let written = self.written.borrow();
                let tokens = |entry: &Entry| {
                    let set = entry.generation.map_or(&self.seed.texts.tokens, |g| written[g as usize].read().1);
                    cut(set.ids(entry.index), set.truncated(entry.index), self.config.context)
                };
                let documents = set.documents.iter().map(|pick| tokens(&pick.entry));
                Learned::NGram(NGramModel::of(order, discount, documents))
            }
        };
        write_file(&folder.join(LEARNED), &json(&learned))
    }

    /// Fills a write stage: the shortest prefix, in the documents' order, that reaches the budget.
    pub(super) fn fill_text(&self, model: &Stage, generation: u32, budget: u64, folder: &Path) -> Result<(), Error> {
        let learned = learned(model)?;
        let parent = hex(Sha256::new_with_prefix(json(&learned)));
        let (tokenizer, context) = (&self.human.tokenizer, self.config.context);
        let mut pen = self.pen(&learned);
        let (mut documents, mut reencoded, mut held) = (Vec::new(), Vec::new(), 0);
        let mut told = 0;
        while held < budget {
            let index = documents.len();
            let (text, ids, truncated) = pen(&mut self.streams().stream(Purpose::Learner, generation, index as u64));
            let again = tokenizer.encode(&text);
            // What encodes to more than a window holds is cut there.
            held += (again.len() + usize::from(!truncated)).min(context) as u64;
            reencoded.push(ids.is_some_and(|ids| ids != again));
            let provenance = Provenance {
                generation: Some(generation),
                chain: Some(model.id().to_string()),
                parent: Some(parent.clone()),
                sampler: Some(self.arm.sample.sampling()),
                ..Provenance::of(Origin::Synthetic)
            };
            let id = format!("{}/{generation}/{index:06}", model.id());
            documents.push(Document { id, text, truncated, provenance });
            if held > told + budget / 10 {
                told = held;
                let done = held as f64 / budget as f64;
                self.working(generation, StageKind::Write, done, format!("{held} tokens"));
            }
        }
        let tokens = TokenSet::encode(&documents, tokenizer);
        write_corpus(folder, &documents, &tokens, &reencoded)
    }

    /// What writes the document of its draws.
    fn pen<'a>(&'a self, learned: &'a Learned) -> Box<dyn FnMut(&mut Stream) -> Penned + 'a> {
        match learned {
            Learned::Oracle(recount) => {
                let world = self.human.truth.as_ref().expect("checked with the experiment").world();
                let writer = recount.writer(world).expect("a training stage without counts has failed");
                Box::new(move |draws| (writer.write(draws), None, false))
            }
            Learned::NGram(model) => {
                let (context, tokenizer) = (self.config.context, &self.human.tokenizer);
                let mut writer = NGramWriter::new(model, TextLearner::sampling(self.arm), context);
                Box::new(move |draws| {
                    let ids = writer.write(draws);
                    let truncated = ids.len() >= context;
                    (tokenizer.decode(&ids), Some(ids), truncated)
                })
            }
        }
    }

    /// What is measured of such a model and of what it wrote.
    pub(super) fn text_measures(&self, member: &Member, corpus: &super::Corpus) -> Result<Vec<Measured>, Error> {
        let mut list = Vec::new();
        match learned(&member.stage)? {
            Learned::Oracle(recount) => {
                list.push(Measured::new("training", "unread-documents", "", recount.unread() as f64));
            }
            Learned::NGram(model) => {
                let losses = timed("scoring", || self.ngram_losses(&model));
                let impossible = losses.iter().filter(|loss| !loss.nats.is_finite()).count();
                let share = impossible as f64 / losses.len().max(1) as f64;
                list.push(Measured::new("test", "impossible-documents", "", share));
                if impossible == 0 {
                    list.extend(self.test(&losses));
                }
            }
        }
        list.extend(self.written_measures(corpus));
        Ok(list)
    }

    /// The losses of an n-gram model on the human test set.
    fn ngram_losses(&self, model: &NGramModel) -> Vec<DocumentLoss> {
        let (test, context) = (&self.human.test, self.config.context);
        let loss = |(index, document): (usize, &Document)| {
            let (ids, truncated) = cut(test.tokens.ids(index), test.tokens.truncated(index), context);
            DocumentLoss {
                nats: -model.log_probability_of(ids, truncated),
                tokens: scoring::positions(&test.tokens, index, context),
                bytes: document.text.len() as u64,
            }
        };
        test.documents.iter().enumerate().map(loss).collect()
    }
}

/// A document as a window holds it: what is longer is cut there.
fn cut(ids: &[u32], truncated: bool, context: usize) -> (&[u32], bool) {
    let is_cut = ids.len() + usize::from(!truncated) > context;
    if is_cut { (&ids[..context], true) } else { (ids, truncated) }
}

/// What a train stage holds, which must be as it was sealed.
fn learned(stage: &Stage) -> Result<Learned, Error> {
    stage.verify()?;
    read_json(&stage.path().join(LEARNED))
}
