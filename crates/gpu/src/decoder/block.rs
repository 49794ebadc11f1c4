//! What a block of steps is given, and what it has written.

use super::{IDLE, NONE};
use kernels::decoder::DecoderConfig;

/// The next tokens of a document.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a> {
    /// The token that goes in first: the separator, or the last that was written.
    pub token: u32,
    /// Its position.
    pub position: usize,
    /// A uniform number in `[0, 1)` for each token to be written, as many as the block has steps, or as the context leaves.
    pub uniforms: &'a [f64],
    /// The first tokens to be written, where they are given; further ones are ignored.
    pub prompt: &'a [u32],
}

/// What a slot does in a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn<'a> {
    /// The document that the slot goes on with, or begins.
    pub now: Option<Passage<'a>>,
    /// The document that it begins when that one ends; at position 0 with the separator.
    pub then: Option<Passage<'a>>,
}

/// What a block has written.
#[derive(Clone, Debug)]
pub struct Block {
    pub(super) ids: Vec<u32>,
    pub(super) steps: usize,
}

impl Block {
    /// The tokens that a slot wrote: of the document it went on with (`which` = 0), of the one after it (1).
    pub fn ids(&self, slot: usize, which: usize) -> &[u32] {
        let ids = &self.ids[(slot * 2 + which) * self.steps..][..self.steps];
        &ids[..ids.iter().position(|&id| id == NONE).unwrap_or(self.steps)]
    }
}

/// A block's inputs, slot by slot.
pub(super) struct Given {
    /// `[rows, 3]`: position, token, whether a second document follows.
    pub(super) starts: Vec<u32>,
    /// `[rows, 2, steps]`.
    pub(super) uniforms: Vec<f32>,
    /// `[rows, 2, steps]`, or nothing.
    pub(super) prompts: Vec<u32>,
}

impl Given {
    pub(super) fn new(
        config: &DecoderConfig,
        turns: &[Turn<'_>],
        rows: usize,
        steps: usize,
        separator: u32,
        prompts: bool,
    ) -> Self {
        let mut given = Self {
            starts: [IDLE, 0, 0].repeat(rows),
            uniforms: vec![0.0; rows * 2 * steps],
            prompts: if prompts { vec![NONE; rows * 2 * steps] } else { vec![] },
        };
        for (slot, turn) in turns.iter().enumerate() {
            let Some(now) = turn.now else {
                assert!(turn.then.is_none(), "slot {slot}: a second document without a first");
                continue;
            };
            assert!((now.token as usize) < config.vocab, "slot {slot}: token {} is outside the vocabulary", now.token);
            assert!(now.position < config.context, "slot {slot}: position {} is past the context", now.position);
            given.starts[slot * 3..][..3].copy_from_slice(&[
                now.position as u32,
                now.token,
                turn.then.is_some().into(),
            ]);
            given.put(config, slot * 2, steps, now);
            if let Some(then) = turn.then {
                assert!(then.position == 0 && then.token == separator, "slot {slot}: the second document begins");
                given.put(config, slot * 2 + 1, steps, then);
            }
        }
        given
    }

    fn put(&mut self, config: &DecoderConfig, at: usize, steps: usize, passage: Passage<'_>) {
        let tokens = steps.min(config.context - passage.position);
        let uniforms = passage.uniforms;
        assert!(uniforms.len() >= tokens, "{} uniform numbers for {tokens} tokens", uniforms.len());
        for (place, &u) in self.uniforms[at * steps..][..tokens].iter_mut().zip(uniforms) {
            assert!((0.0..1.0).contains(&u), "a uniform number in [0, 1), not {u}");
            // Rounded down: 1 is not in the interval.
            *place = ((u * (1u32 << 24) as f64).floor() / (1u32 << 24) as f64) as f32;
        }
        if !self.prompts.is_empty() {
            for (place, &token) in self.prompts[at * steps..][..tokens].iter_mut().zip(passage.prompt) {
                assert!((token as usize) < config.vocab, "token {token} of a prompt is outside the vocabulary");
                *place = token;
            }
        }
    }
}
