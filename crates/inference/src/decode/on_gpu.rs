//! Decoding with the GPU's own decoder: thousands of documents together, sampled on the device, read back in blocks of steps.

use super::prefix::Prefix;
use super::{DecodeError, Decoding, Sequence};
use crate::SampleError;
use gpu::decoder::{Document, End, GpuDecoder, Source, write};
use ops::DeviceFailure;
use rayon::prelude::*;
use rundir::Checkpoint;
use streams::Purpose;

/// Tokens of each slot between two looks at what was written: enough that the device seldom waits for the host, few enough that
/// a slot whose two documents have ended does not rest for long.
const STEPS: usize = 16;

/// [`super::decode`] on a GPU.
pub(super) fn decode(
    decoder: &mut GpuDecoder,
    decoding: &Decoding,
    budget: u64,
    size: &(dyn Fn(&[u32], bool) -> u64 + Sync),
    checkpoint: &mut Checkpoint,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Sequence>, DecodeError> {
    let prefix = Prefix::load(checkpoint, decoding.first);
    let found = prefix.documents();
    let returned = Vec::new();
    let mut queue = DocumentQueue { decoding, budget, next: 0, begun: found, returned, settled: found, prefix };
    if queue.prefix.advance(budget) {
        return queue.prefix.finished();
    }
    let written = write(decoder, (decoding.sampling, decoding.separator), STEPS, &mut queue, |queue| {
        queue.settle(size);
        progress(queue.prefix.total());
        let is_enough = queue.prefix.advance(budget);
        if !is_enough {
            queue.prefix.keep(checkpoint, decoding.first);
        }
        is_enough || queue.prefix.failed.is_some()
    });
    written.map_err(|error| DeviceFailure::of(&error.to_string()))?;
    queue.prefix.finished()
}

/// Draws the uniform numbers of one document.
type Draws = Box<dyn FnMut() -> f64 + Send + Sync>;

/// Hands out documents to decode and takes the finished ones back.
struct DocumentQueue<'a> {
    decoding: &'a Decoding<'a>,
    budget: u64,
    /// The next document.
    next: u64,
    /// Documents that have begun, those that were there before among them.
    begun: u64,
    /// Those that came back since the last look.
    returned: Vec<Document<Draws>>,
    /// How many had come back before.
    settled: u64,
    prefix: Prefix,
}

impl DocumentQueue<'_> {
    /// Takes up what came back. It is encoded again to know its size, by as many threads as there are.
    fn settle(&mut self, size: &(dyn Fn(&[u32], bool) -> u64 + Sync)) {
        let close = |document: Document<Draws>| {
            let (index, position) = (document.index, document.ids.len());
            match document.end.expect("only documents that have ended come back") {
                End::Failed => {
                    let source = SampleError::NotADistribution;
                    (index, Err(DecodeError::Sample { document: index, position, source }), 0)
                }
                end => {
                    let truncated = end == End::Truncated;
                    let tokens = size(&document.ids, truncated);
                    (index, Ok(Sequence { ids: document.ids, truncated, nats: None }), tokens)
                }
            }
        };
        let closed: Vec<_> = std::mem::take(&mut self.returned).into_par_iter().map(close).collect();
        self.settled += closed.len() as u64;
        for (index, sequence, tokens) in closed {
            self.prefix.add(index, sequence, tokens);
        }
    }

    /// Tokens that will be there when every document that has begun has ended, if these are as long as those before them.
    fn expected(&self) -> f64 {
        let total = self.prefix.total() as f64;
        let mean = if self.settled == 0 { 1.0 } else { (total / self.settled as f64).max(1.0) };
        total + (self.begun - self.settled) as f64 * mean
    }
}

impl Source for DocumentQueue<'_> {
    type Draws = Draws;

    fn begin(&mut self) -> Option<Document<Draws>> {
        let (index, is_needed) = self.prefix.missing(self.next);
        if !is_needed && self.expected() >= self.budget as f64 {
            return None;
        }
        let decoding = self.decoding;
        self.next = index + 1;
        self.begun += 1;
        let number = decoding.first + index;
        let mut stream = decoding.streams.stream(Purpose::Decoding, decoding.generation, number);
        Some(Document::new(index, (decoding.prompt)(number), Box::new(move || stream.uniform()) as Draws))
    }

    fn end(&mut self, document: Document<Draws>) {
        self.returned.push(document);
    }
}
