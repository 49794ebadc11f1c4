//! Planted artifacts: a phrase put into a known share of one text, whose share is then followed in what generations write.
//!
//! What a chain repeats without being asked (a turn of phrase, a false fact) is hard to tell from what it was given. A phrase
//! that no document holds by itself is given to a share of them, and every later document that holds it has it from there.

use crate::Error;
use corpus::{Document, Origin, Span, TokenSet, Tokenizer};
use serde::{Deserialize, Serialize};
use streams::{Purpose, Streams};

/// The `[plant]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    /// What is put, after a space, at the end of a document.
    pub phrase: String,
    /// The share of the documents that get it, above 0 and up to 1.
    pub share: f64,
    /// The generation whose training reads it first: with 0 it is put into the human training set, with `k` into what
    /// generation `k - 1` wrote.
    #[serde(default)]
    pub generation: u32,
}

/// An item of the recipe's stream that no source has, and that no draw of held-out text takes.
const ITEM: u64 = u64::MAX - 1;

/// What the id of a document with the phrase ends in.
const SUFFIX: &str = "+plant";

/// Whether a document of this id was given the phrase.
pub(crate) fn is_planted(id: &str) -> bool {
    id.ends_with(SUFFIX)
}

impl Plant {
    /// # Errors
    /// [`Error::Request`] with the value that is out of its range.
    pub(crate) fn check(&self, generations: u32) -> Result<(), Error> {
        let fail = |text: String| Err(Error::Request(text));
        if self.phrase.is_empty() || self.phrase.trim() != self.phrase {
            let phrase = &self.phrase;
            return fail(format!("plant.phrase = {phrase:?}: some text without space at its ends, which is added"));
        }
        if !(self.share > 0.0 && self.share <= 1.0) {
            return fail(format!("plant.share = {}: above 0 and at most 1", self.share));
        }
        if self.generation >= generations {
            let (given, last) = (self.generation, generations - 1);
            return fail(format!("plant.generation = {given}: this experiment trains generations 0 to {last}"));
        }
        Ok(())
    }

    /// How many of so many documents get the phrase.
    pub(crate) fn count(&self, documents: usize) -> usize {
        (self.share * documents as f64).round() as usize
    }

    /// Whether a text holds the phrase.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.contains(&self.phrase)
    }

    /// The share of some texts that hold the phrase.
    pub(crate) fn share_of<'a>(&self, texts: impl Iterator<Item = &'a str>) -> f64 {
        let (mut held, mut all) = (0_u64, 0_u64);
        for text in texts {
            held += u64::from(self.is_in(text));
            all += 1;
        }
        held as f64 / all as f64
    }

    /// The document with the phrase at its end.
    fn planted(&self, document: &Document) -> Document {
        let mut planted = document.clone();
        planted.id.push_str(SUFFIX);
        planted.text.push(' ');
        planted.text.push_str(&self.phrase);
        let (start, end) = (document.text.len(), planted.text.len());
        // Neither the document's author nor a model of the chain put it there.
        planted.provenance.spans.push(Span { start, end, origin: Origin::Assisted });
        planted
    }

    /// Which of some documents get the phrase, and those documents with it. A document without room for it in a window is
    /// passed over, for a phrase that is cut is none; so there can be fewer than the share asks for.
    pub(crate) fn choose(
        &self,
        among: &[(usize, &Document)],
        tokenizer: &Tokenizer,
        context: usize,
        streams: &Streams,
    ) -> Vec<(usize, Document)> {
        let wanted = self.count(among.len());
        let order = streams.stream(Purpose::Recipe, self.generation, ITEM).permutation(among.len());
        let fits = |document: &Document| tokenizer.encode(&document.text).len() < context;
        let mut chosen: Vec<(usize, Document)> = (order.into_iter().map(|at| among[at]))
            .map(|(index, document)| (index, self.planted(document)))
            .filter(|(_, document)| fits(document))
            .take(wanted)
            .collect();
        chosen.sort_unstable_by_key(|(index, _)| *index);
        chosen
    }
}

/// Documents with some of them replaced, and their tokens.
pub(crate) fn replaced(
    documents: &[Document],
    with: &[(usize, Document)],
    tokenizer: &Tokenizer,
) -> (Vec<Document>, TokenSet) {
    let mut documents = documents.to_vec();
    with.iter().for_each(|(index, document)| documents[*index] = document.clone());
    let tokens = TokenSet::encode(&documents, tokenizer);
    (documents, tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(share: f64) -> Plant {
        Plant { phrase: "so it is.".into(), share, generation: 1 }
    }

    #[test]
    fn as_many_as_asked_get_it_if_they_have_room() {
        let tokenizer = Tokenizer::bytes();
        let texts = (0..10).map(|i| Document::human(format!("d{i}"), "x".repeat(10 + i), "s"));
        let documents: Vec<Document> = texts.collect();
        let among: Vec<(usize, &Document)> = documents.iter().enumerate().collect();
        let chosen = plant(0.3).choose(&among, &tokenizer, 64, &Streams::new(1));
        assert_eq!(chosen.len(), 3);
        let (all, tokens) = replaced(&documents, &chosen, &tokenizer);
        assert!((plant(0.3).share_of(all.iter().map(|d| d.text.as_str())) - 0.3).abs() < 1e-15);
        let (index, first) = &chosen[0];
        assert_eq!((first.id.as_str(), &first.text), (format!("d{index}+plant").as_str(), &all[*index].text));
        let span = first.provenance.spans[0];
        assert_eq!(&first.text[span.start..span.end], " so it is.");
        assert_eq!(tokens.ids(*index).len(), first.text.len());
        // Nine bytes and a space after at most 13, and an end: of ten documents, those of 10 to 13 bytes.
        assert_eq!(plant(1.0).choose(&among, &tokenizer, 24, &Streams::new(1)).len(), 4);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |plant: Plant| plant.check(3).unwrap_err().to_string();
        assert!(plant(1.0).check(3).is_ok());
        assert!(message(plant(0.0)).starts_with("plant.share = 0:"));
        assert!(message(plant(f64::NAN)).starts_with("plant.share = NaN:"));
        assert!(message(Plant { phrase: " x".into(), ..plant(1.0) }).starts_with("plant.phrase = \" x\":"));
        assert!(message(Plant { generation: 3, ..plant(1.0) }).contains("generations 0 to 2"));
    }
}
