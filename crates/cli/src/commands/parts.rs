//! The parts on their own: train, sample, evaluate.

use crate::Failure;
use crate::args::{EvaluateArgs, SampleArgs, Text, TrainArgs};
use crate::progress::single;
use corpus::{Document, Sampling, TokenSet, Tokenizer, pack};
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
    let budget = training::Settings { epochs: Some(args.epochs), ..training::Settings::default() };
    budget.check().map_err(Failure::request)?;
    let budget = budget.resolve(preset, &config);
    if windows.len() < budget.batch.unwrap_or(1) {
        let (have, need) = (windows.len(), budget.batch.unwrap_or(1));
        return Err(Failure::Request(format!(
            "the text fills {have} windows and one batch needs {need}; bring more text"
        )));
    }
    std::fs::create_dir_all(&args.out).map_err(|e| Failure::Request(format!("--out {}: {e}", args.out.display())))?;
    let streams = Streams::new(args.seed);
    let start = Weights::initialise(&config, &streams, 0);
    let bar = single(args.progress, budget.steps(windows.len(), config.context));
    let mut progress = |p: training::Progress| {
        bar.set_position(p.step);
        bar.set_message(format!("loss {:.3}", p.loss));
    };
    let trained = training::train(start, &windows, None, &budget, &streams, 0, &device.device(), &mut progress)
        .map_err(Failure::work)?;
    bar.finish_and_clear();
    trained.weights.save(&args.out).map_err(Failure::work)?;
    tokenizer.save(&args.out.join("tokenizer.json")).map_err(Failure::work)?;
    let record = trained.record;
    println!(
        "{} parameters, {} steps, loss {:.4} nats a token: {}",
        config.parameters(),
        record.steps,
        record.final_loss,
        args.out.display()
    );
    Ok(())
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
    let sampling = Sampling {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        repetition_penalty: args.repetition_penalty,
        greedy: args.greedy,
    };
    sampling.check().map_err(Failure::request)?;
    let (weights, tokenizer) = load(&args.model)?;
    let settings = WriteSettings {
        sampling: &sampling,
        streams: Streams::new(args.seed),
        generation: 0,
        chain: "sample",
        budget: args.tokens.max(1),
        prompts: Prompts::Unprompted,
        slots: 64,
    };
    let written = inference::write(&weights, &tokenizer, &settings, &device, &mut |_| {}).map_err(Failure::work)?;
    let mut out = std::io::stdout().lock();
    for one in written {
        let line = serde_json::to_string(&one.document).map_err(Failure::work)?;
        // A reader that closes the pipe has seen enough.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    Ok(())
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
        println!("{:16} {:.4}", measure.metric, measure.value);
    }
    Ok(())
}
