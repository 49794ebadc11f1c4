//! MAUVE: how near one set of documents is to another, counting both what is missing and what is odd.
//!
//! *Definition* (Pillutla et al. 2021). The rows of both sets are scaled to length 1, reduced to the principal components that
//! hold 90 % of their variance and put into k clusters together; P and Q are the sets' shares of the clusters. For mixtures
//! R = wP + (1-w)Q the points (exp(-c KL(Q‖R)), exp(-c KL(P‖R))) make a curve from (1, 0) to (0, 1), and MAUVE is the area
//! under it: 1 for equal sets, towards 0 for ones without overlap. c = 5, k = n/10, 25 mixtures.
//!
//! *Trap.* Two human samples do not get 1: at n = 1,000 and k = 100 their cluster counts differ by chance. Always show what a
//! disjoint human sample of the same size gets, the ceiling, beside it; sets of different size are refused. Values depend on
//! the featurizer, n, k and c, so published ones cannot be laid beside ours. Another clustering of the same documents gives
//! another value ([`mauves`]): a difference within that scatter is none.

use rayon::prelude::*;
use streams::{Purpose, Streams};

use super::{eigen::eigen, gram, kmeans::kmeans, normalised};

/// How MAUVE is taken; the default is its authors'.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mauve {
    /// Clusters; a tenth of the documents of one set, and two at least, if not said.
    pub buckets: Option<usize>,
    /// c, which the divergences are multiplied with.
    pub scaling: f64,
    /// Points of the curve between its ends.
    pub mixtures: usize,
    /// Share of the variance that the principal components hold.
    pub variance: f64,
    /// How often the clustering begins anew.
    pub restarts: usize,
    /// Most rounds of a clustering.
    pub iterations: usize,
    /// Where its draws come from.
    pub streams: Streams,
}

impl Default for Mauve {
    fn default() -> Self {
        let streams = Streams::new(0);
        Self { buckets: None, scaling: 5.0, mixtures: 25, variance: 0.9, restarts: 5, iterations: 500, streams }
    }
}

/// MAUVE of two sets of equally many documents, a row of `width` numbers each. None if the sets differ in size, are empty
/// or hold something that is not finite.
pub fn mauve(human: &[f32], other: &[f32], width: usize, settings: &Mauve) -> Option<f64> {
    mauves(human, other, width, settings, 1)?.first().copied()
}

/// The same by so many clusterings, each from draws of its own; the first is [`mauve`].
pub fn mauves(human: &[f32], other: &[f32], width: usize, settings: &Mauve, clusterings: u32) -> Option<Vec<f64>> {
    if human.len() != other.len() {
        return None;
    }
    let n = human.len() / width.max(1);
    let rows = normalised(&[human, other].concat(), width)?;
    let (points, kept) = principal(rows, width, settings.variance);
    let k = settings.buckets.unwrap_or_else(|| ((n as f64 / 10.0).round() as usize).max(2)).clamp(1, 2 * n);
    let share = |labels: &[usize]| {
        let mut shares = vec![0.0; k];
        labels.iter().for_each(|&label| shares[label] += 1.0 / n as f64);
        shares
    };
    let by_clustering = |clustering: u32| {
        let mut stream = settings.streams.stream(Purpose::Evaluation, clustering, streams::item_of_name("mauve"));
        let labels = kmeans(&points, kept, k, settings.restarts, settings.iterations, &mut stream);
        divergence_area(&share(&labels[..n]), &share(&labels[n..]), settings.scaling, settings.mixtures)
    };
    Some((0..clusterings).into_par_iter().map(by_clustering).collect())
}

/// The rows in terms of as few principal components as hold `share` of their variance, and how many those are.
fn principal(mut rows: Vec<f64>, width: usize, share: f64) -> (Vec<f32>, usize) {
    let n = rows.len() / width;
    for column in 0..width {
        let mean = rows.iter().skip(column).step_by(width).sum::<f64>() / n as f64;
        rows.iter_mut().skip(column).step_by(width).for_each(|x| *x -= mean);
    }
    let (values, vectors) = eigen(gram(&rows, width), width, true);
    let all: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let mut held = 0.0;
    let enough = |value: &f64| {
        held += value.max(0.0);
        held >= share * all
    };
    let kept = values.iter().position(enough).map_or(width, |at| at + 1);
    let along = |row: &[f64], axis: &[f64]| row.iter().zip(axis).map(|(x, y)| x * y).sum::<f64>() as f32;
    let axes = || vectors.chunks_exact(width).take(kept);
    (rows.chunks_exact(width).flat_map(|row| axes().map(move |axis| along(row, axis))).collect(), kept)
}

/// The area under the divergence curve of two distributions over the same clusters: of `mixtures` mixtures and the two
/// ends, by the trapezoidal rule, the mean of what it is along either axis.
///
/// # Panics
/// If the distributions differ in length.
pub fn divergence_area(p: &[f64], q: &[f64], scaling: f64, mixtures: usize) -> f64 {
    assert_eq!(p.len(), q.len(), "both are shares of the same clusters");
    let weight = |i: usize| 1e-6 + (1.0 - 2e-6) * i as f64 / (mixtures.max(2) - 1) as f64;
    let mut curve = vec![(1.0, 0.0)];
    for w in (0..mixtures.max(2)).map(weight) {
        let mix = |(p, q): (&f64, &f64)| w * p + (1.0 - w) * q;
        let mixed: Vec<f64> = p.iter().zip(q).map(mix).collect();
        curve.push(((-scaling * divergence(q, &mixed)).exp(), (-scaling * divergence(p, &mixed)).exp()));
    }
    curve.push((0.0, 1.0));
    // Of points at one place of an axis, those of a curve that falls: (1, 1) before the end (1, 0).
    curve.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let along_x = area(&curve, |point| *point);
    curve.sort_by(|a, b| a.1.total_cmp(&b.1).then(b.0.total_cmp(&a.0)));
    (along_x + area(&curve, |&(x, y)| (y, x))) / 2.0
}

/// KL(p‖r) in nats; r is above zero wherever p is.
fn divergence(p: &[f64], r: &[f64]) -> f64 {
    let sum: f64 = p.iter().zip(r).filter(|(p, _)| **p > 0.0).map(|(p, r)| p * (p / r).ln()).sum();
    sum.max(0.0)
}

fn area(curve: &[(f64, f64)], of: impl Fn(&(f64, f64)) -> (f64, f64)) -> f64 {
    let between = |pair: &[(f64, f64)]| {
        let ((x0, y0), (x1, y1)) = (of(&pair[0]), of(&pair[1]));
        (x1 - x0) * (y0 + y1) / 2.0
    };
    curve.windows(2).map(between).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_scale() {
        let p = [0.25, 0.5, 0.25];
        assert!((divergence_area(&p, &p, 5.0, 25) - 1.0).abs() < 1e-12);
        // Without overlap KL(P‖wP) = -ln w: the curve is (1-w)^c, w^c, of area Γ(c+1)²/Γ(2c+1) = 1/252 for c = 5.
        let apart = divergence_area(&[1.0, 0.0], &[0.0, 1.0], 5.0, 4001);
        assert!((apart - 1.0 / 252.0).abs() < 1e-5, "{apart}");
    }

    #[test]
    fn unequal_sizes_are_refused() {
        let settings = Mauve::default();
        assert_eq!(mauve(&[1.0, 2.0], &[1.0], 1, &settings), None);
        assert_eq!(mauve(&[], &[], 1, &settings), None);
        assert_eq!(mauve(&[f32::NAN], &[1.0], 1, &settings), None);
    }
}
