//! What a generation's models write, or have written.

use super::target::{Part, TARGETED, TargetKey, Targeted};
use super::{FAILURE, Member, Stop, Transformers, json, read_json, timed, weights, write_file};
use crate::held_out::{self, Matched};
use crate::human::{read_documents, write_documents};
use crate::{Error, PromptFrom};
use corpus::{Document, Sampling, TokenSet, Tokenizer};
use inference::{DecodeError, Prompts, WriteSettings};
use rundir::{Stage, StageId, StageKind};
use serde::Serialize;
use std::cell::OnceCell;
use std::path::Path;

#[derive(Serialize)]
struct WriteKey<'a> {
    train: &'a StageId,
    sampling: &'a Sampling,
    budget: u64,
    prompt: PromptFrom,
    prompt_tokens: Option<usize>,
    prompts: Option<StageId>,
    /// Which human documents prompts are of, where they are of such: stages of before are of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    human_prompts: Option<&'static str>,
    seed: u64,
    generation: u32,
    /// Where the temperature is matched: positions of the human text that it is matched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    entropy_match: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<TargetKey<'a>>,
}

/// In the stage of a text whose temperature was found: that, and what it was found on.
const MATCHED: &str = "temperature.json";

/// The texts of a generation's members, one after the other.
#[derive(Serialize)]
struct PoolKey<'a> {
    members: &'a [StageId],
    /// How documents are named: those of members but the first bear their member's number.
    named: &'static str,
}

/// What a generation wrote.
pub(crate) struct Corpus {
    pub(super) stage: StageId,
    pub(super) documents: Vec<Document>,
    pub(super) tokens: TokenSet,
    pub(super) reencoded: Vec<bool>,
    /// The temperature at which it was written, where that was found; the mean of members' own.
    pub(super) matched: Option<Matched>,
    /// What each member's target came to, where there is one.
    pub(super) targeted: Vec<Targeted>,
    /// The same without prompts, where some document began with one: what was written is measured by it.
    own: OnceCell<Option<(Vec<Document>, TokenSet)>>,
    /// The same with planted phrases, where the next generation reads it so.
    pub(super) planted: Option<(Vec<Document>, TokenSet)>,
}

impl Corpus {
    /// What a write stage holds.
    pub(super) fn open(stage: &Stage) -> Result<Self, Error> {
        let matched = stage.path().join(MATCHED);
        Ok(Self {
            matched: if matched.exists() { Some(read_json(&matched)?) } else { None },
            stage: *stage.id(),
            documents: read_documents(&stage.path().join("documents.jsonl.zst"))?,
            own: OnceCell::new(),
            tokens: TokenSet::load(&stage.path().join("tokens.safetensors")).map_err(Error::work)?,
            reencoded: read_json(&stage.path().join("reencoded.json"))?,
            targeted: Targeted::read(stage.path())?,
            planted: None,
        })
    }

    /// How it was sampled, by these settings.
    pub(super) fn sampling(&self, settings: Sampling) -> Sampling {
        Sampling { temperature: self.matched.map_or(settings.temperature, |matched| matched.temperature), ..settings }
    }

    /// Where some documents began with a prompt, those that did not.
    pub(super) fn unprompted(&self) -> Option<(Vec<Document>, TokenSet)> {
        self.documents.iter().any(is_prompted).then_some(())?;
        let of: Vec<usize> = (0..self.documents.len()).filter(|&at| !is_prompted(&self.documents[at])).collect();
        Some((of.iter().map(|&at| self.documents[at].clone()).collect(), self.tokens.pick(&of)))
    }

    /// What models wrote themselves: documents without the prompts that they began with.
    pub(super) fn own(&self, tokenizer: &Tokenizer) -> (&[Document], &TokenSet) {
        let own = self.own.get_or_init(|| without_prompts(&self.documents, tokenizer));
        own.as_ref().map_or((&self.documents, &self.tokens), |(documents, tokens)| (documents, tokens))
    }

    /// What generations are trained on.
    pub(super) fn read(&self) -> (&[Document], &TokenSet) {
        self.planted.as_ref().map_or((&self.documents, &self.tokens), |(documents, tokens)| (documents, tokens))
    }
}

impl Transformers<'_> {
    fn fill_write(
        &self,
        model: &Stage,
        (generation, member): (u32, usize),
        budget: u64,
        folder: &Path,
    ) -> Result<(), Error> {
        let weights = weights(model)?;
        let last = self.written.borrow().last().cloned();
        let prompt = self.arm.sample.prompt_tokens;
        // The reserve is for recipes that ask for it.
        let of_training = self.seed.of_training();
        let prompts = match (self.arm.sample.prompt, &last) {
            (PromptFrom::None, _) => Prompts::Unprompted,
            (PromptFrom::Latest, Some(last)) if !has_prompts(&last.tokens, prompt) => {
                let reason = format!("writing: the last generation wrote no document of {prompt} tokens to begin with");
                return write_file(&folder.join(FAILURE), &reason);
            }
            (PromptFrom::Latest, Some(last)) => Prompts::Documents { documents: &last.documents, tokens: prompt },
            // Generation 0 has nobody before it but humans.
            _ => Prompts::Weighted { documents: &self.seed.texts.documents, tokens: prompt, weights: &of_training },
        };
        let chain = model.id().to_string();
        let mut sampling = self.arm.sample.sampling();
        if self.arm.sample.entropy_match {
            let text = held_out::text(self.run, self.human, self.config.context)?;
            let (separator, device) = (self.human.tokenizer.separator(), self.device.device());
            match timed("matching the temperature", || held_out::matched(&weights, &text, separator, &device)) {
                Ok(matched) => {
                    sampling.temperature = matched.temperature;
                    write_file(&folder.join(MATCHED), &json(&matched))?;
                }
                Err(error) => return write_file(&folder.join(FAILURE), &error.to_string()),
            }
        }
        let mut told = 0;
        let mut write = |part: Part<'_>| {
            let settings = WriteSettings {
                sampling: &sampling,
                streams: self.streams_of(member),
                generation,
                chain: &chain,
                first: part.first,
                budget: part.budget,
                prompts: part.prompts,
                slots: inference::slots(&self.config, self.device),
            };
            let mut progress = |tokens: u64| {
                let tokens = part.held + tokens;
                if tokens > told + budget / 50 {
                    told = tokens;
                    let done = tokens as f64 / budget as f64;
                    self.working(generation, StageKind::Write, done, format!("{}{tokens} tokens", part.note));
                }
            };
            timed("decoding", || {
                inference::write(&weights, &self.human.tokenizer, &settings, self.device, &mut progress)
            })
        };
        let written = match self.arm.sample.target() {
            None => write(Part::all(budget, prompts)).map(|written| (written, None)),
            Some(target) => self
                .write_to(target, generation, budget, &mut write)?
                .map(|(written, targeted)| (written, Some(targeted))),
        };
        let (written, targeted) = match written {
            Ok(written) => written,
            // The last step of a training run can break a model that no loss was taken of any more.
            Err(error @ DecodeError::Sample { .. }) => return write_file(&folder.join(FAILURE), &error.to_string()),
            Err(error) => return Err(Error::Work(format!("{}, generation {generation}: {error}", self.chain))),
        };
        let documents: Vec<Document> = written.iter().map(|w| w.document.clone()).collect();
        let tokens = TokenSet::encode(&documents, &self.human.tokenizer);
        let reencoded: Vec<bool> =
            written.iter().enumerate().map(|(index, w)| w.ids.as_slice() != tokens.ids(index)).collect();
        if let Some(targeted) = targeted {
            write_file(&folder.join(TARGETED), &json(&[targeted]))?;
        }
        write_corpus(folder, &documents, &tokens, &reencoded)
    }

    /// What one member writes: of a chain of one, all of it.
    pub(super) fn write_member(
        &self,
        model: &Member,
        (generation, member): (u32, usize),
        budget: u64,
    ) -> Result<Stage, Stop> {
        let sample = &self.arm.sample;
        let prompted = sample.prompt != PromptFrom::None;
        let from_latest = sample.prompt == PromptFrom::Latest;
        let prompts = self.written.borrow().last().filter(|_| from_latest).map(|c| c.stage);
        let trained = self.trained.borrow();
        let key = WriteKey {
            train: model.stage.id(),
            sampling: &sample.sampling(),
            budget,
            prompt: sample.prompt,
            prompt_tokens: prompted.then_some(sample.prompt_tokens),
            prompts,
            human_prompts: (prompted && prompts.is_none()).then_some("training"),
            seed: self.chain.seed,
            generation,
            entropy_match: sample.entropy_match.then_some(held_out::POSITIONS),
            target: self.target_key(&trained),
        };
        let share = 1.0 / self.members() as f64;
        let stage = self.stage(StageKind::Write, generation, &key, share, &mut |folder| {
            if self.arm.model.learner.is_some() {
                return self.fill_text(&model.stage, generation, budget, folder);
            }
            self.fill_write(&model.stage, (generation, member), budget, folder)
        })?;
        stage.verify()?;
        self.end_if_failed(&stage, generation)?;
        model.written.set(Some(*stage.id()));
        Ok(stage)
    }

    /// The members' texts as one, in a stage of its own.
    pub(super) fn pool(&self, parts: &[Stage], generation: u32) -> Result<Stage, Stop> {
        let members: Vec<StageId> = parts.iter().map(|part| *part.id()).collect();
        let key = PoolKey { members: &members, named: "by member" };
        let stage = self.stage(StageKind::Write, generation, &key, 0.0, &mut |folder| {
            let (mut documents, mut reencoded) = (Vec::new(), Vec::new());
            let (mut matched, mut targeted) = (Vec::new(), Vec::new());
            for (member, part) in parts.iter().enumerate() {
                let part = Corpus::open(part)?;
                matched.extend(part.matched);
                documents.extend(part.documents.into_iter().map(|document| of_member(document, member)));
                reencoded.extend(part.reencoded);
                targeted.extend(part.targeted);
            }
            if !targeted.is_empty() {
                write_file(&folder.join(TARGETED), &json(&targeted))?;
            }
            if let Some(Matched { positions, .. }) = matched.first() {
                let sum: f64 = matched.iter().map(|member| member.temperature).sum();
                let mean = Matched { temperature: sum / matched.len() as f64, positions: *positions };
                write_file(&folder.join(MATCHED), &json(&mean))?;
            }
            let tokens = TokenSet::encode(&documents, &self.human.tokenizer);
            write_corpus(folder, &documents, &tokens, &reencoded)
        })?;
        stage.verify()?;
        Ok(stage)
    }
}

/// A document among those of other members, which count theirs from 0 as well: what is drawn about a document (a label that errs,
/// a verifier's mistake) is drawn by its number, and must not be the same in all members.
fn of_member(mut document: Document, member: usize) -> Document {
    if member > 0 {
        document.id.push_str(&format!("/member-{member}"));
    }
    document
}

/// Fills a write stage.
pub(super) fn write_corpus(
    folder: &Path,
    documents: &[Document],
    tokens: &TokenSet,
    reencoded: &[bool],
) -> Result<(), Error> {
    write_documents(&folder.join("documents.jsonl.zst"), documents)?;
    tokens.save(&folder.join("tokens.safetensors")).map_err(Error::work)?;
    write_file(&folder.join("reencoded.json"), &json(&reencoded))
}

fn is_prompted(document: &Document) -> bool {
    document.provenance.prompt.is_some()
}

/// Documents without their prompts, encoded; none if nobody was prompted.
fn without_prompts(documents: &[Document], tokenizer: &Tokenizer) -> Option<(Vec<Document>, TokenSet)> {
    if !documents.iter().any(is_prompted) {
        return None;
    }
    let own = |document: &Document| {
        let end = document.text.len();
        document.part(document.id.clone(), end - document.continuation().len(), end)
    };
    let documents: Vec<Document> = documents.iter().map(own).collect();
    let tokens = TokenSet::encode(&documents, tokenizer);
    Some((documents, tokens))
}

/// Whether some document has as many tokens as a prompt.
fn has_prompts(tokens: &TokenSet, prompt: usize) -> bool {
    (0..tokens.len()).any(|document| tokens.ids(document).len() >= prompt)
}
