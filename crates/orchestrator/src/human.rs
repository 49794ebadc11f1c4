use crate::texts::Texts;
use crate::truth::named_world;
use crate::{Error, Truth, texts};
use corpus::{Document, Origin, Provenance, TokenSet, Tokenizer};
use experiment::{CorpusSettings, Experiment, Text, TokenizerSettings};
use rundir::{RunDir, Stage, StageId, StageKind};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use streams::{Purpose, Streams};
use world::World;

/// The human text of a run, or the world that stands in its place: a corpus cut into documents that fit the context, the
/// frozen tokenizer, and what every generation is measured on. A prepare stage holds it.
pub struct Human {
    /// The stage.
    pub id: StageId,
    /// SHA-256 over the ids and texts of the source documents, and what they say of their origin, or over a world's grammar.
    pub corpus_hash: String,
    /// The frozen tokenizer.
    pub tokenizer: Tokenizer,
    /// The documents that every generation is measured on.
    pub test: Texts,
    /// The training split, from which seeds draw; a world writes for each seed anew.
    pub texts: Option<Arc<Texts>>,
    /// The true distribution, where a world is the human text.
    pub truth: Option<Truth>,
}

/// The text of an experiment, which is there wherever stages are: exact learners have none of either.
pub(crate) fn text_of(experiment: &Experiment) -> &Text {
    experiment.text().expect("an experiment with stages has text")
}

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

impl Human {
    /// Finds or makes the prepare stage of an experiment.
    ///
    /// # Errors
    /// [`Error::Request`] where the text or the tokenizer does not serve.
    pub fn prepare(run: &RunDir, experiment: &Experiment) -> Result<Self, Error> {
        let Text { corpus, tokenizer, .. } = text_of(experiment);
        let (from, corpus_hash) = From::of(corpus, &experiment.limits.reading)?;
        let given = given_tokenizer(tokenizer)?;
        let began_with = run.info()?;
        let differs = |old: Option<&String>, new: &str| old.is_some_and(|old| old != new);
        let other = |what: &str| {
            let shown = run.path().display();
            Error::Request(format!("{shown} was begun with another {what}; restore that one, or choose another --out"))
        };
        if differs(began_with.as_ref().and_then(|info| info.corpus.as_ref()), &corpus_hash) {
            return Err(other("text in `corpus`"));
        }
        if let Some(given) = &given
            && differs(began_with.as_ref().and_then(|info| info.tokenizer.as_ref()), given.hash())
        {
            return Err(other("tokenizer"));
        }
        let context = experiment.context()?;
        let vocabulary = experiment.vocabulary()?;
        let key = Key {
            corpus: &corpus_hash,
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
        Self::open(&stage, from, corpus_hash, corpus, context)
    }

    fn open(
        stage: &Stage,
        from: From,
        corpus_hash: String,
        settings: &CorpusSettings,
        context: usize,
    ) -> Result<Self, Error> {
        stage.verify()?;
        let path = |name: &str| stage.path().join(name);
        let texts = |name: &str| {
            Ok::<_, Error>(Texts {
                documents: read_documents(&path(&format!("{name}.jsonl.zst")))?,
                tokens: TokenSet::load(&path(&format!("{name}.safetensors"))).map_err(Error::work)?,
            })
        };
        let tokenizer = Tokenizer::load(&path("tokenizer.json")).map_err(Error::work)?;
        let test = texts("test")?;
        let (train, truth) = match from {
            From::Corpus(_) => (Some(Arc::new(texts("train")?)), None),
            From::World(world) => (None, Some(Truth::new(*world, &tokenizer, &test.documents, settings, context)?)),
        };
        Ok(Self { id: *stage.id(), corpus_hash, tokenizer, test, texts: train, truth })
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
        return Err(crate::texts::too_long(world, longest, context));
    }
    tokenizer.save(&folder.join("tokenizer.json")).map_err(Error::work)?;
    let test = Texts::of_world(world, &tokenizer, 0, settings.test_tokens, context)?;
    write_documents(&folder.join("test.jsonl.zst"), &test.documents)?;
    test.tokens.save(&folder.join("test.safetensors")).map_err(Error::work)
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
        let (pieces, tokens) = limited(pieces, &tokenizer, limit, context);
        if name == "test" && pieces.is_empty() {
            return Err(Error::Request(format!("corpus.test_tokens = {limit}: no document fits; take more")));
        }
        write_documents(&folder.join(format!("{name}.jsonl.zst")), &pieces)?;
        tokens.save(&folder.join(format!("{name}.safetensors"))).map_err(Error::work)?;
    }
    Ok(())
}

/// The documents in their order, or, where they hold more than `limit` tokens, a fixed draw of them.
fn limited(pieces: Vec<Document>, tokenizer: &Tokenizer, limit: u64, context: usize) -> (Vec<Document>, TokenSet) {
    let tokens = TokenSet::encode(&pieces, tokenizer);
    let total: u64 = (0..tokens.len()).map(|i| texts::positions(&tokens, i, context)).sum();
    if total <= limit {
        return (pieces, tokens);
    }
    // The draw belongs to the run, not to a seed: all chains are measured on the same documents.
    let order = Streams::new(0).stream(Purpose::Evaluation, 0, 0).permutation(pieces.len());
    let mut sum = 0;
    let mut kept: Vec<usize> = order
        .into_iter()
        .take_while(|&index| {
            sum += texts::positions(&tokens, index, context);
            sum <= limit
        })
        .collect();
    kept.sort_unstable();
    let pieces: Vec<Document> = kept.into_iter().map(|index| pieces[index].clone()).collect();
    let tokens = TokenSet::encode(&pieces, tokenizer);
    (pieces, tokens)
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

/// A hash in hexadecimal.
pub(crate) fn hex(hash: Sha256) -> String {
    hex::encode(hash.finalize())
}

/// Writes documents as zstd-compressed JSON lines.
pub(crate) fn write_documents(path: &Path, documents: &[Document]) -> Result<(), Error> {
    std::fs::File::create(path)
        .and_then(|file| corpus::write_jsonl_zst(file, documents))
        .map_err(|e| Error::Work(format!("{}: {e}", path.display())))
}

/// Reads what [`write_documents`] wrote.
pub(crate) fn read_documents(path: &Path) -> Result<Vec<Document>, Error> {
    corpus::JsonLines::open(path).map_err(Error::work)?.collect::<Result<_, _>>().map_err(Error::work)
}
