use super::*;
use rundir::Interrupt;
use std::time::Duration;

/// A model with known logits: from token `t` it goes on to `t + 1` or, with probability 1/8, ends.
struct Counting {
    slots: usize,
}

impl Stepper for Counting {
    fn slots(&self) -> usize {
        self.slots
    }

    fn context(&self) -> usize {
        20
    }

    fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) -> Result<(), DecodeError> {
        for writing in slots.iter_mut().filter_map(|s| s.writing.as_mut()) {
            let mut logits = [f32::NEG_INFINITY; 32];
            logits[0] = (1.0f32 / 8.0).ln();
            logits[1 + writing.input() as usize % 30] = (7.0f32 / 8.0).ln();
            each(writing, &logits);
        }
        Ok(())
    }
}

fn run(slots: usize, budget: u64, prompt: &(dyn Fn(u64) -> Vec<u32> + Sync)) -> Vec<Sequence> {
    run_by(1, slots, budget, prompt)
}

fn run_by(workers: usize, slots: usize, budget: u64, prompt: &(dyn Fn(u64) -> Vec<u32> + Sync)) -> Vec<Sequence> {
    attempt((workers, slots), budget, prompt, &mut Checkpoint::none(), &mut |_| {}).unwrap()
}

fn attempt(
    (workers, slots): (usize, usize),
    budget: u64,
    prompt: &(dyn Fn(u64) -> Vec<u32> + Sync),
    checkpoint: &mut Checkpoint,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<Sequence>, DecodeError> {
    let sampling = Sampling::default();
    let decoding =
        Decoding { sampling: &sampling, streams: Streams::new(4), generation: 2, separator: 0, first: 0, prompt };
    let mut decoder = Decoder::Steppers((0..workers).map(|_| Box::new(Counting { slots }) as _).collect());
    // Whatever the number of processors, every worker has a thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().unwrap();
    let size = |ids: &[u32], _| ids.len() as u64 + 1;
    pool.install(|| decode(&mut decoder, &decoding, budget, &size, checkpoint, progress))
}

#[test]
fn documents_do_not_depend_on_the_number_of_slots() {
    let one = run(1, 5000, &|_| Vec::new());
    for slots in [2, 3, 64, 1000] {
        assert_eq!(run(slots, 5000, &|_| Vec::new()), one, "{slots} slots");
    }
    for (workers, slots) in [(2, 1), (2, 16), (5, 3)] {
        assert_eq!(run_by(workers, slots, 5000, &|_| Vec::new()), one, "{workers} workers of {slots} slots");
    }
}

#[test]
fn what_is_finished_is_not_written_again() {
    let prompt = |document: u64| vec![10 + document as u32 % 3];
    let whole = run(16, 5000, &prompt);
    for (workers, slots) in [(1, 1), (1, 16), (3, 5)] {
        let folder = tempfile::tempdir().unwrap();
        let mut before = 0;
        for stop in [1, 1000, 2000, 4500] {
            let interrupt = Interrupt::new();
            let place = folder.path().to_owned();
            let mut checkpoint = Checkpoint::at(place.clone(), Duration::MAX, interrupt.clone());
            let mut first = None;
            let found = attempt((workers, slots), 5000, &prompt, &mut checkpoint, &mut |tokens| {
                first.get_or_insert(tokens);
                if tokens >= stop {
                    interrupt.set();
                }
            });
            // Other workers may have finished before this thread looked.
            if workers > 1 && found.is_ok() {
                break;
            }
            assert!(matches!(found, Err(DecodeError::Stopped(_))), "stopped at {stop}");
            assert!(first >= Some(before), "{first:?} tokens were there, {before} saved");
            before = Prefix::load(&mut checkpoint.clone(), 0).total();
            assert!(before >= stop, "{before} saved at {stop}");
        }
        let mut checkpoint = Checkpoint::at(folder.path().to_owned(), Duration::ZERO, Interrupt::new());
        let found = attempt((workers, slots), 5000, &prompt, &mut checkpoint, &mut |_| {}).unwrap();
        assert!(found == whole, "{workers} workers of {slots} slots");
    }
}

#[test]
fn the_first_document_that_fails_ends_the_writing() {
    /// Documents of 20 tokens, of which every one with an odd index diverges at its third.
    struct Diverging;

    impl Stepper for Diverging {
        fn slots(&self) -> usize {
            4
        }

        fn context(&self) -> usize {
            20
        }

        fn step(
            &mut self,
            slots: &mut [Slot],
            each: &(dyn Fn(&mut Writing, &[f32]) + Sync),
        ) -> Result<(), DecodeError> {
            for writing in slots.iter_mut().filter_map(|s| s.writing.as_mut()) {
                let bad = writing.document % 2 == 1 && writing.ids.len() == 2;
                each(writing, if bad { &[f32::NAN; 2] } else { &[f32::NEG_INFINITY, 0.0] });
            }
            Ok(())
        }
    }

    let sampling = Sampling::default();
    let prompt = |_| Vec::new();
    let decoding = Decoding {
        sampling: &sampling,
        streams: Streams::new(4),
        generation: 2,
        separator: 0,
        first: 0,
        prompt: &prompt,
    };
    let size = |ids: &[u32], _| ids.len() as u64;
    let run = |budget| {
        let mut decoder = Decoder::Steppers(vec![Box::new(Diverging), Box::new(Diverging)]);
        decode(&mut decoder, &decoding, budget, &size, &mut Checkpoint::none(), &mut |_| {})
    };
    assert_eq!(run(20).unwrap().len(), 1);
    assert!(matches!(run(21), Err(DecodeError::Sample { document: 1, position: 2, .. })));
}

#[test]
fn the_corpus_is_the_shortest_prefix() {
    let size = |s: &[Sequence]| s.iter().map(|d| d.ids.len() as u64 + 1).sum::<u64>();
    let all = run(8, 1000, &|_| Vec::new());
    assert!(size(&all) >= 1000 && size(&all[..all.len() - 1]) < 1000);
    // A larger budget only adds documents.
    assert_eq!(run(8, 2000, &|_| Vec::new())[..all.len()], all[..]);
}

#[test]
fn lengths_follow_the_closed_form() {
    // A document ends after n < 20 tokens with probability 1/8 · (7/8)^n, else it is truncated at 20.
    let all = run(16, 200_000, &|_| Vec::new());
    let n = all.len() as f64;
    let truncated = all.iter().filter(|s| s.truncated).count() as f64 / n;
    let expected = (7.0f64 / 8.0).powi(20);
    assert!((truncated - expected).abs() < 4.0 * (expected * (1.0 - expected) / n).sqrt());
    assert!(all.iter().all(|s| s.truncated == (s.ids.len() == 20)));
    let empty = all.iter().filter(|s| s.ids.is_empty()).count() as f64 / n;
    assert!((empty - 0.125).abs() < 4.0 * (0.125f64 * 0.875 / n).sqrt());
}

#[test]
fn prompts_are_kept_and_continued() {
    let all = run(5, 500, &|document| vec![10 + document as u32 % 3, 20]);
    for (document, sequence) in all.iter().enumerate() {
        assert_eq!(sequence.ids[..2], [10 + document as u32 % 3, 20]);
        assert!(sequence.ids[2..].iter().enumerate().all(|(i, &t)| t == 1 + (20 + i as u32) % 30));
    }
}

/// Nobody waits for the documents of a worker that is gone.
#[test]
fn a_panic_of_one_worker_ends_all() {
    for at in [1, 500] {
        let mut progress = |tokens: u64| assert!(tokens < at, "on purpose");
        let prompt = |_| Vec::new();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            attempt((3, 2), 100_000, &prompt, &mut Checkpoint::none(), &mut progress).map(|found| found.len())
        }));
        assert!(ended.is_err(), "{ended:?}");
    }
}

#[test]
fn nats_are_those_of_the_tokens_that_were_drawn() {
    let of = |sequence: &Sequence| {
        let end = if sequence.truncated { 0.0 } else { 8.0_f64.ln() };
        sequence.ids.len() as f64 * (8.0_f64 / 7.0).ln() + end
    };
    let drawn = run(16, 5000, &|_| Vec::new());
    assert!(drawn.iter().any(|sequence| sequence.truncated) && drawn.iter().any(|sequence| !sequence.truncated));
    for sequence in &drawn {
        assert!((sequence.nats.unwrap() - of(sequence)).abs() < 1e-5, "{sequence:?}");
    }
    // Nobody drew a prompt.
    assert!(run(16, 500, &|_| vec![10]).iter().all(|sequence| sequence.nats.is_none()));
    // What is drawn by cooler settings, or from some tokens only, is not the model's own distribution.
    let by = |sampling: &Sampling| {
        let streams = Streams::new(4);
        let decoding = Decoding { sampling, streams, generation: 2, separator: 0, first: 0, prompt: &|_| Vec::new() };
        let mut decoder = Decoder::Steppers(vec![Box::new(Counting { slots: 8 })]);
        let size = |ids: &[u32], _| ids.len() as u64 + 1;
        decode(&mut decoder, &decoding, 300, &size, &mut Checkpoint::none(), &mut |_| {}).unwrap()
    };
    let own = Sampling::default();
    for other in
        [Sampling { temperature: 0.7, ..own }, Sampling { top_k: Some(1), ..own }, Sampling { greedy: true, ..own }]
    {
        assert!(by(&other).iter().all(|sequence| sequence.nats.is_none()), "{other:?}");
    }
    // A systematic sample is of it.
    let systematic = by(&Sampling { systematic: true, ..own });
    assert!(systematic.iter().all(|sequence| (sequence.nats.unwrap() - of(sequence)).abs() < 1e-5));
}
