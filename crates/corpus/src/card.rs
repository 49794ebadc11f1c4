//! Corpus cards: what a corpus is, where it comes from, how it becomes documents. Each is a file `data/NAME.toml`, built
//! into the binary; a new file there is a new card.

use serde::Deserialize;

/// The registry whose ordinary client brings a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    /// Python packages, by `python3 -m pip download`; wheels, which are zip archives.
    Pypi,
    /// Node packages, by `npm pack`; tar archives, gzipped.
    Npm,
}

/// One archive of a package, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where packages of this kind are kept.
    pub registry: Registry,
    /// The package's name there.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The archive's file name, as the client stores it.
    pub file: String,
    /// SHA-256 of the archive, in hexadecimal.
    pub sha256: String,
    /// Bytes of the archive.
    pub bytes: u64,
}

/// How members of the archive become texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As they are.
    Plain,
    /// `word/tag word/tag`, as in the Brown corpus: tags go, signs join their words.
    Tagged,
    /// Marked up as Markdown: the marks go.
    Markdown,
}

/// Which members are taken. Each is one document, its id the file's name without folder and ending.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// Patterns of member names: `*` stands for any characters, `?` for one.
    pub members: Vec<String>,
    /// What is done to their text.
    pub form: Form,
    /// A CSV member with columns `fileid` and `sha256` that lists every document: both are checked.
    #[serde(default)]
    pub checksums: Option<String>,
}

/// A corpus card.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The name that experiments use.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// Under which terms.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// What is changed in the text, in words.
    pub cleaning: String,
    /// What a document is, in words.
    pub cut: String,
    /// How many documents there must be.
    pub documents: usize,
    /// Where it comes from.
    pub source: Source,
    /// What is taken from there.
    pub take: Take,
}

/// The card of GPT-2's vocabulary, which is fetched as corpora are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VocabularyCard {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// Under which terms.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// How many ids it has.
    pub vocabulary: usize,
    /// The archive's member with tokens and their ids.
    pub encoder: String,
    /// The archive's member with the merges.
    pub merges: String,
    /// Where it comes from.
    pub source: Source,
}

/// Every `data/*.toml`, in the order of the files' names; the build script lists them.
const CARDS: &[&str] = include!(concat!(env!("OUT_DIR"), "/cards.rs"));

const GPT2: &str = include_str!("../../../data/vocabularies/gpt2.toml");

/// No card has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no corpus {name:?}: take one of {}, or the path of a file or folder", known.join(", "))]
pub struct UnknownCorpus {
    /// The name that was asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

impl Card {
    /// All cards, by name.
    pub fn all() -> Vec<Card> {
        CARDS.iter().map(|text| toml::from_str(text).expect("the tests parse every card")).collect()
    }

    /// The card with this name.
    ///
    /// # Errors
    /// No such card; the error knows the names there are.
    pub fn named(name: &str) -> Result<Card, UnknownCorpus> {
        let cards = Self::all();
        let known = cards.iter().map(|card| card.name.clone()).collect();
        cards.into_iter().find(|card| card.name == name).ok_or_else(|| UnknownCorpus { name: name.to_owned(), known })
    }
}

impl VocabularyCard {
    /// The card of GPT-2's vocabulary.
    pub fn gpt2() -> Self {
        toml::from_str(GPT2).expect("the tests parse the card")
    }
}

/// True if a name fits a pattern of `*` (any characters) and `?` (one character).
pub(crate) fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => fits(rest, name) || (!name.is_empty() && fits(pattern, &name[1..])),
        ([b'?', rest @ ..], [_, name @ ..]) => fits(rest, name),
        ([a, rest @ ..], [b, name @ ..]) => a == b && fits(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_complete_and_named_like_its_file() {
        let names: Vec<_> = Card::all().into_iter().map(|card| card.name).collect();
        assert!(names.is_sorted());
        let mut files: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data"))
            .unwrap()
            .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
            .collect();
        files.sort();
        assert_eq!(names, files);
        for name in names {
            let card = Card::named(&name).unwrap();
            assert!(card.documents > 0 && card.source.bytes > 0);
            assert_sha256(&card.source.sha256);
            for text in [&card.title, &card.licence, &card.citation, &card.cleaning, &card.cut] {
                assert!(!text.is_empty(), "{name}");
            }
        }
        assert_sha256(&VocabularyCard::gpt2().source.sha256);
    }

    fn assert_sha256(text: &str) {
        assert!(text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{text}");
    }

    #[test]
    fn unknown_keys_and_names_are_refused() {
        let text = CARDS[0].replace("licence =", "license =");
        assert!(toml::from_str::<Card>(&text).unwrap_err().to_string().contains("license"));
        let error = Card::named("sotus").unwrap_err();
        assert!(Card::all().iter().all(|card| error.to_string().contains(&card.name)), "{error}");
    }

    #[test]
    fn patterns() {
        let fits = |pattern: &str, name: &str| super::fits(pattern.as_bytes(), name.as_bytes());
        assert!(fits("a/*.txt", "a/b/c.txt") && fits("c???", "ca01") && fits("*", ""));
        assert!(!fits("c???", "cats.txt") && !fits("a/*.txt", "a/b.json") && !fits("", "a") && !fits("?", ""));
    }
}
