//! Where the climb starts: greedy k-means++ (Arthur and Vassilvitskii 2007) and a few steps of Lloyd.

use streams::Stream;

use super::super::gaussian::mean;
use super::super::matrix::squared_distance;
use super::super::{Gaussian, Symmetric, Weighted};
use super::Mixture;
use super::climb::maximisation;

/// Steps of Lloyd's algorithm before the first maximisation: they only have to leave the seeds' accidents behind.
const LLOYD_STEPS: usize = 10;

/// A first mixture: seeds, a few steps of Lloyd, and a maximisation that gives each draw to its nearest centre.
pub(super) fn start(
    draws: &[Weighted<'_, Vec<f64>>],
    components: usize,
    whole: &Symmetric,
    floor: f64,
    stream: &mut Stream,
) -> Mixture {
    let mut centres = seeds(draws, components, stream);
    let mut nearest: Vec<usize> = Vec::new();
    for _ in 0..LLOYD_STEPS {
        let now: Vec<usize> = draws.iter().map(|(draw, _)| nearest_of(&centres, draw)).collect();
        if now == nearest {
            break;
        }
        nearest = now;
        for (at, centre) in centres.iter_mut().enumerate() {
            let own: Vec<Weighted<'_, Vec<f64>>> =
                draws.iter().zip(&nearest).filter(|&(_, &of)| of == at).map(|(x, _)| *x).collect();
            if !own.is_empty() {
                *centre = mean(&own);
            }
        }
    }
    let all_of = |(of, (_, weight)): (&usize, &Weighted<'_, Vec<f64>>)| {
        (0..components).map(|at| if at == *of { *weight } else { 0.0 }).collect()
    };
    let shares: Vec<Vec<f64>> = nearest.iter().zip(draws).map(all_of).collect();
    let at_centre = |centre| Gaussian::new(centre, whole.clone());
    let before = Mixture::new(vec![1.0 / components as f64; components], centres.into_iter().map(at_centre).collect());
    maximisation(draws, &shares, &before, floor)
}

/// Seeds by greedy k-means++: each of a few candidates is a draw with a chance that goes as its squared distance from the
/// seeds so far; the one that leaves the least of these is taken. 2 + ⌊ln k⌋ candidates, as the paper proposes.
fn seeds(draws: &[Weighted<'_, Vec<f64>>], count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
    let candidates = 2 + (count as f64).ln() as usize;
    let mut seeds = vec![draws[stream.below(draws.len() as u64) as usize].0.clone()];
    let mut left: Vec<f64> = draws.iter().map(|(draw, weight)| weight * squared_distance(draw, &seeds[0])).collect();
    while seeds.len() < count {
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..candidates {
            let at = weighted(&left, stream);
            let nearer = |((draw, weight), &left): (&Weighted<'_, Vec<f64>>, &f64)| {
                left.min(weight * squared_distance(draw, draws[at].0))
            };
            let then: Vec<f64> = draws.iter().zip(&left).map(nearer).collect();
            let sum = then.iter().sum();
            if best.as_ref().is_none_or(|(least, ..)| sum < *least) {
                best = Some((sum, at, then));
            }
        }
        let (_, at, then) = best.expect("there are two candidates or more");
        seeds.push(draws[at].0.clone());
        left = then;
    }
    seeds
}

/// An index with a chance that goes as its weight; any, if none has weight.
fn weighted(weights: &[f64], stream: &mut Stream) -> usize {
    let mut left = stream.uniform() * weights.iter().sum::<f64>();
    let chosen = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    chosen.unwrap_or(weights.len() - 1)
}

fn nearest_of(centres: &[Vec<f64>], point: &[f64]) -> usize {
    let mut best = (f64::INFINITY, 0);
    for (at, centre) in centres.iter().enumerate() {
        let distance = squared_distance(point, centre);
        if distance < best.0 {
            best = (distance, at);
        }
    }
    best.1
}
