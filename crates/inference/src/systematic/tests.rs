use crate::decode::Writing;
use crate::{DecodeError, Decoder, Decoding, Sequence, Slot, Stepper, decode};
use sampling::Sampling;
use std::collections::BTreeMap;
use streams::{Purpose, Streams};

/// Token 0 ends a document.
const VOCABULARY: usize = 12;

/// A model of the last token alone, and with these documents' longest length.
struct Bigrams {
    table: Vec<[f32; VOCABULARY]>,
    context: usize,
}

impl Bigrams {
    /// Chances from 1 in 2 to 1 in some thousands.
    fn new(context: usize) -> Self {
        let mut stream = Streams::new(3).stream(Purpose::Learner, 0, 0);
        let table = (0..VOCABULARY).map(|_| std::array::from_fn(|_| (2.5 * stream.normal()) as f32)).collect();
        Self { table, context }
    }

    fn chances(&self, last: usize) -> Vec<f64> {
        let weights: Vec<f64> = self.table[last].iter().map(|&x| f64::from(x).exp()).collect();
        let all: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / all).collect()
    }

    /// The chance that a document begins so.
    fn chance(&self, ids: &[u32]) -> f64 {
        let before = std::iter::once(0).chain(ids.iter().copied());
        before.zip(ids).map(|(last, &id)| self.chances(last as usize)[id as usize]).product()
    }
}

impl Stepper for Bigrams {
    fn slots(&self) -> usize {
        7
    }

    fn context(&self) -> usize {
        self.context
    }

    fn step(&mut self, slots: &mut [Slot], each: &(dyn Fn(&mut Writing, &[f32]) + Sync)) -> Result<(), DecodeError> {
        for writing in slots.iter_mut().filter_map(|slot| slot.writing.as_mut()) {
            let row = self.table[writing.input() as usize];
            each(writing, &row);
        }
        Ok(())
    }
}

fn written(context: usize, documents: u64, seed: u64, systematic: bool) -> Vec<Sequence> {
    let sampling = Sampling { systematic, ..Sampling::default() };
    let decoding = Decoding {
        sampling: &sampling,
        streams: Streams::new(seed),
        generation: 1,
        separator: 0,
        first: 0,
        prompt: &|_| Vec::new(),
    };
    let mut decoder = Decoder::Steppers(vec![Box::new(Bigrams::new(context))]);
    decode(&mut decoder, &decoding, documents, &|_, _| 1, &mut rundir::Checkpoint::none(), &mut |_| {}).unwrap()
}

/// How often documents begin in each way, up to so many tokens; with the token that ends them, if they end before.
fn beginnings(sequences: &[Sequence], length: usize) -> BTreeMap<Vec<u32>, usize> {
    let mut counts = BTreeMap::new();
    for sequence in sequences {
        let mut ids = sequence.ids.clone();
        ids.extend((!sequence.truncated).then_some(0));
        for n in 1..=length.min(ids.len()) {
            *counts.entry(ids[..n].to_vec()).or_default() += 1;
        }
    }
    counts
}

/// All ways to begin, up to so many tokens.
fn ways(length: usize) -> Vec<Vec<u32>> {
    let (mut all, mut longest) = (Vec::new(), vec![Vec::new()]);
    for _ in 0..length {
        let longer = |way: &Vec<u32>| (0..VOCABULARY as u32).map(|id| [&way[..], &[id]].concat()).collect::<Vec<_>>();
        let next: Vec<Vec<u32>> = longest.iter().filter(|way| way.last() != Some(&0)).flat_map(longer).collect();
        all.extend(next.iter().cloned());
        longest = next;
    }
    all
}

#[test]
fn every_beginning_is_there_as_often_as_it_should_be() {
    const DOCUMENTS: usize = 4181;
    let model = Bigrams::new(20);
    let (mut even, mut alone) = ((0.0, 0.0_f64), (0.0, 0.0_f64));
    for seed in 0..3 {
        for (systematic, (squares, worst)) in [(true, &mut even), (false, &mut alone)] {
            let counts = beginnings(&written(20, DOCUMENTS as u64, seed, systematic), 3);
            for way in ways(3) {
                let expected = DOCUMENTS as f64 * model.chance(&way);
                let difference = counts.get(&way).copied().unwrap_or(0) as f64 - expected;
                *squares += difference * difference;
                *worst = worst.max(difference.abs());
            }
        }
    }
    // Of a Fibonacci number N of places, each lies within 1/√5 N of a point of an even lattice of N points, no two of the same,
    // so an interval holds less than 1 + 2/√5 more or fewer than it should.
    assert!(even.1 < 1.0 + 2.0 / 5_f64.sqrt(), "{even:?}");
    assert!(alone.1 > 30.0, "{alone:?}");
    assert!(even.0 < alone.0 / 50.0, "{even:?} {alone:?}");
}

#[test]
fn each_document_alone_is_a_draw_from_the_model() {
    const CORPORA: u64 = 4000;
    let model = Bigrams::new(4);
    let mut counts = BTreeMap::<Vec<u32>, f64>::new();
    for seed in 0..CORPORA {
        let last = written(4, 6, seed, true).pop().unwrap();
        let mut ids = last.ids;
        ids.extend((!last.truncated).then_some(0));
        *counts.entry(ids[..ids.len().min(2)].to_vec()).or_default() += 1.0;
    }
    let mut squares = 0.0;
    let mut cells = 0;
    for way in ways(2).iter().filter(|way| way.len() == 2 || way[0] == 0) {
        let expected = CORPORA as f64 * model.chance(way);
        if expected >= 5.0 {
            let found = counts.get(way).copied().unwrap_or(0.0);
            squares += (found - expected).powi(2) / expected;
            cells += 1;
        }
    }
    // Pearson's χ² has a mean of about `cells` and a standard deviation of √(2 cells).
    let cells = f64::from(cells);
    assert!(cells > 20.0 && squares < cells + 4.0 * (2.0 * cells).sqrt(), "{squares} of {cells}");
}

/// The learner that only counts, with one token a document: what a chain of them forgets.
#[test]
fn a_chain_that_counts_forgets_less() {
    struct Counts([f32; VOCABULARY]);
    impl Stepper for Counts {
        fn slots(&self) -> usize {
            16
        }

        fn context(&self) -> usize {
            1
        }

        fn step(
            &mut self,
            slots: &mut [Slot],
            each: &(dyn Fn(&mut Writing, &[f32]) + Sync),
        ) -> Result<(), DecodeError> {
            slots.iter_mut().filter_map(|slot| slot.writing.as_mut()).for_each(|writing| each(writing, &self.0));
            Ok(())
        }
    }

    let human = [0, 400, 250, 150, 90, 50, 30, 17, 8, 3, 1, 1_u32];
    /// Generations, of 1,000 documents each.
    const GENERATIONS: u32 = 20;
    let after = |systematic: bool, seed: u64| {
        let mut counts = human;
        for generation in 0..GENERATIONS {
            let sampling = Sampling { systematic, ..Sampling::default() };
            let decoding = Decoding {
                sampling: &sampling,
                streams: Streams::new(seed),
                generation,
                separator: 0,
                first: 0,
                prompt: &|_| Vec::new(),
            };
            let logits = counts.map(|n| if n == 0 { f32::NEG_INFINITY } else { (n as f32).ln() });
            let mut decoder = Decoder::Steppers(vec![Box::new(Counts(logits))]);
            counts = [0; VOCABULARY];
            for document in
                decode(&mut decoder, &decoding, 1000, &|_, _| 1, &mut rundir::Checkpoint::none(), &mut |_| {}).unwrap()
            {
                counts[document.ids[0] as usize] += 1;
            }
        }
        counts
    };
    let moved = |counts: [u32; VOCABULARY]| counts.iter().zip(human).map(|(a, b)| a.abs_diff(b)).sum::<u32>();
    let all = |systematic: bool| (0..10).map(|seed| moved(after(systematic, seed))).sum::<u32>();
    let (even, alone) = (all(true), all(false));
    assert!(even * 5 < alone, "{even} {alone}");
}
