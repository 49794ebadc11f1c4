//! Chronicle as it is: computed probabilities against generated text.

use super::{draws, small};
use crate::{Judgement, Row, Scored, Survey, World, excess_per_document, to_truth};

/// A mean and its standard error.
#[derive(Default)]
pub(super) struct Mean {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Mean {
    pub(super) fn add(&mut self, x: f64) {
        (self.n, self.sum, self.squares) = (self.n + 1.0, self.sum + x, self.squares + x * x);
    }

    #[track_caller]
    pub(super) fn is(&self, exact: f64) {
        let mean = self.sum / self.n;
        let error = ((self.squares / self.n - mean * mean) / self.n).sqrt();
        assert!((mean - exact).abs() < 4.0 * error, "{mean} ± {error} is not {exact}");
    }
}

#[test]
fn a_million_sentences_parse_to_their_derivations_and_have_their_entropy() {
    let world = World::chronicle();
    let exact = world.exact();
    let (mut nats, mut sentences, mut runs, mut bytes) = <(Mean, Mean, Mean, Mean)>::default();
    for index in 0..draws(350_000) {
        let (text, derivation) = world.derive(index);
        assert_eq!(world.parse(&text).as_ref(), Ok(&derivation));
        nats.add(-world.log_probabilities(&derivation).sum());
        sentences.add(derivation.sentences.len() as f64);
        runs.add(derivation.runs(&world).len() as f64);
        bytes.add(text.len() as f64);
    }
    if !cfg!(debug_assertions) {
        assert!(sentences.sum > 1e6, "{} sentences", sentences.sum);
    }
    nats.is(exact.entropy);
    sentences.is(exact.sentences);
    runs.is(exact.runs);
    bytes.is(world.tokens(&str::len).expected);
}

#[test]
fn written_text_is_true_and_holds_what_is_expected() {
    let world = World::chronicle();
    let exact = world.exact();
    let documents = draws(40_000);
    let mut text = String::new();
    let mut survey = Survey::new(&world);
    for index in 0..documents {
        text.clear();
        world.write(index, &mut text);
        survey.add(&world, &text, false);
    }
    assert_eq!(survey.grammatical, documents);
    assert_eq!(survey.sentences[&Judgement::True], survey.all_sentences());
    assert!(survey.false_facts.is_empty() && survey.invented.is_empty());
    assert!(survey.entangled.0 > documents / 10 && survey.entangled.1 == 0, "{:?}", survey.entangled);
    // The same sums, document by document.
    let holding: u64 =
        [&survey.holding.persons, &survey.holding.facts, &survey.holding.forms].into_iter().flatten().sum();
    let occurring: u64 = survey.facts.iter().flatten().chain(&survey.values[0]).chain(&survey.forms).sum();
    assert!(holding < occurring);
    for (item, &count) in exact.facts.iter().flatten().zip(&survey.holding.facts) {
        let expected = (1.0 - item.absent) * documents as f64;
        assert!((count as f64 - expected).abs() < 6.0 * expected.sqrt() + 6.0, "{count} of {expected}");
    }
    for row in survey.rows(&world, &exact) {
        if !row.expected {
            continue;
        }
        let present = survey_row(&survey, &world, row.metric, &row.band);
        // The number present is a sum of nearly independent yes and no: its variance is at most its expectation.
        assert!((present - row.value).abs() <= 5.0 * row.value.sqrt().max(1.0), "{row:?}: {present}");
    }
    // Six thousand numbers against Poisson's standard deviation, widened for the bursts within a run.
    let items = exact.facts.iter().flatten().chain(&exact.persons).chain(&exact.forms);
    let counts = survey.facts.iter().flatten().chain(&survey.values[0]).chain(&survey.forms);
    for (item, &count) in items.zip(counts) {
        let expected = item.expected * documents as f64;
        assert!((count as f64 - expected).abs() < 6.0 * expected.sqrt() + 6.0, "{count} of {expected}");
    }
}

fn survey_row(survey: &Survey, world: &World, metric: &str, band: &str) -> f64 {
    let rows = survey.rows(world, &world.exact());
    let is_it = |row: &&Row| row.metric == metric && row.band == band && row.part.is_empty() && !row.expected;
    rows.iter().find(is_it).unwrap().value
}

#[test]
fn documents_are_fixed_by_world_and_number() {
    let world = World::chronicle();
    let all: Vec<_> = world.documents(5..8).collect();
    assert_eq!(all[1].id, "chronicle/6");
    assert_eq!(all[1].text, world.derive(6).0);
    assert_eq!(all[1].provenance.source.as_deref(), Some("chronicle"));
    assert_eq!(all[1].provenance.origin, corpus::Origin::Human);
    assert_ne!(all[0].text, all[2].text);
}

#[test]
fn a_tokenizer_of_flat_texts_is_additive_and_knows_rare_names_as_well() {
    let world = World::chronicle();
    let texts: Vec<String> = world.flat_texts().take(world.flat_round()).collect();
    let tokenizer = corpus::Tokenizer::train_bpe(&texts, 1_024).unwrap();
    let count = |text: &str| tokenizer.encode(text).len();
    let tokens = world.tokens(&count);
    assert_eq!(tokens.standard_error, None, "cutting before spaces changes its tokens");
    let mut mean = Mean::default();
    (0..draws(20_000)).for_each(|index| mean.add(count(&world.derive(index).0) as f64));
    mean.is(tokens.expected);
    // With the separator in front and the end as target, the longest document fits a context of 128.
    assert!(tokens.longest < 128, "{}", tokens.longest);
    // Names of the first and the last hundred persons take as many tokens, within a tenth.
    let length = |names: &[String]| names.iter().map(|name| count(&format!(" {name}"))).sum::<usize>() as f64;
    let (first, last) = (length(&world.persons()[..100]), length(&world.persons()[300..]));
    assert!((first / last - 1.0).abs() < 0.1, "{first} {last}");
}

#[test]
fn questions_are_beginnings_of_true_documents() {
    let world = World::chronicle();
    let asked = world.questions();
    assert_eq!(asked.questions.len(), world.persons().len() * world.facts().len());
    for question in &asked.questions {
        let answers = &asked.answers[question.fact];
        assert_eq!(question.answer, world.truth(question.person, question.fact));
        let text = format!("{}{}", question.prompt, answers.candidates[question.answer]);
        // Nothing is wrong with it but that it stops.
        assert_eq!(world.parse(&text).unwrap_err().byte, text.len(), "{text}");
        let other = (question.answer + 1) % answers.candidates.len();
        let lie = format!("{}{}", question.prompt, answers.candidates[other]);
        assert!(world.parse(&lie).unwrap_err().byte < lie.len(), "{lie}");
        assert!(!question.prompt.ends_with(' ') && answers.prior[question.answer] > 0.0);
    }
    for answers in &asked.answers {
        assert!((answers.prior.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

/// A model that is the language but for the persons' frequencies, and writes nonsense for a fifth of its documents: both
/// divergences are known. They differ by persons alone, so each is the runs' number times that of the persons.
#[test]
fn both_divergences_are_those_of_a_model_that_is_known() {
    let truth = small();
    let model = truth.with_subjects(&[1.0, 1.0, 2.0]);
    let [p, q] = [&truth, &model].map(World::subject_probabilities);
    let divergence = |p: &[f64], q: &[f64]| -> f64 { p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum() };
    let runs = truth.exact().runs;
    let nonsense = 0.2_f64;
    let near = |found: crate::Estimate, exact: f64| {
        assert!((found.value - exact).abs() < 4.0 * found.standard_error, "{found:?} is not {exact}");
    };

    let ln = |world: &World, text: &str| world.log_probability(text).unwrap();
    let scored =
        |text: &str| Scored { truth: ln(&truth, text), model: (1.0 - nonsense).ln() + ln(&model, text), tokens: 1 };
    let test: Vec<Scored> = (0..draws(40_000)).map(|index| scored(&truth.derive(index).0)).collect();
    near(excess_per_document(&test).unwrap(), runs * divergence(p, q) - (1.0 - nonsense).ln());

    let written: Vec<(Option<f64>, f64)> = (0..draws(40_000))
        .map(|index| match index % 5 {
            0 => (None, -7.0),
            _ => {
                let text = model.derive(index).0;
                (Some(ln(&truth, &text)), (1.0 - nonsense).ln() + ln(&model, &text))
            }
        })
        .collect();
    let found = to_truth(&written).unwrap();
    near(found.parses, 1.0 - nonsense);
    near(found.divergence.unwrap(), runs * divergence(q, p));
}
