//! Probability under a model of each of many continuations of a prompt.

use crate::logits::{Model, Places};
use burn::tensor::Device;
use kernels::decoder::{GROUP, exponentials};
use model::Weights;
use rundir::{Checkpoint, Due, Stopped};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A beginning less likely than this is not followed, unless the answer begins so: what it would lead to counts as
/// impossible. A model that has learnt anything spreads its mass over a few dozen beginnings; following all of them would
/// cost many times as much, for a thousandth of the mass.
const FOLLOWED: f64 = 1e-5;

/// Token sequences that may follow a prompt.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// With each its index in the list that was given; in the order of ids, so that what begins alike stands together.
    sorted: Vec<(Vec<u32>, usize)>,
}

impl Candidates {
    /// # Panics
    /// If a sequence is empty.
    pub fn new(list: impl IntoIterator<Item = Vec<u32>>) -> Self {
        let mut sorted: Vec<(Vec<u32>, usize)> = list.into_iter().enumerate().map(|(i, ids)| (ids, i)).collect();
        assert!(sorted.iter().all(|(ids, _)| !ids.is_empty()), "a candidate has tokens");
        sorted.sort();
        Self { sorted }
    }

    /// The number of candidates.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// True if there is no candidate.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Tokens of the longest.
    pub fn longest(&self) -> usize {
        self.sorted.iter().map(|(ids, _)| ids.len()).max().unwrap_or(0)
    }
}

/// A prompt, what may follow it, and which of that is right.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// A document's first tokens.
    pub prompt: &'a [u32],
    /// The continuations that are scored.
    pub candidates: &'a Candidates,
    /// The index of the candidate that is followed however unlikely it is.
    pub answer: usize,
}

/// The natural logarithm of the probability of each candidate, in the order of its list, as what follows the prompt; minus
/// infinity where it begins in a way less likely than one in a hundred thousand. Candidates that begin alike share the work:
/// a pass over the model for each beginning that is followed. Goes on with what `checkpoint` holds of the same questions.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set.
///
/// # Panics
/// If a prompt and its longest candidate do not fit the context, or the device fails.
pub fn continuations(
    weights: &Weights,
    questions: &[Question<'_>],
    separator: u32,
    device: &Device,
    checkpoint: &mut Checkpoint,
) -> Result<Vec<Vec<f64>>, Stopped> {
    let model = Model::new(weights, separator, device);
    let mut found: Vec<Vec<f64>> = questions.iter().map(|a| vec![f64::NEG_INFINITY; a.candidates.len()]).collect();
    let whole =
        |(question, a): (usize, &Question<'_>)| Beginning { question, at: 0, range: 0..a.candidates.len(), ln: 0.0 };
    let mut open: Vec<Beginning> = questions.iter().enumerate().map(whole).filter(|b| !b.range.is_empty()).collect();
    if let Some(saved) = checkpoint.load_value(PART) {
        (found, open) = saved;
    }
    let mut held = Default::default();
    while !open.is_empty() {
        let texts: Vec<Vec<u32>> = open.iter().map(|b| b.text(&questions[b.question])).collect();
        let mut next = Vec::new();
        let last: Vec<[usize; 1]> = texts.iter().map(|text| [text.len()]).collect();
        let texts: Vec<Places<'_>> = texts.iter().zip(&last).map(|(text, last)| (&text[..], &last[..])).collect();
        model.at(&texts, checkpoint, &mut |index, _, logits| {
            let logits = Logits::new(logits, &mut held);
            open[index].follow(&questions[open[index].question], &logits, &mut found, &mut next);
        })?;
        open = next;
        if checkpoint.due() != Due::No {
            checkpoint.keep_value(PART, &(&found, &open));
        }
    }
    Ok(found)
}

/// Its name in a checkpoint.
const PART: &str = "continuations";

/// Candidates of one question that are alike in their first `at` tokens.
#[derive(Serialize, Deserialize)]
struct Beginning {
    question: usize,
    at: usize,
    range: Range<usize>,
    /// Of those tokens.
    ln: f64,
}

impl Beginning {
    fn text(&self, question: &Question<'_>) -> Vec<u32> {
        let first = &question.candidates.sorted[self.range.start].0;
        [question.prompt, &first[..self.at]].concat()
    }

    /// Marks the candidates that end with the next token, and opens the beginnings that go on.
    fn follow(&self, question: &Question<'_>, logits: &Logits, found: &mut [Vec<f64>], next: &mut Vec<Beginning>) {
        let all = &question.candidates.sorted;
        let mut start = self.range.start;
        while start < self.range.end {
            let token = all[start].0[self.at];
            let same = all[start..self.range.end].partition_point(|(ids, _)| ids[self.at] <= token);
            let ln = self.ln + logits.ln(token);
            let mut rest = start..start + same;
            // The order of ids puts what ends here first.
            while !rest.is_empty() && all[rest.start].0.len() == self.at + 1 {
                found[self.question][all[rest.start].1] = ln;
                rest.start += 1;
            }
            let is_answer = all[rest.clone()].iter().any(|(_, index)| *index == question.answer);
            if !rest.is_empty() && (is_answer || ln >= FOLLOWED.ln()) {
                next.push(Self { question: self.question, at: self.at + 1, range: rest, ln });
            }
            start += same;
        }
    }
}

/// The scores of one position, and the logarithm of their sum of exponentials.
struct Logits<'a> {
    values: &'a [f32],
    log_sum: f64,
}

impl<'a> Logits<'a> {
    /// `weights` and `groups` are working memory.
    fn new(values: &'a [f32], (weights, groups): &mut (Vec<f32>, Vec<f32>)) -> Self {
        let top = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        weights.resize(values.len(), 0.0);
        groups.resize(values.len().div_ceil(GROUP), 0.0);
        let sum = exponentials(values, 1.0, weights, groups);
        Self { values, log_sum: f64::from(top) + sum.ln() }
    }

    fn ln(&self, token: u32) -> f64 {
        f64::from(self.values[token as usize]) - self.log_sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score;
    use corpus::{Document, TokenSet};
    use model::Settings;
    use streams::Streams;

    /// Equals the difference of [`score`] with and without the candidate.
    #[test]
    fn agrees_with_the_score_of_whole_texts() {
        let config = Settings { preset: "tiny".into(), context: Some(32), ..Settings::default() }.resolve(260).unwrap();
        let weights = Weights::initialise(&config, &Streams::new(3), 0);
        let device = ops::device::parse("flex").unwrap().device();
        let tokenizer = corpus::Tokenizer::bytes();
        let names = ["ant", "anthem", "bee", "b", "cat"];
        let candidates = Candidates::new(names.iter().map(|name| tokenizer.encode(name)));
        let prompts = ["The ", "A long beginning: "].map(|prompt| tokenizer.encode(prompt));
        let questions: Vec<Question> = prompts
            .iter()
            .zip([1, 4])
            .map(|(prompt, answer)| Question { prompt, candidates: &candidates, answer })
            .collect();
        let none = &mut Checkpoint::none();
        let found = continuations(&weights, &questions, tokenizer.separator(), &device, none).unwrap();
        let nats = |text: String| {
            let mut document = Document::human("d", text, "test");
            document.truncated = true;
            let tokens = TokenSet::encode(&[document], &tokenizer);
            score(&weights, &tokens, tokenizer.separator(), &device, &mut Checkpoint::none()).unwrap()[0]
        };
        for (question, found) in questions.iter().zip(&found) {
            let prompt = tokenizer.decode(question.prompt);
            for (index, name) in names.iter().enumerate() {
                let expected = nats(prompt.clone()) - nats(format!("{prompt}{name}"));
                let is_followed = expected > FOLLOWED.ln() + 1.0 || index == question.answer;
                if is_followed {
                    assert!((found[index] - expected).abs() < 1e-4, "{prompt}{name}: {} {expected}", found[index]);
                }
            }
            assert!(found[question.answer].is_finite());
        }
        // Seven letters of a model that knows nothing: 260^-6 is far below what is followed.
        assert_eq!(found[1][1], f64::NEG_INFINITY);
    }
}
