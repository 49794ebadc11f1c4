//! Puts a planted phrase ([`Plant`]) into documents, and counts those that hold it.

use corpus::{Codec, Document, Origin, Span, TokenSet};
use experiment::Plant;
use streams::{Purpose, Streams};

/// End of the id of a document with the phrase.
const SUFFIX: &str = "+plant";

/// True if a document of this id was given the phrase.
pub(crate) fn is_planted(id: &str) -> bool {
    id.ends_with(SUFFIX)
}

/// The share of some texts that hold the phrase.
pub(crate) fn share_of<'a>(plant: &Plant, texts: impl Iterator<Item = &'a str>) -> f64 {
    let (mut held, mut all) = (0_u64, 0_u64);
    for text in texts {
        held += u64::from(plant.is_in(text));
        all += 1;
    }
    held as f64 / all as f64
}

/// The document with the phrase at its end.
fn planted(plant: &Plant, document: &Document) -> Document {
    let mut planted = document.clone();
    planted.id.push_str(SUFFIX);
    planted.text.push(' ');
    planted.text.push_str(&plant.phrase);
    let (start, end) = (document.text.len(), planted.text.len());
    // Neither the document's author nor a model of the chain put it there.
    planted.provenance.spans.push(Span { start, end, origin: Origin::Assisted });
    planted
}

/// Which of some documents get the phrase, and those documents with it. A document without room for it in a window is
/// passed over, for a phrase that is cut is none; so there can be fewer than the share asks for.
pub(crate) fn choose(
    plant: &Plant,
    among: &[(usize, &Document)],
    codec: &dyn Codec,
    context: usize,
    streams: &Streams,
) -> Vec<(usize, Document)> {
    let wanted = plant.count(among.len());
    let order = streams.stream(Purpose::Plant, plant.generation, 0).permutation(among.len());
    let fits = |document: &Document| codec.encode(&document.text).len() < context;
    let mut chosen: Vec<(usize, Document)> = (order.into_iter().map(|at| among[at]))
        .map(|(index, document)| (index, planted(plant, document)))
        .filter(|(_, document)| fits(document))
        .take(wanted)
        .collect();
    chosen.sort_unstable_by_key(|(index, _)| *index);
    chosen
}

/// Documents with some of them replaced, and their tokens.
pub(crate) fn replaced(
    documents: &[Document],
    with: &[(usize, Document)],
    codec: &dyn Codec,
) -> (Vec<Document>, TokenSet) {
    let mut documents = documents.to_vec();
    with.iter().for_each(|(index, document)| documents[*index] = document.clone());
    let tokens = TokenSet::encode(&documents, codec);
    (documents, tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use corpus::Tokenizer;

    fn plant(share: f64) -> Plant {
        Plant { phrase: "so it is.".into(), share, generation: 1 }
    }

    #[test]
    fn the_phrase_is_planted_in_the_given_number_of_documents() {
        let tokenizer = Tokenizer::bytes();
        let texts = (0..10).map(|i| Document::human(format!("d{i}"), "x".repeat(10 + i), "s"));
        let documents: Vec<Document> = texts.collect();
        let among: Vec<(usize, &Document)> = documents.iter().enumerate().collect();
        let chosen = choose(&plant(0.3), &among, &tokenizer, 64, &Streams::new(1));
        assert_eq!(chosen.len(), 3);
        let (all, tokens) = replaced(&documents, &chosen, &tokenizer);
        assert!((share_of(&plant(0.3), all.iter().map(|d| d.text.as_str())) - 0.3).abs() < 1e-15);
        let (index, first) = &chosen[0];
        assert_eq!((first.id.as_str(), &first.text), (format!("d{index}+plant").as_str(), &all[*index].text));
        let span = first.provenance.spans[0];
        assert_eq!(&first.text[span.start..span.end], " so it is.");
        assert_eq!(tokens.ids(*index).len(), first.text.len());
        // Nine bytes and a space after at most 13, and an end: of ten documents, those of 10 to 13 bytes.
        assert_eq!(choose(&plant(1.0), &among, &tokenizer, 24, &Streams::new(1)).len(), 4);
    }
}
