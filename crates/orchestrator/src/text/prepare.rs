//! The prepare stage of text: a corpus that is split, cut and tokenized, or a world that generates its language.

use super::truth::{Truth, named_world};
use super::worlds::{encoded, too_long};
use super::{Source, Text, text_of};
use crate::encoded::positions;
use crate::human::{hex, read_documents};
use crate::{Encoded, Error, Human};
use corpus::{Document, Origin, Provenance, Tokenizer};
use experiment::{CorpusSettings, Experiment, TokenizerSettings};
use rundir::{RunDir, StageId, StageKind};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use streams::{Purpose, Streams};
use world::World;

/// Reads the human text that the settings name; a card's text is fetched if the cache does not hold it.
///
/// # Errors
/// [`Error::Request`] if there is no such text, or it cannot be had.
fn load_corpus(settings: &CorpusSettings, limits: &corpus::Limits) -> Result<Vec<Document>, Error> {
    match (&settings.name, &settings.path) {
        (Some(name), _) => {
            let unknown = |mut error: corpus::UnknownCorpus| {
                error.known.extend(World::names().map(str::to_owned));
                Error::request(error)
            };
            let card = corpus::Card::named(name).map_err(unknown)?;
            corpus::load(&card, &corpus::cache_dir()).map_err(Error::request)
        }
        (_, Some(path)) => corpus::read(Path::new(path), &settings.field, limits).map_err(Error::request),
        (None, None) => Err(Error::Request("corpus: give a name or a path".into())),
    }
}

/// Counts up when a prepare stage gets other bytes.
pub(crate) const VERSION: u32 = 1;

/// All that the prepare stage reads.
#[derive(Serialize)]
struct Key<'a> {
    corpus: &'a str,
    validation: f64,
    test: f64,
    test_tokens: u64,
    tokenizer: &'a TokenizerSettings,
    tokenizer_file: Option<String>,
    vocabulary: usize,
    context: usize,
}

/// The source of human text.
enum From {
    Corpus(Vec<Document>),
    World(Box<World>),
}

impl From {
    /// The source, and its identity.
    fn of(settings: &CorpusSettings, limits: &corpus::Limits) -> Result<(Self, String), Error> {
        if let Some((world, grammar)) = named_world(settings)? {
            // The first document, so that another way of writing is another corpus.
            let first = world.documents(0..1).collect::<Vec<_>>();
            let hash = hash_of([&grammar, &first[0].text]);
            return Ok((Self::World(Box::new(world)), hash));
        }
        let documents = load_corpus(settings, limits)?;
        let annotations_of: Vec<Option<String>> = documents.iter().map(annotations).collect();
        let parts =
            documents.iter().zip(&annotations_of).flat_map(|(d, notes)| [Some(&d.id), Some(&d.text), notes.as_ref()]);
        let hash = hash_of(parts.flatten());
        Ok((Self::Corpus(documents), hash))
    }
}

/// The annotations of a document, beyond being human text from somewhere: labels, prompts and windows read it. None if nothing.
fn annotations(document: &Document) -> Option<String> {
    let Document { truncated, provenance, .. } = document;
    let plain = Provenance { source: provenance.source.clone(), ..Provenance::of(Origin::Human) };
    let is_plain = !truncated && *provenance == plain;
    (!is_plain).then(|| serde_json::to_string(&(truncated, provenance)).expect("plain values are JSON"))
}

/// Finds or makes the prepare stage of an experiment, and opens it.
///
/// # Errors
/// [`Error::Request`] where the text or the tokenizer does not serve.
pub(crate) fn open(run: &RunDir, experiment: &Experiment) -> Result<Human, Error> {
    let experiment::Text { corpus, tokenizer, .. } = text_of(experiment);
    let (from, hash) = From::of(corpus, &experiment.limits.reading)?;
    let given = given_tokenizer(tokenizer)?;
    check_same(run, &hash, given.as_ref())?;
    let (context, vocabulary) = (experiment.context()?, experiment.vocabulary()?);
    let key = Key {
        corpus: &hash,
        validation: corpus.validation,
        test: corpus.test,
        test_tokens: corpus.test_tokens,
        tokenizer,
        tokenizer_file: given.as_ref().map(|t| t.hash().to_owned()),
        vocabulary,
        context,
    };
    let id = StageId::of(StageKind::Prepare, VERSION, &key)?;
    let stage = run.make(&id, |folder| match &from {
        From::Corpus(sources) => make(folder, sources, given, corpus, vocabulary, context),
        From::World(world) => make_of_world(folder, world, given, corpus, vocabulary, context),
    })?;
    stage.verify()?;
    let tokenizer = Tokenizer::load(&stage.path().join("tokenizer.json")).map_err(Error::work)?;
    let source = match from {
        From::Corpus(_) => Source::Corpus(Arc::new(Encoded::load(stage.path(), "train")?)),
        From::World(world) => {
            let test = read_documents(&stage.path().join("test.jsonl.zst"))?;
            Source::World(Arc::new(Truth::new(*world, &tokenizer, &test, corpus, context)?))
        }
    };
    Human::open(&stage, hash, Box::new(tokenizer), Box::new(Text { source }))
}

/// Checks that a run that has begun goes on with the same text and tokenizer.
fn check_same(run: &RunDir, hash: &str, given: Option<&Tokenizer>) -> Result<(), Error> {
    let Some(began_with) = run.info()? else { return Ok(()) };
    let differs = |old: Option<&String>, new: &str| old.is_some_and(|old| old != new);
    let other = |what: &str| {
        let shown = run.path().display();
        Error::Request(format!("{shown} was begun with another {what}; restore that one, or choose another --out"))
    };
    if differs(began_with.corpus.as_ref(), hash) {
        return Err(other("text in `corpus`"));
    }
    match given {
        Some(given) if differs(began_with.tokenizer.as_ref(), given.hash()) => Err(other("tokenizer")),
        _ => Ok(()),
    }
}

/// The tokenizer that is not trained here, if the settings ask for one.
fn given_tokenizer(settings: &TokenizerSettings) -> Result<Option<Tokenizer>, Error> {
    let tokenizer = match (settings.kind.as_str(), &settings.path) {
        ("bytes", _) => Tokenizer::bytes(),
        ("gpt2", _) => corpus::gpt2(&corpus::cache_dir()).map_err(Error::request)?,
        ("file", Some(path)) => Tokenizer::load(Path::new(path)).map_err(Error::request)?,
        _ => return Ok(None),
    };
    match settings.vocabulary {
        Some(asked) if asked != tokenizer.vocabulary() => Err(Error::Request(format!(
            "tokenizer.vocabulary = {asked}, but this tokenizer has {} ids: leave the key out, or use kind = \"bpe\"",
            tokenizer.vocabulary()
        ))),
        _ => Ok(Some(tokenizer)),
    }
}

/// The tokenizer of a world is trained on names of equal frequency, so that what is rare is not also long; its test set are the
/// world's first documents.
fn make_of_world(
    folder: &Path,
    world: &World,
    given: Option<Tokenizer>,
    settings: &CorpusSettings,
    vocabulary: usize,
    context: usize,
) -> Result<(), Error> {
    let tokenizer = match given {
        Some(tokenizer) => tokenizer,
        None => {
            let texts: Vec<String> = world.flat_texts().take(world.flat_round()).collect();
            Tokenizer::train_bpe(&texts, vocabulary).map_err(Error::request)?
        }
    };
    let longest = world.tokens(&|text| tokenizer.encode(text).len()).longest + 1;
    if longest > context {
        return Err(too_long(world, longest, context));
    }
    tokenizer.save(&folder.join("tokenizer.json")).map_err(Error::work)?;
    let test = encoded(world, &tokenizer, 0, settings.test_tokens, context)?;
    test.save(folder, "test")
}

fn make(
    folder: &Path,
    sources: &[Document],
    given: Option<Tokenizer>,
    settings: &CorpusSettings,
    vocabulary: usize,
    context: usize,
) -> Result<(), Error> {
    let shares = corpus::Shares { validation: settings.validation, test: settings.test };
    let split = corpus::split(sources.to_vec(), shares).map_err(Error::request)?;
    let tokenizer = match given {
        Some(tokenizer) => tokenizer,
        None => {
            let texts: Vec<&str> = split.train.iter().map(|d| d.text.as_str()).collect();
            Tokenizer::train_bpe(&texts, vocabulary).map_err(Error::request)?
        }
    };
    tokenizer.save(&folder.join("tokenizer.json")).map_err(Error::work)?;
    for (name, documents, limit) in [
        ("train", &split.train, u64::MAX),
        ("validation", &split.validation, settings.test_tokens),
        ("test", &split.test, settings.test_tokens),
    ] {
        let pieces = corpus::cut_all(documents, &tokenizer, context - 1);
        let pieces = limited(pieces, &tokenizer, limit, context);
        if name == "test" && pieces.documents.is_empty() {
            return Err(Error::Request(format!("corpus.test_tokens = {limit}: no document fits; take more")));
        }
        pieces.save(folder, name)?;
    }
    Ok(())
}

/// The documents in their order, or, where they hold more than `limit` tokens, a fixed draw of them.
fn limited(pieces: Vec<Document>, tokenizer: &Tokenizer, limit: u64, context: usize) -> Encoded {
    let all = Encoded::of(pieces, tokenizer);
    let size = |index: usize| positions(&all.tokens, index, context);
    if (0..all.tokens.len()).map(size).sum::<u64>() <= limit {
        return all;
    }
    // The draw belongs to the run, not to a seed: all chains are measured on the same documents.
    let order = Streams::new(0).stream(Purpose::Evaluation, 0, 0).permutation(all.documents.len());
    let mut sum = 0;
    let mut kept: Vec<usize> = order
        .into_iter()
        .take_while(|&index| {
            sum += size(index);
            sum <= limit
        })
        .collect();
    kept.sort_unstable();
    Encoded::of(kept.into_iter().map(|index| all.documents[index].clone()).collect(), tokenizer)
}

/// SHA-256 over texts, in hexadecimal: the identity of a corpus.
fn hash_of<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hex(hash)
}
