//! What is measured of a generation, and its record.

use super::judge::is_human;
use super::{Corpus, Member, RULES, Stop, Trained, Transformers, json, target, timed, weights, write_file};
use crate::calibrate::{RELIABILITY, calibrate};
use crate::census::{Census, SURVIVORS};
use crate::scoring::{self, Measured};
use crate::truth::{self, Answers};
use crate::{Error, Plant, PromptFrom, Truth, WordRatio};
use chain::Trip;
use evaluation::DocumentLoss;
use model::Weights;
use rundir::{GenerationRecord, StageId, StageKind};
use serde::Serialize;
use std::path::Path;
use training::Record;

#[derive(Serialize)]
struct ScoreKey<'a> {
    prepare: &'a StageId,
    compose: &'a StageId,
    train: &'a StageId,
    write: &'a StageId,
    equal_words: usize,
    draws: u32,
    questions: Option<usize>,
    measures: u32,
    /// Where text began with prompts: that its words are counted without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<&'a StageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plant: Option<&'a Plant>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    follow: &'a [WordRatio],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    verdicts: &'a [StageId],
    /// What the generations before wrote: their models and their text are measured with this one's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<StageId>,
}

impl Transformers<'_> {
    /// Losses on the test set, and where the truth is known the distance from it.
    pub(super) fn test(&self, losses: &[DocumentLoss]) -> Vec<Measured> {
        let excess = self.human.truth.as_ref().map(|truth| truth.of_predictions(losses));
        scoring::test_measures(losses).into_iter().chain(excess.into_iter().flatten()).collect()
    }

    /// What the truth says of a model and of what it wrote.
    fn against(&self, truth: &Truth, weights: &Weights, corpus: &Corpus, told: &mut Vec<Answers>) -> Vec<Measured> {
        let (separator, device) = (self.human.tokenizer.separator(), self.device.device());
        let answers = truth.ask(weights, separator, &device);
        let mut list = truth.of_answers(&answers, &self.seed.stated);
        told.push(answers);
        // Only what begins from nothing is drawn from the model alone.
        if self.arm.sample.prompt == PromptFrom::None {
            let budget = self.human.test.tokens.tokens() as u64;
            let drawn = corpus.sampling(self.arm.sample.sampling());
            let unprompted = corpus.unprompted();
            let written = unprompted.as_ref().map_or((&corpus.documents[..], &corpus.tokens), |(d, t)| (&d[..], t));
            list.extend(truth.of_drawn(weights, written, (&drawn, budget), separator, &device));
        }
        list
    }

    /// What is measured of each member, and of all of them together: a document of the pooled text has one of them for its
    /// author, so together they give it the mean of their probabilities; so do they answer what is asked.
    fn measures(
        &self,
        trip: &Trip<'_, Trained>,
        corpus: &Corpus,
        models: &[Weights],
        folder: &Path,
    ) -> Result<Vec<Measured>, Error> {
        let members = &trip.model.members;
        let (mut losses, mut own, mut told, mut reliability) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, (member, weights)) in members.iter().zip(models).enumerate() {
            let tested = timed("scoring", || scoring::test_losses(weights, self.human, &self.device.device()));
            let (calibrated, table) = timed("calibration", || calibrate(weights, self.human, &self.device.device()));
            reliability.push(table);
            let mut list = Vec::new();
            if members.len() > 1 {
                let id = member.written.get().expect("every member has written");
                let wrote = self.run.find(&id)?.ok_or_else(|| gone(&id))?;
                let wrote = Corpus::open(&wrote)?;
                list.extend(self.test(&tested));
                list.extend(calibrated);
                list.extend(self.written_measures(&wrote));
                list.extend(self.known(weights, &wrote, &mut told));
                list.extend(member.record.iter().flat_map(scoring::run_measures));
                // Human text is the same beside every member.
                let of_model = list.into_iter().filter(|measured| !measured.detail.starts_with("human"));
                own.extend(of_model.map(|measured| measured.of_member(number)));
            } else {
                own.extend(calibrated);
                own.extend(self.known(weights, corpus, &mut told));
            }
            losses.push(tested);
        }
        let mut list = self.test(&scoring::mixed(losses));
        list.extend(self.written_measures(corpus));
        list.extend(own);
        if let (Some(truth), true) = (&self.human.truth, members.len() > 1) {
            list.extend(truth.of_answers(&truth::pooled(&told), &self.seed.stated));
        }
        write_file(&folder.join(RELIABILITY), &json(&reliability))?;
        Ok(list)
    }

    /// Words of what was written, without the prompts that it began with: those are another's text. Where documents are read whole,
    /// prompts belong to them: the truth's parser, a model's losses and features (`perplexity`, MAUVE, Vendi).
    pub(super) fn written_measures(&self, corpus: &Corpus) -> Vec<Measured> {
        let (documents, tokens) = corpus.own(&self.human.tokenizer);
        let mut list = scoring::written_measures(documents, tokens, &corpus.reencoded, &self.seed.reference);
        let temperature = corpus.matched.map(|matched| matched.temperature);
        list.extend(temperature.map(|found| Measured::new("written", "sampling-temperature", "", found)));
        list
    }

    /// What the truth says of a model, where there is one.
    fn known(&self, weights: &Weights, corpus: &Corpus, told: &mut Vec<Answers>) -> Vec<Measured> {
        let Some(known) = &self.human.truth else { return Vec::new() };
        timed("scoring against the truth", || self.against(known, weights, corpus, told))
    }

    /// What defences said; human text that reached this generation by another way than its training set; what was planted.
    fn anchors_and_plants(&self, trip: &Trip<'_, Trained>, corpus: &Corpus) -> Vec<Measured> {
        let judged = self.judged.borrow();
        let mut list = judged.measures.clone();
        let mut put = |set, metric, detail, value| list.push(Measured::new(set, metric, detail, value));
        if !judged.stages.is_empty() {
            // Of a recipe of human text alone only some defences were asked.
            let curation = &self.arm.curation;
            let anchors = match self.arm.judged_sources().all(is_human) {
                true => curation.anchors_of_human(),
                false => curation.anchors(),
            };
            anchors.into_iter().for_each(|anchor| put("training", "hidden-anchor", anchor.key(), 1.0));
        }
        for (from, saw_human) in [("start", trip.model.anchor), ("average", trip.model.averaged)] {
            if let Some(saw_human) = saw_human {
                put("training", "hidden-anchor", from, f64::from(u8::from(saw_human)));
            }
        }
        // Generation 0 is trained on that text itself.
        if trip.generation > 0 && self.train.objective.reads_human() {
            put("training", "hidden-anchor", "entropy-floor", 1.0);
        }
        if let Some(matched) = corpus.matched {
            put("written", "hidden-anchor", "entropy-match", matched.positions as f64);
        }
        if self.arm.sample.is_prompted() {
            let prompts = scoring::human_prompts(&corpus.documents);
            put("written", "prompt-tokens", "", (prompts * self.arm.sample.prompt_tokens) as f64);
            put("written", "hidden-anchor", "prompt", scoring::human_bytes(&corpus.documents));
        }
        let followed = self.arm.follow.iter();
        let ratios =
            followed.flat_map(|ratio| ratio.measures(corpus.own(&self.human.tokenizer).0, &self.human.test.documents));
        if let Some(plant) = &self.arm.plant {
            put("written", "planted-share", "", plant.share_of(corpus.documents.iter().map(|d| d.text.as_str())));
            let mut held = 0_u32;
            for pick in &trip.training.documents {
                self.document(&pick.entry, &mut |document| held += u32::from(plant.is_in(&document.text)));
            }
            put("training", "planted-share", "", f64::from(held) / trip.training.documents.len() as f64);
        }
        list.extend(target::measures(&self.arm.sample, &corpus.targeted));
        list.extend(ratios);
        list
    }

    /// Scores a generation and writes down its stages.
    pub(crate) fn finish(&self, trip: &Trip<'_, Trained>) -> Result<(), Stop> {
        let (generation, members) = (trip.generation, &trip.model.members);
        let at = |kind| self.stages.borrow()[&kind];
        let verdicts = self.judged.borrow().stages.clone();
        let key = ScoreKey {
            prepare: &self.human.id,
            compose: &at(StageKind::Compose),
            train: &at(StageKind::Train),
            write: &at(StageKind::Write),
            equal_words: scoring::EQUAL_WORDS,
            draws: scoring::DRAWS,
            questions: self.questions,
            measures: RULES,
            words: self.arm.sample.is_prompted().then_some("after the prompt's last"),
            members: (members.len() > 1).then(|| members.iter().map(|member| member.stage.id()).collect()),
            plant: self.arm.plant.as_ref(),
            follow: &self.arm.follow,
            verdicts: &verdicts,
            before: self.written.borrow().iter().take(generation as usize).map(|corpus| corpus.stage).collect(),
        };
        self.stage(StageKind::Score, generation, &key, 1.0, &mut |folder| {
            self.working(generation, StageKind::Score, 0.0, String::new());
            let corpus = self.written.borrow().last().cloned().expect("this generation has written");
            let mut list = if self.arm.model.learner.is_some() {
                self.text_measures(&members[0], &corpus)?
            } else {
                let models =
                    members.iter().map(|member| weights(&member.stage)).collect::<Result<Vec<Weights>, Error>>()?;
                let mut list = self.measures(trip, &corpus, &models, folder)?;
                list.extend(timed("reading what was written", || self.seen(generation, &corpus, &models, folder))?);
                list.extend(timed("what the step added", || self.step_divergence(generation, &models))?);
                list
            };
            list.extend(timed("tells", || self.tells(generation, &corpus, folder))?);
            let mut holding = None;
            if let Some(known) = &self.human.truth {
                let (measured, false_facts, held) = known.of_text(&corpus.documents);
                list.extend(measured);
                holding = Some(held);
                write_file(&folder.join(truth::FALSE_FACTS), &json(&false_facts))?;
            }
            let own = corpus.own(&self.human.tokenizer).0;
            let census = Census::of(own.iter().map(|document| document.text.as_str()), holding);
            write_file(&folder.join(SURVIVORS), &json(&self.seed.census.survivors(&census)))?;
            if let (0, Some(loss)) = (generation, self.seed.unigram_loss) {
                list.push(Measured::new("test", "unigram-loss", "", loss));
            }
            let records: Vec<&Record> = members.iter().filter_map(|member| member.record.as_ref()).collect();
            list.extend(scoring::training_measures(trip.training, &records));
            list.extend(self.anchors_and_plants(trip, &corpus));
            write_file(&folder.join("metrics.json"), &json(&list))
        })?;
        let stages = self.stages.take();
        let verdicts = self.judged.take().stages;
        let mut record = GenerationRecord::done(stages.into_values()).with_verdicts(verdicts).by_rules(RULES);
        if members.len() > 1 {
            let of = |member: &Member| [*member.stage.id()].into_iter().chain(member.written.get());
            record = record.with_members(members.iter().map(of));
        }
        self.run.write_generation(&self.chain, generation, &record)?;
        Ok(())
    }
}

fn gone(id: &StageId) -> Error {
    Error::Work(format!("{id} is gone since it was made; run again"))
}
