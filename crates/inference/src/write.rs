use crate::{DecodeError, Decoding, decode, decoder};
use corpus::{Codec, Document, Origin, Prompt, Provenance, Span};
use model::Weights;
use ops::DeviceFailure;
use ops::device::Chosen;
use rundir::Checkpoint;
use sampling::Sampling;
use serde::{Deserialize, Serialize};
use streams::{Purpose, Streams};

/// The start of each generated document.
pub enum Prompts<'a> {
    /// From the separator alone.
    Unprompted,
    /// From the first tokens of a document that is drawn for each index among these.
    Documents {
        /// The documents that prompts are taken from: human documents, or the last generation's.
        documents: &'a [Document],
        /// Tokens of a document that are given; documents with fewer are not drawn.
        tokens: usize,
    },
    /// The same, drawn in proportion to weights.
    Weighted {
        /// The documents that prompts are taken from.
        documents: &'a [Document],
        /// Tokens of a document that are given; documents with fewer are not drawn.
        tokens: usize,
        /// One for each document; 0 is not drawn.
        weights: &'a [f64],
    },
}

/// Settings with which a model generates a corpus.
pub struct WriteSettings<'a> {
    /// The sampler's settings.
    pub sampling: &'a Sampling,
    /// The streams of the chain's seed.
    pub streams: Streams,
    /// The generation that writes.
    pub generation: u32,
    /// The chain's name, for the provenance and the documents' ids.
    pub chain: &'a str,
    /// The index of the first document; those before it are there already.
    pub first: u64,
    /// Tokens to be written, ends included.
    pub budget: u64,
    /// The start of each document.
    pub prompts: Prompts<'a>,
    /// Sequences that are written at once; changes nothing but the speed.
    pub slots: usize,
}

/// Lets a model write a corpus: the shortest prefix of its documents, in index order, that reaches the budget.
///
/// A document's size is counted as the next generation will see it: its content encoded again, and its end, as far as a window
/// holds them.
///
/// A device that has too little memory for so many slots is asked again for half of them, down to one: the documents are the
/// same.
///
/// Finished documents are saved in `checkpoint` when that is due, under a name that the index of the first makes unique, and
/// those that it holds are not written again.
///
/// # Errors
/// If the model's logits are not numbers, the device fails, or the checkpoint's interrupt is set.
///
/// # Panics
/// If prompts are asked for and no document (of a weight above 0) has enough tokens.
pub fn write(
    weights: &Weights,
    codec: &dyn Codec,
    settings: &WriteSettings,
    device: &Chosen,
    checkpoint: &mut Checkpoint,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Written>, DecodeError> {
    let pool = PromptPool::new(&settings.prompts, codec);
    let choose = |document: u64| pool.draw(settings, document).map_or(Vec::new(), |p| p.ids.clone());
    let decoding = Decoding {
        sampling: settings.sampling,
        streams: settings.streams,
        generation: settings.generation,
        separator: codec.separator(),
        first: settings.first,
        prompt: &choose,
    };
    let context = weights.config().context;
    let size = |ids: &[u32], truncated: bool| {
        // What encodes to more than a window holds is cut there.
        (codec.encode(&codec.decode(ids)).len() + usize::from(!truncated)).min(context) as u64
    };
    // A document has a token at least.
    let slots = settings.slots.min(usize::try_from(settings.budget).unwrap_or(usize::MAX)).max(1);
    let sequences = halving(slots, device, |slots| {
        let mut decoder = decoder(weights, device, settings.sampling, slots);
        decode(&mut decoder, &decoding, settings.budget, &size, checkpoint, progress)
    })?;
    let parent = weights.hash();
    let document = |(index, sequence): (u64, crate::Sequence)| {
        let content = codec.decode(&sequence.ids);
        let prompt = pool.draw(settings, index);
        let document = Document {
            id: format!("{}/{}/{index:06}", settings.chain, settings.generation),
            provenance: provenance(settings, &parent, prompt, &content, codec),
            truncated: sequence.truncated,
            text: content,
        };
        Written { document, ids: sequence.ids, nats: sequence.nats }
    };
    Ok((settings.first..).zip(sequences).map(document).collect())
}

/// Tries with half as many slots for as long as the device has too little memory for them.
fn halving<T>(
    mut slots: usize,
    device: &Chosen,
    mut attempt: impl FnMut(usize) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    loop {
        match ops::caught(|| attempt(slots)).unwrap_or_else(|failure| Err(failure.into())) {
            Err(DecodeError::Device(DeviceFailure::OutOfMemory(reason))) if slots > 1 => {
                tracing::warn!(
                    slots,
                    reason,
                    "the device has no memory for so many sequences; half as many are written"
                );
                slots /= 2;
                ops::memory::release(&device.device());
            }
            done => return done,
        }
    }
}

/// A written document and the tokens that were sampled for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Written {
    /// The document: what the next generation reads.
    pub document: Document,
    /// The sampled ids, with the prompt; its content may encode to others.
    pub ids: Vec<u32>,
    /// The negative log-probability of these in nats, where it is known from drawing them (see [`crate::Sequence::nats`]).
    pub nats: Option<f64>,
}

fn provenance(
    settings: &WriteSettings,
    parent: &str,
    prompt: Option<&EncodedPrompt>,
    content: &str,
    codec: &dyn Codec,
) -> Provenance {
    let prompt = prompt.map(|p| {
        // The content may continue the prompt's last character: its bytes are those of the whole characters before.
        let given = codec.decode(&p.ids);
        let common = given.chars().zip(content.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        (p, common)
    });
    let human = prompt.filter(|(p, bytes)| p.origin != Origin::Synthetic && *bytes > 0);
    Provenance {
        origin: if human.is_some() { Origin::Assisted } else { Origin::Synthetic },
        spans: human.map_or(Vec::new(), |(p, bytes)| {
            vec![
                Span { start: 0, end: bytes, origin: p.origin },
                Span { start: bytes, end: content.len(), origin: Origin::Synthetic },
            ]
        }),
        source: None,
        generation: Some(settings.generation),
        chain: Some(settings.chain.to_owned()),
        parent: Some(parent.to_owned()),
        sampler: Some(*settings.sampling),
        prompt: prompt.map(|(p, bytes)| Prompt { document: p.id.clone(), bytes }),
    }
}

/// The documents that can be prompts, encoded once.
struct PromptPool {
    prompts: Vec<EncodedPrompt>,
    /// Sums of the weights up to each, where there are weights.
    sums: Vec<f64>,
}

struct EncodedPrompt {
    id: String,
    origin: Origin,
    ids: Vec<u32>,
}

impl PromptPool {
    fn new(prompts: &Prompts, codec: &dyn Codec) -> Self {
        let (documents, tokens, weights) = match prompts {
            Prompts::Unprompted => return Self { prompts: Vec::new(), sums: Vec::new() },
            Prompts::Documents { documents, tokens } => (documents, *tokens, None),
            Prompts::Weighted { documents, tokens, weights } => (documents, *tokens, Some(weights)),
        };
        let (mut pool, mut sums, mut sum) = (Vec::new(), Vec::new(), 0.0);
        for (at, d) in documents.iter().enumerate() {
            let weight = weights.map(|weights| weights[at]);
            if weight == Some(0.0) {
                continue;
            }
            let mut ids = codec.encode(&d.text);
            if ids.len() >= tokens {
                ids.truncate(tokens);
                pool.push(EncodedPrompt { id: d.id.clone(), origin: d.provenance.origin, ids });
                sum += weight.unwrap_or(0.0);
                sums.extend(weight.map(|_| sum));
            }
        }
        assert!(!pool.is_empty(), "no document has the {tokens} tokens of a prompt");
        Self { prompts: pool, sums }
    }

    /// The prompt of the document with this index.
    fn draw(&self, settings: &WriteSettings, document: u64) -> Option<&EncodedPrompt> {
        let mut stream = settings.streams.stream(Purpose::Prompt, settings.generation, document);
        let last = self.prompts.len().checked_sub(1)?;
        let drawn = match self.sums.last() {
            None => stream.below(self.prompts.len() as u64) as usize,
            Some(total) => {
                let mark = stream.uniform() * total;
                self.sums.partition_point(|&sum| sum <= mark).min(last)
            }
        };
        Some(&self.prompts[drawn])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_halved_until_they_fit() {
        let device = ops::device::parse("flex").expect("every build has it");
        let mut tried = Vec::new();
        // One that gives an error and one that panics, as devices do.
        let found = halving(100, &device, |slots| {
            tried.push(slots);
            match slots {
                100 => Err(DeviceFailure::OutOfMemory("100 slots".to_owned()).into()),
                50 => panic!("The bytes were never written\nCaused by:\n  out of device memory allocating 50 bytes"),
                slots => Ok(slots),
            }
        });
        assert_eq!(found.ok(), Some(25));
        assert_eq!(tried, [100, 50, 25]);
        let lost = halving(8, &device, |_| Err::<(), _>(DeviceFailure::Lost("gone".to_owned()).into()));
        let line = lost.unwrap_err().to_string();
        assert_eq!(
            line,
            "writing: the device was lost (gone); what is finished is kept; run the command again to go on"
        );
        let none = halving(2, &device, |_| Err::<(), _>(DeviceFailure::OutOfMemory("full".to_owned()).into()));
        assert!(none.unwrap_err().to_string().contains("make the model smaller"));
    }
}
