//! Measures of a generation against a known true distribution: a world in the place of human text.

use crate::Error;
use crate::medium::Answers;
use corpus::{Document, TokenSet, Tokenizer};
use evaluation::metric::{DIVERGENCE, EXCESS, EXCESS_PER_DOCUMENT, FLOOR, PARSES};
use evaluation::{Dimension, DocumentLoss, Measure, Set, metric};
use experiment::CorpusSettings;
use inference::{Candidates, continuations};
use model::Weights;
use ops::device::Device;
use rundir::{Checkpoint, Stage, Stopped};
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use streams::{Purpose, Streams};
use world::{Estimate, Exact, FalseFact, Holding, Question, Scored, Survey, World};

/// File of a score stage: the false facts that the generation states.
pub(super) const FALSE_FACTS: &str = "false-facts.json";

/// A world with everything that is computed once for a run.
pub(super) struct Truth {
    world: World,
    exact: Exact,
    /// Entropy per token in nats: no model can go below it on average.
    floor: f64,
    /// ln P of each test document.
    test: Vec<f64>,
    questions: Vec<Question>,
    /// The tokens of each question.
    prompts: Vec<Vec<u32>>,
    /// Candidate answers, by fact.
    candidates: Vec<Candidates>,
    answers: Vec<world::Answers>,
}

/// A false fact of a generation, as `false-facts.json` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StatedFalseFact {
    pub(super) person: usize,
    pub(super) fact: usize,
    pub(super) value: usize,
    /// Number of times that it is stated.
    pub(super) count: u64,
    /// The fact in words, and what is true.
    pub(super) words: String,
}

/// The world that the settings name, if they name one.
///
/// # Errors
/// [`Error::Request`] with what is wrong in a grammar file.
pub(super) fn named_world(settings: &CorpusSettings) -> Result<Option<(World, String)>, Error> {
    let (world, grammar) = match (&settings.name, &settings.grammar) {
        (_, Some(path)) => {
            let text = World::read_grammar(Path::new(path))
                .map_err(|error| Error::Request(format!("corpus.grammar: {error}")))?;
            (World::from_toml(&text), text)
        }
        (Some(name), _) if World::names().any(|known| known == name) => {
            (World::named(name), World::grammar(name).map_err(Error::request)?.to_owned())
        }
        _ => return Ok(None),
    };
    Ok(Some((world.map_err(Error::request)?, grammar)))
}

impl Truth {
    /// # Errors
    /// [`Error::Request`] if the world's documents do not fit a window, or there is nothing to ask.
    pub(super) fn new(
        world: World,
        tokenizer: &Tokenizer,
        test: &[Document],
        settings: &CorpusSettings,
        context: usize,
    ) -> Result<Self, Error> {
        let exact = world.exact();
        let tokens = world.tokens(&|text| tokenizer.encode(text).len());
        if tokens.longest + 1 > context {
            return Err(super::worlds::too_long(&world, tokens.longest + 1, context));
        }
        let all = world.questions();
        let questions = drawn(all.questions, &exact, settings.questions);
        let encode = |text: &String| tokenizer.encode(text);
        let of_test = |document: &Document| world.log_probability(&document.text).expect("the world wrote it");
        Ok(Self {
            floor: exact.entropy / (tokens.expected + 1.0),
            test: test.iter().map(of_test).collect(),
            prompts: questions.iter().map(|question| encode(&question.prompt)).collect(),
            candidates: all.answers.iter().map(|a| Candidates::new(a.candidates.iter().map(encode))).collect(),
            questions,
            answers: all.answers,
            exact,
            world,
        })
    }

    /// The world.
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The distance from the truth to the model, on the test documents.
    pub(super) fn of_predictions(&self, losses: &[DocumentLoss]) -> Vec<Measure> {
        let scored: Vec<Scored> = (self.test.iter().zip(losses))
            .map(|(&truth, loss)| Scored { truth, model: -loss.nats, tokens: loss.tokens as usize })
            .collect();
        let mut list = vec![Measure::new(&FLOOR, self.floor)];
        let of = |metric, estimate: Option<Estimate>| estimate.map(|estimate| Measure::new(metric, estimate.value));
        list.extend(of(&EXCESS, world::excess(&scored)));
        list.extend(of(&EXCESS_PER_DOCUMENT, world::excess_per_document(&scored)));
        list
    }

    /// Measures of a generation's text (coverage of the language, invented text), its false facts, and what its documents hold.
    pub(super) fn of_text(&self, documents: &[Document]) -> (Vec<Measure>, Vec<StatedFalseFact>, Holding) {
        let mut survey = Survey::new(&self.world);
        documents.iter().for_each(|document| survey.add(&self.world, &document.text, document.truncated));
        let rows = survey.rows(&self.world, &self.exact);
        let stated = |(fact, &count): (&FalseFact, &u64)| StatedFalseFact {
            person: fact.person,
            fact: fact.fact,
            value: fact.value,
            count,
            words: self.world.tell(fact),
        };
        let mut list: Vec<StatedFalseFact> = survey.false_facts.iter().map(stated).collect();
        list.sort_by_key(|stated| (std::cmp::Reverse(stated.count), stated.person, stated.fact, stated.value));
        let measured = rows.into_iter().map(|row| measure(Set::Generated, row)).collect();
        (measured, list, survey.holding)
    }

    /// The distance from the model to the truth, on the first documents that it wrote, about as many tokens as the test set
    /// has. None if they were not drawn from the model as it is. The model is asked for those alone whose nats are not known
    /// from drawing them.
    ///
    /// # Errors
    /// [`Stopped`] if the checkpoint's interrupt is set.
    pub(super) fn of_drawn(
        &self,
        weights: &Weights,
        (documents, tokens, known): (&[Document], &TokenSet, &[Option<f64>]),
        (sampling, budget): (&Sampling, u64),
        separator: u32,
        device: &Device,
        checkpoint: &mut Checkpoint,
    ) -> Result<Vec<Measure>, Stopped> {
        if *sampling != Sampling::default() {
            return Ok(Vec::new());
        }
        let mut held = 0;
        let enough = (0..tokens.len()).take_while(|&document| {
            let is_short = held < budget;
            held += tokens.ids(document).len() as u64 + 1;
            is_short
        });
        let truth =
            |document: &Document| self.world.log_probability(&document.text).ok().filter(|_| !document.truncated);
        let pair = |at: usize| (truth(&documents[at]), known[at].map_or(f64::NAN, |nats| -nats));
        let mut pairs: Vec<(Option<f64>, f64)> = enough.map(pair).collect();
        // Of the others, no probability is asked; and they may be too long for a window once they are encoded again.
        let is_asked = |document: &usize| pairs[*document].0.is_some() && known[*document].is_none();
        let asked: Vec<usize> = (0..pairs.len()).filter(is_asked).collect();
        let nats = inference::score(weights, &tokens.pick(&asked), separator, device, checkpoint)?;
        asked.iter().zip(nats).for_each(|(&document, nats)| pairs[document].1 = -nats);
        let Some(found) = world::to_truth(&pairs) else { return Ok(Vec::new()) };
        let mut list = vec![Measure::new(&PARSES, found.parses.value)];
        list.extend(found.divergence.map(|divergence| Measure::new(&DIVERGENCE, divergence.value)));
        Ok(list)
    }

    /// The model's answers to the questions: ln of the probability of each candidate of each question.
    ///
    /// # Errors
    /// [`Stopped`] if the checkpoint's interrupt is set.
    pub(super) fn ask(
        &self,
        weights: &Weights,
        separator: u32,
        device: &Device,
        checkpoint: &mut Checkpoint,
    ) -> Result<Answers, Stopped> {
        let questions: Vec<inference::Question> = (self.questions.iter().zip(&self.prompts))
            .map(|(question, prompt)| inference::Question {
                prompt,
                candidates: &self.candidates[question.fact],
                answer: question.answer,
            })
            .collect();
        continuations(weights, &questions, separator, device, checkpoint)
    }

    /// Measures of recall from answers; `stated` says how often generation 0's text stated each fact.
    pub(super) fn of_answers(&self, answers: &Answers, stated: &[Vec<u64>]) -> Vec<Measure> {
        let grades: Vec<(world::Grade, u64)> = (self.questions.iter().zip(answers))
            .map(|(question, ln)| {
                (self.answers[question.fact].grade(question.answer, ln), stated[question.person][question.fact])
            })
            .collect();
        world::recall(&grades).into_iter().map(|row| measure(Set::Asked, row)).collect()
    }
}

/// So many of the questions, evenly from the decades of their facts' frequency as far as they reach; all if not said. The
/// draw belongs to the run: all chains are asked the same.
fn drawn(questions: Vec<Question>, exact: &Exact, count: Option<usize>) -> Vec<Question> {
    let Some(count) = count else { return questions };
    let mut decades: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for index in Streams::new(0).stream(Purpose::Evaluation, 0, 1).permutation(questions.len()) {
        let Question { person, fact, .. } = questions[index];
        decades.entry(exact.facts[person][fact].decade()).or_default().push(index);
    }
    let most = decades.values().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..most).flat_map(|turn| decades.values().filter_map(move |decade| decade.get(turn).copied()));
    let mut chosen: Vec<usize> = in_turn.take(count).collect();
    chosen.sort_unstable();
    chosen.into_iter().map(|index| questions[index].clone()).collect()
}

/// The false facts that a score stage holds; none where the truth is not known.
pub(crate) fn false_facts(stage: &Stage) -> Result<Option<BTreeSet<FalseFact>>, Error> {
    if !stage.has(FALSE_FACTS) {
        return Ok(None);
    }
    let fail = |e| Error::Work(format!("{}/{FALSE_FACTS}: {e}", stage.path().display()));
    let stated: Vec<StatedFalseFact> = serde_json::from_slice(&stage.read(FALSE_FACTS)?).map_err(fail)?;
    Ok(Some(stated.iter().map(|t| FalseFact { person: t.person, fact: t.fact, value: t.value }).collect()))
}

/// A world's row as a measure.
fn measure(set: Set, row: world::Row) -> Measure {
    let metric = metric(set, row.metric).expect("the registry has every row of a world: a test reads them all");
    Measure::new(metric, row.value)
        .with(Dimension::Reference, if row.expected { "expected" } else { "" })
        .with(Dimension::Band, row.band)
        .with(Dimension::Part, row.part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The registry has each row of a world, with just the dimensions that it has.
    #[test]
    fn rows_of_a_world_are_in_the_registry() {
        let world = World::chronicle();
        let texts: Vec<String> = (0..50).map(|index| world.derive(index).0).collect();
        let survey = Survey::of(&world, texts.iter().map(String::as_str));
        let grade = world::Grade { valid: 1.0, share: 0.5, lift: 0.0, confidence: 0.5, right: true };
        let of_text = survey.rows(&world, &world.exact()).into_iter().map(|row| measure(Set::Generated, row));
        let of_answers = world::recall(&[(grade, 0), (grade, 12)]).into_iter().map(|row| measure(Set::Asked, row));
        let mut found: BTreeMap<&evaluation::Metric, BTreeSet<Dimension>> = BTreeMap::new();
        for one in of_text.chain(of_answers) {
            found.entry(one.metric).or_default().extend(one.dimensions.iter().map(|(dimension, _)| dimension));
        }
        assert_eq!(found.len(), 11 + 6);
        for (metric, dimensions) in found {
            let expected = metric.dimensions.iter().copied().filter(|dimension| *dimension != Dimension::Member);
            assert_eq!(dimensions, expected.collect(), "{metric:?}");
        }
    }
}
