//! The closed forms in a tokenizer's terms: entropy, tokens, and their ratio, against documents that are drawn.

use corpus::{Codec, Tokenizer};
use world::{Estimate, Scored, World, excess, excess_per_document};

/// Documents encoded at a time, on all threads.
const AT_ONCE: u64 = 20_000;

/// A quantity as it was sampled and as it is.
pub(crate) struct Compared {
    pub(crate) what: &'static str,
    pub(crate) found: Estimate,
    pub(crate) exact: f64,
}

impl Compared {
    /// How many standard errors the sample is above what is exact.
    pub(crate) fn errors(&self) -> f64 {
        (self.found.value - self.exact) / self.found.standard_error
    }
}

/// A tokenizer of flat texts.
pub(crate) fn tokenizer(world: &World) -> Tokenizer {
    let flat: Vec<String> = world.flat_texts().take(world.flat_round()).collect();
    Tokenizer::train_bpe(&flat, 1_200).expect("flat texts have pairs to merge")
}

/// Draws documents of a world until they hold so many tokens, ends included, and compares nats and tokens of a document and
/// nats of a token with the closed forms.
pub(crate) fn compare(world: &World, tokenizer: &Tokenizer, tokens: usize) -> [Compared; 3] {
    let (mut written, mut held) = (Vec::new(), 0);
    while held < tokens {
        let first = written.len() as u64;
        let (texts, truths): (Vec<String>, Vec<f64>) = (first..first + AT_ONCE)
            .map(|index| {
                let (text, derivation) = world.derive(index);
                let truth = world.log_probabilities(&derivation).sum();
                (text, truth)
            })
            .unzip();
        let contents: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (ids, truth) in tokenizer.encode_all(&contents).iter().zip(truths) {
            held += ids.len() + 1;
            written.push((truth, ids.len() + 1));
        }
    }
    // A model that is certain of everything has no nats of its own: its excess is the entropy.
    let scored: Vec<Scored> =
        written.iter().map(|&(truth, tokens)| Scored { truth: 0.0, model: truth, tokens }).collect();
    let lengths: Vec<Scored> =
        written.iter().map(|&(_, tokens)| Scored { truth: tokens as f64, model: 0.0, tokens: 1 }).collect();
    let entropy = world.exact().entropy;
    let expected = world.tokens(&|text| tokenizer.encode(text).len());
    assert_eq!(expected.standard_error, None, "the tokenizer is additive, so that the floor is exact");
    let expected = expected.expected + 1.0;
    let compared = |what, found: Option<Estimate>, exact| Compared { what, found: found.expect("it wrote"), exact };
    [
        compared("nats a document", excess_per_document(&scored), entropy),
        compared("tokens a document", excess_per_document(&lengths), expected),
        compared("nats a token", excess(&scored), entropy / expected),
    ]
}
