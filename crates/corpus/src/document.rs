//! A document and where it came from.

use serde::{Deserialize, Serialize};

use sampling::Sampling;

/// A text with its history. Written as one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Unique within its corpus.
    pub id: String,
    /// Its content: of text the text itself, of another medium the form in which that writes its documents down (see
    /// [`Codec`](crate::Codec)). What a model wrote may hold any Unicode, control characters included.
    pub text: String,
    /// True if the text stops before its document does: it is then given no end in training.
    #[serde(default, skip_serializing_if = "is_false")]
    pub truncated: bool,
    /// Where the text came from.
    pub provenance: Provenance,
}

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

impl Document {
    /// A document that people wrote, with the name of what it was taken from.
    pub fn human(id: impl Into<String>, text: impl Into<String>, source: impl Into<String>) -> Self {
        let provenance = Provenance { source: Some(source.into()), ..Provenance::of(Origin::Human) };
        Self { id: id.into(), text: text.into(), truncated: false, provenance }
    }

    /// What follows the prompt, from the end of the word on (all up to white space) that the prompt ends in; all of a text
    /// without a prompt.
    pub fn continuation(&self) -> &str {
        let Some(prompt) = &self.provenance.prompt else { return &self.text };
        let (asked, rest) = self.text.split_at(prompt.bytes);
        match asked.chars().next_back() {
            Some(last) if !last.is_whitespace() => rest.trim_start_matches(|c: char| !c.is_whitespace()),
            _ => rest,
        }
    }

    /// The part of this document in the byte range `start..end`, under a new id. Spans and prompt are cut with the text;
    /// a part that lies in one span takes that span's origin.
    ///
    /// # Panics
    /// If the range is not within the text or does not lie on character borders.
    pub fn part(&self, id: String, start: usize, end: usize) -> Self {
        let mut provenance = self.provenance.clone();
        provenance.spans = (self.provenance.spans.iter())
            .filter(|span| span.start < end && span.end > start)
            .map(|span| Span { start: span.start.max(start) - start, end: span.end.min(end) - start, ..*span })
            .collect();
        if let [only] = provenance.spans[..]
            && (only.start, only.end) == (0, end - start)
        {
            provenance.origin = only.origin;
            provenance.spans.clear();
        }
        provenance.prompt = (self.provenance.prompt.as_ref())
            .filter(|prompt| prompt.bytes > start)
            .map(|prompt| Prompt { bytes: prompt.bytes.min(end) - start, ..prompt.clone() });
        Self { id, text: self.text[start..end].to_owned(), truncated: self.truncated, provenance }
    }
}

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// People.
    Human,
    /// People with a model's help, or a model with people's.
    Assisted,
    /// A model.
    Synthetic,
}

/// The history of a text. Fields that say nothing are left out of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Who wrote it; where it is mixed, who wrote what no span covers.
    pub origin: Origin,
    /// Byte ranges of other origin, in order and apart; empty unless the text is mixed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// What it was taken from: a corpus card's name, a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The generation that wrote it, from 0; none for human text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// The chain that wrote it, as `arm/seed-0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Hash of the model that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How it was drawn from that model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<Sampling>,
    /// What the model was asked to continue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
}

impl Provenance {
    /// An origin and nothing else.
    pub fn of(origin: Origin) -> Self {
        Self {
            origin,
            spans: Vec::new(),
            source: None,
            generation: None,
            chain: None,
            parent: None,
            sampler: None,
            prompt: None,
        }
    }
}

/// The bytes `start..end` of a text and who wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Who wrote them.
    pub origin: Origin,
}

/// The beginning of a text that its model did not write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// The document whose beginning was the prompt.
    pub document: String,
    /// How many bytes of this text are the prompt.
    pub bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_human_document_is_a_short_line() {
        let line = serde_json::to_string(&Document::human("a", "b\n", "s")).unwrap();
        assert_eq!(line, r#"{"id":"a","text":"b\n","provenance":{"origin":"human","source":"s"}}"#);
        assert_eq!(serde_json::from_str::<Document>(&line).unwrap(), Document::human("a", "b\n", "s"));
    }

    #[test]
    fn unknown_keys_are_refused() {
        let line = r#"{"id":"a","text":"b","provenance":{"origin":"human","orign":"x"}}"#;
        assert!(serde_json::from_str::<Document>(line).unwrap_err().to_string().contains("orign"));
    }

    #[test]
    fn a_continuation_begins_after_the_word_that_was_begun() {
        let mut document = Document::human("d", "When the sun rose.", "s");
        assert_eq!(document.continuation(), "When the sun rose.");
        for (bytes, continuation) in
            [(0, "When the sun rose."), (4, " the sun rose."), (5, "the sun rose."), (6, " sun rose."), (18, "")]
        {
            document.provenance.prompt = Some(Prompt { document: "p".into(), bytes });
            assert_eq!(document.continuation(), continuation, "{bytes}");
        }
        document.text = "Wörter, wö".into();
        document.provenance.prompt = Some(Prompt { document: "p".into(), bytes: 1 });
        assert_eq!(document.continuation(), " wö");
    }

    #[test]
    fn parts_cut_spans_and_prompts() {
        let mut whole = Document::human("d", "0123456789", "s");
        whole.provenance.spans = vec![
            Span { start: 2, end: 5, origin: Origin::Synthetic },
            Span { start: 7, end: 9, origin: Origin::Assisted },
        ];
        whole.provenance.prompt = Some(Prompt { document: "p".into(), bytes: 4 });
        let part = whole.part("d/1".into(), 3, 8);
        assert_eq!(part.text, "34567");
        assert_eq!(
            part.provenance.spans,
            [Span { start: 0, end: 2, origin: Origin::Synthetic }, Span { start: 4, end: 5, origin: Origin::Assisted }]
        );
        assert_eq!(part.provenance.prompt, Some(Prompt { document: "p".into(), bytes: 1 }));
        let inner = whole.part("d/2".into(), 7, 9);
        assert_eq!((inner.provenance.origin, inner.provenance.spans.len()), (Origin::Assisted, 0));
        assert_eq!(inner.provenance.prompt, None);
    }
}
