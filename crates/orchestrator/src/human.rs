use crate::{CorpusSettings, Error, Experiment, TokenizerSettings, scoring};
use chain::Entry;
use corpus::{Document, TokenSet, Tokenizer};
use rundir::{RunDir, Stage, StageId, StageKind};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::path::Path;
use streams::{Purpose, Streams};

/// The human text of a run, cut into documents that fit the context, and its tokenizer: what a prepare stage holds.
pub struct Human {
    /// The stage.
    pub id: StageId,
    /// SHA-256 over the ids and texts of the source documents.
    pub corpus_hash: String,
    /// The frozen tokenizer.
    pub tokenizer: Tokenizer,
    /// The training split's documents.
    pub documents: Vec<Document>,
    /// Their tokens.
    pub tokens: TokenSet,
    /// The documents that every generation is measured on.
    pub test: Vec<Document>,
    /// Their tokens.
    pub test_tokens: TokenSet,
    /// The training split as a recipe sees it.
    pub entries: Vec<Entry>,
}

/// Reads the human text that the settings name; a card's text is fetched if the cache does not hold it.
///
/// # Errors
/// [`Error::Request`] if there is no such text, or it cannot be had.
pub fn load_corpus(settings: &CorpusSettings) -> Result<Vec<Document>, Error> {
    match (&settings.name, &settings.path) {
        (Some(name), _) => {
            let card = corpus::Card::named(name).map_err(Error::request)?;
            corpus::load(&card, &corpus::cache_dir()).map_err(Error::request)
        }
        (_, Some(path)) => corpus::read(Path::new(path), &settings.field).map_err(Error::request),
        (None, None) => Err(Error::Request("corpus: give a name or a path".into())),
    }
}

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

impl Human {
    /// Finds or makes the prepare stage of an experiment.
    ///
    /// # Errors
    /// [`Error::Request`] where the text or the tokenizer does not serve.
    pub fn prepare(run: &RunDir, experiment: &Experiment) -> Result<Self, Error> {
        let sources = load_corpus(&experiment.corpus)?;
        let corpus_hash = hash_of(&sources);
        let given = given_tokenizer(&experiment.tokenizer)?;
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
            validation: experiment.corpus.validation,
            test: experiment.corpus.test,
            test_tokens: experiment.corpus.test_tokens,
            tokenizer: &experiment.tokenizer,
            tokenizer_file: given.as_ref().map(|t| t.hash().to_owned()),
            vocabulary,
            context,
        };
        let id = StageId::of(StageKind::Prepare, &key)?;
        let stage = run.make(&id, |folder| make(folder, &sources, given, experiment, vocabulary, context))?;
        Self::open(&stage, corpus_hash, context)
    }

    fn open(stage: &Stage, corpus_hash: String, context: usize) -> Result<Self, Error> {
        stage.verify()?;
        let path = |name: &str| stage.path().join(name);
        let documents = |name: &str| read_documents(&path(name));
        let tokens = |name: &str| TokenSet::load(&path(name)).map_err(Error::work);
        let train = tokens("train.safetensors")?;
        let texts = documents("train.jsonl.zst")?;
        let entry = |(index, document): (usize, &Document)| Entry {
            id: document.id.clone(),
            generation: None,
            index,
            size: scoring::positions(&train, index, context),
        };
        Ok(Self {
            id: *stage.id(),
            corpus_hash,
            tokenizer: Tokenizer::load(&path("tokenizer.json")).map_err(Error::work)?,
            entries: texts.iter().enumerate().map(entry).collect(),
            documents: texts,
            tokens: train,
            test: documents("test.jsonl.zst")?,
            test_tokens: tokens("test.safetensors")?,
        })
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

fn make(
    folder: &Path,
    sources: &[Document],
    given: Option<Tokenizer>,
    experiment: &Experiment,
    vocabulary: usize,
    context: usize,
) -> Result<(), Error> {
    let shares = corpus::Shares { validation: experiment.corpus.validation, test: experiment.corpus.test };
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
        ("validation", &split.validation, experiment.corpus.test_tokens),
        ("test", &split.test, experiment.corpus.test_tokens),
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
    let total: u64 = (0..tokens.len()).map(|i| scoring::positions(&tokens, i, context)).sum();
    if total <= limit {
        return (pieces, tokens);
    }
    // The draw belongs to the run, not to a seed: all chains are measured on the same documents.
    let order = Streams::new(0).stream(Purpose::Evaluation, 0, 0).permutation(pieces.len());
    let mut sum = 0;
    let mut kept: Vec<usize> = order
        .into_iter()
        .take_while(|&index| {
            sum += scoring::positions(&tokens, index, context);
            sum <= limit
        })
        .collect();
    kept.sort_unstable();
    let pieces: Vec<Document> = kept.into_iter().map(|index| pieces[index].clone()).collect();
    let tokens = TokenSet::encode(&pieces, tokenizer);
    (pieces, tokens)
}

/// SHA-256 over ids and texts, in hexadecimal: the identity of a corpus.
fn hash_of(documents: &[Document]) -> String {
    let mut hash = Sha256::new();
    for part in documents.iter().flat_map(|d| [&d.id, &d.text]) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
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
