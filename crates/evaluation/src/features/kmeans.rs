//! k-means: points into k clusters of least squared distance to their means (Lloyd 1957), begun by k-means++ (Arthur and
//! Vassilvitskii 2007) several times over, the best kept.

use streams::Stream;

/// The cluster of each point, 0 to k - 1. Points are rows of `width` numbers; all draws come from `stream`, and ties go to
/// the first cluster, so the same points give the same clusters.
pub(crate) fn kmeans(
    points: &[f32],
    width: usize,
    k: usize,
    restarts: usize,
    iterations: usize,
    stream: &mut Stream,
) -> Vec<usize> {
    let mut best: (f64, Vec<usize>) = (f64::INFINITY, Vec::new());
    for _ in 0..restarts.max(1) {
        let mut centres = begun(points, width, k, stream);
        let mut nearest = vec![(0, f32::INFINITY); points.len() / width];
        // At first every centre is new.
        let mut moved = vec![true; k];
        for _ in 0..=iterations {
            let settled = assign(points, width, &centres, &moved, &mut nearest);
            if settled {
                break;
            }
            moved = move_to_means(points, width, &nearest, &mut centres);
        }
        let cost = nearest.iter().map(|&(_, d)| f64::from(d)).sum();
        if cost < best.0 {
            best = (cost, nearest.into_iter().map(|(label, _)| label).collect());
        }
    }
    best.1
}

/// The squared distance, in eight sums that a processor can keep side by side.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| (x - y) * (x - y)).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            let d = x[lane] - y[lane];
            lanes[lane] += d * d;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Centres at points, each drawn with a chance as its squared distance to the centres before.
fn begun(points: &[f32], width: usize, k: usize, stream: &mut Stream) -> Vec<f32> {
    let n = points.len() / width;
    let point = |i: usize| &points[i * width..(i + 1) * width];
    let mut centres = point(stream.below(n as u64) as usize).to_vec();
    let mut nearest = vec![f32::INFINITY; n];
    while centres.len() < k * width {
        let latest = &centres[centres.len() - width..];
        nearest.iter_mut().enumerate().for_each(|(i, d)| *d = d.min(distance(point(i), latest)));
        let all: f64 = nearest.iter().map(|&d| f64::from(d)).sum();
        let mut left = stream.uniform() * all;
        let passed = |&d: &f32| {
            left -= f64::from(d);
            left < 0.0
        };
        let chosen = nearest.iter().position(passed).unwrap_or(n - 1);
        centres.extend_from_slice(point(chosen));
    }
    centres
}

/// The nearest centre of each point and its squared distance, given those from before the centres that `moved` did; whether
/// all stayed with theirs. A point whose centre stands still needs only to look at those that moved, and when clusters
/// settle these are few.
fn assign(points: &[f32], width: usize, centres: &[f32], moved: &[bool], nearest: &mut [(usize, f32)]) -> bool {
    let centre = |i: usize| &centres[i * width..(i + 1) * width];
    let walking: Vec<usize> = (0..moved.len()).filter(|&i| moved[i]).collect();
    let all: Vec<usize> = (0..moved.len()).collect();
    let mut settled = true;
    for (point, place) in points.chunks_exact(width).zip(nearest) {
        let old = *place;
        let (mut best, among) = if moved[old.0] { ((0, f32::INFINITY), &all) } else { (old, &walking) };
        for &i in among {
            let d = distance(point, centre(i));
            if d < best.1 || (d == best.1 && i < best.0) {
                best = (i, d);
            }
        }
        settled &= best.0 == old.0 && old.1.is_finite();
        *place = best;
    }
    settled
}

/// Centres to the means of their points, one without points stays; which of them moved.
fn move_to_means(points: &[f32], width: usize, nearest: &[(usize, f32)], centres: &mut [f32]) -> Vec<bool> {
    let (mut sums, mut counts) = (vec![0.0_f64; centres.len()], vec![0_usize; centres.len() / width]);
    for (point, &(label, _)) in points.chunks_exact(width).zip(nearest) {
        counts[label] += 1;
        sums[label * width..].iter_mut().zip(point).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let walk = |((centre, sums), &count): ((&mut [f32], &[f64]), &usize)| {
        let mut moved = false;
        for (at, sum) in centre.iter_mut().zip(sums).filter(|_| count > 0) {
            let mean = (sum / count as f64) as f32;
            moved |= mean != *at;
            *at = mean;
        }
        moved
    };
    centres.chunks_exact_mut(width).zip(sums.chunks_exact(width)).zip(&counts).map(walk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use streams::{Purpose, Streams};

    #[test]
    fn clusters_far_apart_are_found() {
        let mut stream = Streams::new(1).stream(Purpose::Evaluation, 0, 0);
        let points: Vec<f32> = (0..300)
            .flat_map(|i| {
                let corner = i % 5;
                [
                    10.0 * (corner % 2) as f32 + stream.normal() as f32,
                    10.0 * (corner / 2) as f32 + stream.normal() as f32,
                    0.0,
                ]
            })
            .collect();
        let labels = kmeans(&points, 3, 5, 5, 100, &mut stream);
        for i in 5..300 {
            assert_eq!(labels[i], labels[i % 5], "{i}");
        }
        let mut found = labels[..5].to_vec();
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn fewer_different_points_than_clusters() {
        let mut stream = Streams::new(1).stream(Purpose::Evaluation, 0, 0);
        let labels = kmeans(&[1.0, 1.0, 2.0, 2.0], 1, 4, 2, 10, &mut stream);
        assert!(labels[0] == labels[1] && labels[2] == labels[3] && labels[0] != labels[2]);
    }
}
