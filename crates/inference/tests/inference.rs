//! The decoder and the scorer on real transformers, on every CPU backend.

use corpus::{Document, TokenSet, Tokenizer};
use inference::{DecodeError, Prompts, Stopped, WriteSettings, Written, read, score, token_losses, write};
use model::{Settings, Weights};
use ops::device::{Chosen, parse};
use rundir::{Checkpoint, Interrupt};
use sampling::Sampling;
use std::time::Duration;
use streams::Streams;

/// A transformer over bytes whose text is neither uniform nor certain: initial weights, eight times as large.
fn weights() -> Weights {
    let settings = Settings {
        preset: "tiny".into(),
        width: Some(32),
        heads: Some(4),
        kv_heads: Some(2),
        hidden: Some(40),
        context: Some(24),
        ..Settings::default()
    };
    let config = settings.resolve(Tokenizer::bytes().vocabulary()).unwrap();
    let fresh = Weights::initialise(&config, &Streams::new(1000), 0);
    let grown = fresh.names().map(|name| {
        let factor = if name.contains("norm") { 1.0 } else { 8.0 };
        (name.to_owned(), fresh.tensor(name).iter().map(|v| v * factor).collect())
    });
    Weights::from_tensors(config, grown.collect()).unwrap()
}

fn written(device: &Chosen, slots: usize, sampling: &Sampling, prompts: Prompts) -> Vec<Written> {
    let settings = WriteSettings {
        sampling,
        streams: Streams::new(7),
        generation: 1,
        chain: "test",
        first: 0,
        budget: 2500,
        prompts,
        slots,
    };
    write(&weights(), &Tokenizer::bytes(), &settings, device, &mut Checkpoint::none(), &mut |_| {}).unwrap()
}

fn texts(written: &[Written]) -> Vec<(&[u32], bool)> {
    written.iter().map(|w| (w.ids.as_slice(), w.document.truncated)).collect()
}

#[test]
fn the_same_documents_for_any_slots_and_threads() {
    let cool = Sampling { temperature: 0.7, top_p: Some(0.9), repetition_penalty: Some(1.2), ..Sampling::default() };
    for device in ["flex", "ndarray"].map(|name| parse(name).unwrap()) {
        for sampling in [Sampling::default(), cool] {
            let one = written(&device, 1, &sampling, Prompts::Unprompted);
            assert!(one.len() > 50, "{} documents", one.len());
            for (slots, threads) in [(2, 1), (3, 2), (64, 1), (64, 3)] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let other = pool.install(|| written(&device, slots, &sampling, Prompts::Unprompted));
                let place = device.kind().name();
                assert!(texts(&one) == texts(&other), "{place}: {slots} slots, {threads} threads");
            }
        }
    }
}

#[test]
fn the_processors_decoder_agrees_with_the_reference() {
    // The same draws, so a document differs only where rounding moves a border of the distribution function.
    let [ours, reference] =
        ["flex", "ndarray"].map(|name| written(&parse(name).unwrap(), 16, &Sampling::default(), Prompts::Unprompted));
    let same = texts(&ours).iter().zip(texts(&reference)).filter(|(a, b)| **a == *b).count();
    assert!(same * 50 >= ours.len() * 49, "{same} of {} documents", ours.len());
}

/// A GPU, or else a software one.
fn gpu() -> Option<Chosen> {
    let found = ["auto", "wgpu:cpu"].map(parse).into_iter().flatten().find(|device| !device.kind().is_cpu());
    if found.is_none() {
        let required = std::env::var("HABSBURG_REQUIRE").as_deref() == Ok("1");
        assert!(!required, "no GPU, and no software device either");
        eprintln!("skipped: no GPU, and no software device either");
    }
    found
}

#[test]
fn a_gpu_writes_the_processors_documents() {
    let Some(gpu) = gpu() else { return };
    let flex = parse("flex").unwrap();
    let penalised = Sampling { temperature: 0.8, repetition_penalty: Some(1.2), ..Sampling::default() };
    // Drawn by the host from the device's logits.
    let cut = Sampling { top_k: Some(20), top_p: Some(0.9), ..Sampling::default() };
    for sampling in [Sampling::default(), penalised, cut] {
        let on_gpu = written(&gpu, 32, &sampling, Prompts::Unprompted);
        let other = written(&gpu, 80, &sampling, Prompts::Unprompted);
        assert!(texts(&on_gpu) == texts(&other), "{sampling:?}: other documents with other slots");
        // The same draws, but rounded to 24 bits, and logits that are rounded otherwise.
        let ours = written(&flex, 16, &sampling, Prompts::Unprompted);
        let same = texts(&ours).iter().zip(texts(&on_gpu)).filter(|(a, b)| **a == *b).count();
        assert!(same * 50 >= ours.len() * 49, "{sampling:?}: {same} of {} documents", ours.len());
    }
}

#[test]
fn prompts_are_human_text_and_are_kept() {
    let documents: Vec<Document> = ["We the people of this house.", "no", "Four score and seven years."]
        .iter()
        .enumerate()
        .map(|(i, text)| Document::human(i.to_string(), *text, "test"))
        .collect();
    let prompts = || Prompts::Documents { documents: &documents, tokens: 5 };
    let device = parse("flex").unwrap();
    let all = written(&device, 8, &Sampling::default(), prompts());
    for one in &all {
        let prompt = one.document.provenance.prompt.as_ref().unwrap();
        // The document of two bytes is too short to be drawn.
        assert!(["0", "2"].contains(&prompt.document.as_str()));
        let source = &documents[prompt.document.parse::<usize>().unwrap()].text;
        assert_eq!((prompt.bytes, &one.document.text[..5]), (5, &source[..5]));
        assert_eq!(one.document.provenance.origin, corpus::Origin::Assisted);
        assert_eq!(
            one.document.provenance.spans.iter().map(|s| (s.start, s.end)).collect::<Vec<_>>(),
            [(0, 5), (5, one.document.text.len())]
        );
    }
    assert!(all.iter().any(|w| w.document.provenance.prompt.as_ref().unwrap().document == "2"));
}

#[test]
fn prompts_are_drawn_by_their_weights_and_documents_go_on_where_they_stopped() {
    let documents: Vec<Document> = ["We the people of this house.", "Of nothing.", "Four score.", "no"]
        .iter()
        .enumerate()
        .map(|(i, text)| Document::human(i.to_string(), *text, "test"))
        .collect();
    let device = parse("flex").unwrap();
    let prompts = || Prompts::Weighted { documents: &documents, tokens: 5, weights: &[3.0, 0.0, 1.0, 9.0] };
    let all = written(&device, 8, &Sampling::default(), prompts());
    let first = all.iter().filter(|one| one.document.provenance.prompt.as_ref().unwrap().document == "0").count();
    let (p, n) = (0.75, all.len() as f64);
    assert!((first as f64 / n - p).abs() < 4.0 * (p * (1.0 - p) / n).sqrt(), "{first} of {n}");
    assert!(
        all.iter().all(|one| ["0", "2"].contains(&one.document.provenance.prompt.as_ref().unwrap().document.as_str()))
    );
    // In two parts as in one.
    let whole = written(&device, 8, &Sampling::default(), Prompts::Unprompted);
    let rest = WriteSettings {
        sampling: &Sampling::default(),
        streams: Streams::new(7),
        generation: 1,
        chain: "test",
        first: 20,
        budget: 300,
        prompts: Prompts::Unprompted,
        slots: 3,
    };
    let rest = write(&weights(), &Tokenizer::bytes(), &rest, &device, &mut Checkpoint::none(), &mut |_| {}).unwrap();
    assert!(texts(&rest) == texts(&whole)[20..20 + rest.len()]);
    assert_eq!(rest[0].document.id, whole[20].document.id);
}

#[test]
fn greedy_text_is_what_the_scorer_finds_likeliest() {
    let device = parse("flex").unwrap();
    let greedy = Sampling { greedy: true, ..Sampling::default() };
    let first = &written(&device, 1, &greedy, Prompts::Unprompted)[0];
    // Any other last token makes the sequence less likely.
    let nats = |ids: &[u32]| {
        score(
            &weights(),
            &TokenSet::from_ids(&[(ids, true)], &Tokenizer::bytes()),
            0,
            &device.device(),
            &mut Checkpoint::none(),
        )
        .unwrap()[0]
    };
    let best = nats(&first.ids);
    for last in (1..257).filter(|last| last != first.ids.last().unwrap()) {
        let mut other = first.ids.clone();
        *other.last_mut().unwrap() = last;
        assert!(nats(&other) > best, "token {last}");
    }
}

#[test]
fn a_score_does_not_depend_on_neighbours_or_backend() {
    let tokenizer = Tokenizer::bytes();
    let documents: Vec<Document> = ["a", "some words", "of several lengths", "so", "that windows are shared", ""]
        .iter()
        .enumerate()
        .map(|(i, text)| Document::human(i.to_string(), *text, "test"))
        .collect();
    let together = TokenSet::encode(&documents, &tokenizer);
    let [flex, ndarray] = ["flex", "ndarray"].map(|name| parse(name).unwrap().device());
    let all = score(&weights(), &together, tokenizer.separator(), &flex, &mut Checkpoint::none()).unwrap();
    for (index, document) in documents.iter().enumerate() {
        for device in [&flex, &ndarray] {
            let alone = TokenSet::encode(std::slice::from_ref(document), &tokenizer);
            let nats = score(&weights(), &alone, tokenizer.separator(), device, &mut Checkpoint::none()).unwrap()[0];
            assert!((nats - all[index]).abs() < 1e-4, "document {index}: {nats} alone, {} together", all[index]);
        }
    }
    // The empty document is nothing but its end: all next tokens together have probability one.
    let ends: f64 = (0..257u32)
        .map(|id| {
            let set = if id == 0 {
                TokenSet::from_ids(&[(&[], false)], &tokenizer)
            } else {
                TokenSet::from_ids(&[(&[id], true)], &tokenizer)
            };
            (-score(&weights(), &set, tokenizer.separator(), &flex, &mut Checkpoint::none()).unwrap()[0]).exp()
        })
        .sum();
    assert!((ends - 1.0).abs() < 1e-5, "{ends}");
}

#[test]
fn losses_of_tokens_add_up_to_the_score() {
    let device = parse("flex").unwrap();
    let written = written(&device, 16, &Sampling::default(), Prompts::Unprompted);
    let (tokenizer, weights) = (Tokenizer::bytes(), weights());
    let set = TokenSet::from_ids(&texts(&written), &tokenizer);
    let (separator, device) = (tokenizer.separator(), device.device());
    let losses = token_losses(&weights, &texts(&written), separator, &device, &mut Checkpoint::none()).unwrap();
    let sums: Vec<f64> = losses.iter().map(|of| of.iter().map(|&l| f64::from(l)).sum()).collect();
    assert_eq!(sums, score(&weights, &set, separator, &device, &mut Checkpoint::none()).unwrap());
    let fits =
        |(losses, (ids, truncated)): (&Vec<f32>, (&[u32], bool))| losses.len() == ids.len() + usize::from(!truncated);
    assert!(losses.iter().zip(texts(&written)).all(fits));
}

#[test]
fn documents_of_a_stopped_writing_are_those_of_an_undisturbed_one() {
    for device in [parse("flex").ok(), gpu()].into_iter().flatten() {
        stopped_writing(&device);
    }
}

fn stopped_writing(device: &Chosen) {
    let tokenizer = Tokenizer::bytes();
    let folder = tempfile::tempdir().unwrap();
    for systematic in [false, true] {
        let sampling = Sampling { systematic, ..Sampling::default() };
        let settings = |first| WriteSettings {
            sampling: &sampling,
            streams: Streams::new(5),
            generation: 1,
            chain: "chain",
            first,
            budget: 2000,
            prompts: Prompts::Unprompted,
            slots: 16,
        };
        let none = &mut Checkpoint::none();
        // Two calls of one work, as targeted synthesis makes them, save under different names.
        for first in [0, 30] {
            let whole = write(&weights(), &tokenizer, &settings(first), device, none, &mut |_| {}).unwrap();
            let place = folder.path().join(format!("{systematic}"));
            for stop in [1, 900, u64::MAX] {
                let interrupt = Interrupt::new();
                let mut checkpoint = Checkpoint::at(place.clone(), Duration::ZERO, interrupt.clone());
                let found = write(&weights(), &tokenizer, &settings(first), device, &mut checkpoint, &mut |tokens| {
                    if tokens >= stop {
                        interrupt.set();
                    }
                });
                match found {
                    // Other threads may have finished before this one looked.
                    Ok(found) => {
                        let texts =
                            |written: &[Written]| written.iter().map(|w| w.document.clone()).collect::<Vec<_>>();
                        assert!(texts(&found) == texts(&whole));
                    }
                    Err(error) => assert!(matches!(error, DecodeError::Stopped(_)) && stop < u64::MAX, "{error}"),
                }
            }
        }
    }
}

#[test]
fn a_score_goes_on_with_the_groups_that_are_saved() {
    let (device, tokenizer) = (parse("flex").unwrap().device(), Tokenizer::bytes());
    // Some groups of windows.
    let ids: Vec<Vec<u32>> =
        (0..1200).map(|i| (0..5 + i % 17).map(|at| 1 + (i * 7 + at * 3) % 250).collect()).collect();
    let documents: Vec<(&[u32], bool)> = ids.iter().map(|ids| (&ids[..], false)).collect();
    let set = TokenSet::from_ids(&documents, &tokenizer);
    let folder = tempfile::tempdir().unwrap();
    let at = |interrupt| Checkpoint::at(folder.path().to_owned(), Duration::ZERO, interrupt);
    let work = |checkpoint: &mut Checkpoint| -> Result<_, Stopped> {
        let nats = score(&weights(), &set, 0, &device, checkpoint)?;
        let losses = token_losses(&weights(), &documents, 0, &device, checkpoint)?;
        Ok((nats, losses, read(&weights(), &documents, 0, &device, checkpoint)?))
    };
    let whole = work(&mut Checkpoint::none()).unwrap();
    // Stopped by another thread, somewhere.
    let mut stopped = 0;
    for milliseconds in [5, 20, 50, 100] {
        let interrupt = Interrupt::new();
        let waiting = interrupt.clone();
        let timer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(milliseconds));
            waiting.set();
        });
        match work(&mut at(interrupt)) {
            Ok(found) => assert!(found == whole),
            Err(Stopped) => stopped += 1,
        }
        timer.join().unwrap();
    }
    assert!(stopped > 0 && work(&mut at(Interrupt::new())).unwrap() == whole);
    assert!(work(&mut at(Interrupt::new())).unwrap() == whole);
}
