//! The parts on their own: train, sample, evaluate.

use crate::Failure;
use crate::args::{EvaluateArgs, SampleArgs, Text, TrainArgs};
use crate::folder::NewFolder;
use crate::output::{Output, StandardError};
use crate::progress::Training;
use crate::sampling_flags::SamplingFlags;
use corpus::{Document, TokenSet, Tokenizer, TokenizerError, pack};
use evaluation::DocumentLoss;
use inference::{Prompts, WriteSettings, Written};
use model::Weights;
use rundir::Checkpoint;
use std::path::Path;
use streams::Streams;

/// Contexts for each sequence that `sample` generates before it shows them, at most.
const LARGEST: usize = 16;

fn read(text: &Text) -> Result<Vec<Document>, Failure> {
    Ok(corpus::read(&text.data, &text.field, &text.limits.limits()?)?)
}

/// `habsburg train`
pub(crate) fn train(args: TrainArgs, out: &mut Output) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    device.supports(args.precision).map_err(Failure::request)?;
    let settings = model::Settings { preset: args.preset, ..model::Settings::default() };
    let preset = settings.preset().map_err(Failure::request)?;
    let sources = read(&args.text)?;
    let tokenizer = match &args.tokenizer {
        Some(path) => Tokenizer::load(path)?,
        None => {
            let texts: Vec<&str> = sources.iter().map(|d| d.text.as_str()).collect();
            Tokenizer::train_bpe(&texts, preset.vocabulary)?
        }
    };
    let config = settings.resolve(tokenizer.vocabulary()).map_err(Failure::request)?;
    let documents = corpus::cut_all(&sources, &tokenizer, config.context - 1);
    let tokens = TokenSet::encode(&documents, &tokenizer);
    let windows = pack(tokens.iter().map(|(ids, cut)| (ids, cut, 1.0)), config.context, tokenizer.separator());
    let budget =
        training::Settings { epochs: Some(args.epochs), precision: args.precision, ..training::Settings::default() };
    budget.check().map_err(Failure::request)?;
    let budget = budget.resolve(preset, &config);
    if windows.len() < budget.batch.unwrap_or(1) {
        let (have, need) = (windows.len(), budget.batch.unwrap_or(1));
        return Err(Failure::Request(format!(
            "the text fills {have} windows and one batch needs {need}; bring more text"
        )));
    }
    let folder = NewFolder::at(&args.out)?;
    let streams = Streams::new(args.seed);
    let start = Weights::initialise(&config, &streams, 0);
    let shown = Training::new(args.progress);
    let mut progress = |p: training::Progress| shown.step(p);
    let trained = training::Run::new(&windows, &budget, &streams, &device.device()).train(
        start,
        &mut Checkpoint::none(),
        &mut progress,
    );
    shown.finish();
    let trained = trained.map_err(Failure::work)?;
    folder.make(|beside| {
        trained.weights.save(beside)?;
        tokenizer.save(&beside.join("tokenizer.json"))?;
        Ok(rundir::write_sums(beside)?)
    })?;
    let record = trained.record;
    if let Some(windows) = record.micro_batch {
        writeln!(StandardError, "{windows} windows of a batch were computed at a time, for its memory's sake.");
    }
    writeln!(
        out,
        "{} parameters, {} steps, loss {:.4} nats a token: {}",
        config.parameters(),
        record.steps,
        record.final_loss,
        args.out.display()
    )
}

/// A model and its tokenizer, which must fit each other.
fn load(folder: &Path) -> Result<(Weights, Tokenizer), Failure> {
    let weights = Weights::load(folder)?;
    let tokenizer = Tokenizer::load(&folder.join("tokenizer.json")).map_err(|error| match error {
        TokenizerError::File { .. } => error.into(),
        _ => Failure::work(error),
    })?;
    let (ids, rows) = (tokenizer.vocabulary(), weights.config().vocabulary);
    if ids != rows {
        return Err(Failure::Work(format!(
            "{}: the tokenizer has {ids} ids and the model {rows}; they belong to different models",
            folder.display()
        )));
    }
    Ok((weights, tokenizer))
}

/// `habsburg sample`
pub(crate) fn sample(args: SampleArgs, out: &mut Output) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    let SamplingFlags(sampling) = args.sampling;
    sampling.check().map_err(Failure::request)?;
    let (weights, tokenizer) = load(&args.model)?;
    let slots = inference::slots(weights.config(), &device);
    let context = weights.config().context;
    let (mut first, mut left) = (0, args.tokens.max(1));
    let mut portion = (slots * context) as u64;
    // In portions, so that what is finished is shown: a document depends on its own index and on no other document.
    while left > 0 {
        let settings = WriteSettings {
            sampling: &sampling,
            streams: Streams::new(args.seed),
            generation: 0,
            chain: "sample",
            first,
            budget: left.min(portion),
            prompts: Prompts::Unprompted,
            slots,
        };
        let written = inference::write(&weights, &tokenizer, &settings, &device, &mut Checkpoint::none(), &mut |_| {});
        let written = written.map_err(Failure::work)?;
        for Written { document, .. } in &written {
            writeln!(out, "{}", harmless(&serde_json::to_string(document).map_err(Failure::work)?))?;
            let tokens = tokenizer.encode(&document.text).len() + usize::from(!document.truncated);
            left = left.saturating_sub(tokens.min(context) as u64);
        }
        out.flush()?;
        first += written.len() as u64;
        // A portion ends with sequences that are broken off, so it grows: of a large one they are few.
        portion = (2 * portion).min((LARGEST * slots * context) as u64);
    }
    Ok(())
}

/// The same JSON with escapes for all that a terminal would obey; outside ASCII, only its strings hold such characters.
pub(crate) fn harmless(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if corpus::is_hidden(character) {
            let units =
                character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            safe.push_str(&units);
        } else {
            safe.push(character);
        }
    }
    safe
}

/// `habsburg evaluate`
pub(crate) fn evaluate(args: EvaluateArgs, out: &mut Output) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    let (weights, tokenizer) = load(&args.model)?;
    let documents = corpus::cut_all(&read(&args.text)?, &tokenizer, weights.config().context - 1);
    let tokens = TokenSet::encode(&documents, &tokenizer);
    let (separator, device) = (tokenizer.separator(), device.device());
    let nats =
        inference::score(&weights, &tokens, separator, &device, &mut Checkpoint::none()).map_err(Failure::work)?;
    let losses: Vec<DocumentLoss> = nats
        .into_iter()
        .enumerate()
        .map(|(index, nats)| DocumentLoss {
            nats,
            tokens: (tokens.ids(index).len() + usize::from(!tokens.truncated(index))) as u64,
            bytes: tokens.bytes(index),
        })
        .collect();
    for measure in evaluation::predictions(&losses) {
        writeln!(out, "{:16} {:.4}", measure.metric.name, measure.value)?;
    }
    Ok(())
}
