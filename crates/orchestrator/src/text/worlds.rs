//! Documents of a world, with their tokens.

use crate::{Encoded, Error};
use corpus::{Codec, Document};
use world::World;

/// The documents of a world from number `first` on, until they hold so many tokens.
///
/// # Errors
/// [`Error::Request`] if one is longer than a window, which a tokenizer can bring about that crosses words.
pub(super) fn encoded(
    world: &World,
    codec: &dyn Codec,
    first: u64,
    tokens: u64,
    context: usize,
) -> Result<Encoded, Error> {
    let (mut documents, mut held) = (Vec::new(), 0);
    let mut longest = 0;
    while held < tokens {
        let from = first + documents.len() as u64;
        // As many again as are there, so that their number is found in a few rounds.
        let more: Vec<Document> = world.documents(from..from + documents.len().clamp(256, 16_384) as u64).collect();
        for document in more {
            let size = codec.encode(&document.text).len() + 1;
            longest = longest.max(size);
            held += size as u64;
            documents.push(document);
            if held >= tokens {
                break;
            }
        }
    }
    if longest > context {
        return Err(too_long(world, longest, context));
    }
    Ok(Encoded::of(documents, codec))
}

/// A document of the world does not fit a window.
pub(super) fn too_long(world: &World, longest: usize, context: usize) -> Error {
    let name = world.name();
    Error::Request(format!(
        "corpus `{name}`: its longest document has {longest} tokens with its end and a window holds {context}; raise \
         model.context or tokenizer.vocabulary, or shorten the grammar's documents"
    ))
}
