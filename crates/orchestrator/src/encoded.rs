//! Documents of human text with their tokens, and how long they are.

use crate::Error;
use chain::Entry;
use corpus::{Document, TokenSet, Tokenizer};
use world::World;

/// Documents that fit the context, and their tokens.
pub struct Texts {
    /// The documents.
    pub documents: Vec<Document>,
    /// Their tokens.
    pub tokens: TokenSet,
}

impl Texts {
    /// Documents as a recipe sees them.
    pub(crate) fn entries(&self, context: usize) -> Vec<Entry> {
        let entry = |(index, document): (usize, &Document)| Entry {
            id: document.id.clone(),
            generation: None,
            index,
            size: positions(&self.tokens, index, context),
        };
        self.documents.iter().enumerate().map(entry).collect()
    }

    /// The documents of a world from number `first` on, until they hold so many tokens.
    ///
    /// # Errors
    /// [`Error::Request`] if one is longer than a window, which a tokenizer can bring about that crosses words.
    pub(crate) fn of_world(
        world: &World,
        tokenizer: &Tokenizer,
        first: u64,
        tokens: u64,
        context: usize,
    ) -> Result<Self, Error> {
        let (mut documents, mut held) = (Vec::new(), 0);
        let mut longest = 0;
        while held < tokens {
            let from = first + documents.len() as u64;
            // As many again as are there, so that their number is found in a few rounds.
            let more: Vec<Document> = world.documents(from..from + documents.len().clamp(256, 16_384) as u64).collect();
            for document in more {
                let size = tokenizer.encode(&document.text).len() + 1;
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
        let tokens = TokenSet::encode(&documents, tokenizer);
        Ok(Self { documents, tokens })
    }
}

/// A document of the world does not fit a window.
pub(crate) fn too_long(world: &World, longest: usize, context: usize) -> Error {
    let name = world.name();
    Error::Request(format!(
        "corpus `{name}`: its longest document has {longest} tokens with its end and a window holds {context}; raise \
         model.context or tokenizer.vocabulary, or shorten the grammar's documents"
    ))
}

/// Positions that a document takes in a window: its tokens, and its end unless it is truncated. A written document may encode to
/// more than a window holds; it is cut there.
pub(crate) fn positions(tokens: &TokenSet, document: usize, context: usize) -> u64 {
    let whole = tokens.ids(document).len() + usize::from(!tokens.truncated(document));
    whole.min(context) as u64
}
