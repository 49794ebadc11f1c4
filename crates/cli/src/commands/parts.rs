//! The parts on their own: train, sample, evaluate.

use crate::Failure;
use crate::args::{EvaluateArgs, SampleArgs, Text, TrainArgs};
use crate::progress::Training;
use crate::sampling_flags::SamplingFlags;
use corpus::{Document, TokenSet, Tokenizer, pack};
use evaluation::DocumentLoss;
use inference::{Prompts, WriteSettings};
use model::Weights;
use std::io::Write;
use std::path::Path;
use streams::Streams;

fn read(text: &Text) -> Result<Vec<Document>, Failure> {
    corpus::read(&text.data, &text.field).map_err(Failure::request)
}

/// `habsburg train`
pub(crate) fn train(args: TrainArgs) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    device.supports(args.precision).map_err(Failure::request)?;
    let settings = model::Settings { preset: args.preset, ..model::Settings::default() };
    let preset = settings.preset().map_err(Failure::request)?;
    let sources = read(&args.text)?;
    let tokenizer = match &args.tokenizer {
        Some(path) => Tokenizer::load(path).map_err(Failure::request)?,
        None => {
            let texts: Vec<&str> = sources.iter().map(|d| d.text.as_str()).collect();
            Tokenizer::train_bpe(&texts, preset.vocabulary).map_err(Failure::request)?
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
    new_folder(&args.out)?;
    let streams = Streams::new(args.seed);
    let start = Weights::initialise(&config, &streams, 0);
    let shown = Training::new(args.progress);
    let mut progress = |p: training::Progress| shown.step(p);
    let trained = training::Run::new(&windows, &budget, &streams, &device.device()).train(start, &mut progress);
    shown.finish();
    let trained = trained.map_err(|error| {
        std::fs::remove_dir(&args.out).ok();
        Failure::work(error)
    })?;
    trained.weights.save(&args.out).map_err(Failure::work)?;
    tokenizer.save(&args.out.join("tokenizer.json")).map_err(Failure::work)?;
    let record = trained.record;
    if let Some(windows) = record.micro_batch {
        eprintln!("{windows} windows of a batch were computed at a time, for its memory's sake.");
    }
    println!(
        "{} parameters, {} steps, loss {:.4} nats a token: {}",
        config.parameters(),
        record.steps,
        record.final_loss,
        args.out.display()
    );
    Ok(())
}

/// Makes the folder of a new model, before hours of training go into it.
fn new_folder(path: &Path) -> Result<(), Failure> {
    let refuse = |why: String| Failure::Request(format!("--out {}: {why}; choose a new folder", path.display()));
    std::fs::create_dir_all(path).map_err(|e| refuse(e.to_string()))?;
    match path.read_dir().map_err(|e| refuse(e.to_string()))?.next() {
        None => Ok(()),
        Some(_) => Err(refuse("it is not empty".to_owned())),
    }
}

/// A model and its tokenizer, which must fit each other.
fn load(folder: &Path) -> Result<(Weights, Tokenizer), Failure> {
    let weights = Weights::load(folder).map_err(Failure::request)?;
    let tokenizer = Tokenizer::load(&folder.join("tokenizer.json")).map_err(Failure::request)?;
    let (ids, rows) = (tokenizer.vocabulary(), weights.config().vocabulary);
    if ids != rows {
        return Err(Failure::Request(format!(
            "{}: the tokenizer has {ids} ids and the model {rows}; they belong to different models",
            folder.display()
        )));
    }
    Ok((weights, tokenizer))
}

/// `habsburg sample`
pub(crate) fn sample(args: SampleArgs) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    let SamplingFlags(sampling) = args.sampling;
    sampling.check().map_err(Failure::request)?;
    let (weights, tokenizer) = load(&args.model)?;
    let settings = WriteSettings {
        sampling: &sampling,
        streams: Streams::new(args.seed),
        generation: 0,
        chain: "sample",
        first: 0,
        budget: args.tokens.max(1),
        prompts: Prompts::Unprompted,
        slots: inference::slots(weights.config(), &device),
    };
    let written = inference::write(&weights, &tokenizer, &settings, &device, &mut |_| {}).map_err(Failure::work)?;
    let mut out = std::io::stdout().lock();
    for one in written {
        let line = harmless(&serde_json::to_string(&one.document).map_err(Failure::work)?);
        // A reader that closes the pipe has seen enough.
        if writeln!(out, "{line}").is_err() {
            break;
        }
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
pub(crate) fn evaluate(args: EvaluateArgs) -> Result<(), Failure> {
    let device = ops::device::parse(&args.device.device).map_err(Failure::request)?;
    let (weights, tokenizer) = load(&args.model)?;
    let documents = corpus::cut_all(&read(&args.text)?, &tokenizer, weights.config().context - 1);
    let tokens = TokenSet::encode(&documents, &tokenizer);
    let nats = inference::score(&weights, &tokens, tokenizer.separator(), &device.device());
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
        println!("{:16} {:.4}", measure.metric.name, measure.value);
    }
    Ok(())
}
