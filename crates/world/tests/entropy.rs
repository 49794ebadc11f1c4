//! The closed forms in a tokenizer's terms: entropy, tokens, and their ratio, against what is written.

use corpus::{Codec, Tokenizer};
use world::{Estimate, Scored, World, excess, excess_per_document};

/// Tokens to write. CI tests an optimised build; the other is twenty times slower.
const TOKENS: usize = if cfg!(debug_assertions) { 300_000 } else { 10_000_000 };
/// Documents encoded at a time, on all threads.
const AT_ONCE: u64 = 20_000;

#[track_caller]
fn agrees(what: &str, found: Estimate, exact: f64) {
    let far = (found.value - exact) / found.standard_error;
    eprintln!(
        "{what:<20} {:.6} ± {:.6}, exactly {exact:.6}: {far:+.2} standard errors",
        found.value, found.standard_error
    );
    assert!(far.abs() < 4.0, "{what}: {found:?} is not {exact}");
}

#[test]
fn ten_million_tokens_have_the_entropy_of_the_closed_form() {
    let world = World::chronicle();
    let flat: Vec<String> = world.flat_texts().take(world.flat_round()).collect();
    let tokenizer = Tokenizer::train_bpe(&flat, 1_200).unwrap();
    let (mut written, mut tokens) = (Vec::new(), 0);
    while tokens < TOKENS {
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
            tokens += ids.len() + 1;
            written.push((truth, ids.len() + 1));
        }
    }
    eprintln!("{} documents, {tokens} tokens", written.len());
    // A model that is certain of everything has no nats of its own: its excess is the entropy.
    let scored: Vec<Scored> =
        written.iter().map(|&(truth, tokens)| Scored { truth: 0.0, model: truth, tokens }).collect();
    let lengths: Vec<Scored> =
        written.iter().map(|&(_, tokens)| Scored { truth: tokens as f64, model: 0.0, tokens: 1 }).collect();
    let exact = world.exact();
    let expected = world.tokens(&|text| tokenizer.encode(text).len());
    assert_eq!(expected.standard_error, None, "the tokenizer is additive, so that the floor is exact");
    agrees("nats a document", excess_per_document(&scored).unwrap(), exact.entropy);
    agrees("tokens a document", excess_per_document(&lengths).unwrap(), expected.expected + 1.0);
    agrees("nats a token", excess(&scored).unwrap(), exact.entropy / (expected.expected + 1.0));
}
