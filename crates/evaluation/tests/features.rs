//! Features, calibration and t tests against other people's code: `scripts/make-features-fixture.py` made the numbers, from
//! the generator that is here too.

use evaluation::calibration::{Bin, calibration, error};
use evaluation::features::{Mauve, divergence_area, mauve, vendi};
use evaluation::statistics::{Sample, Scale};
use serde::Deserialize;

/// Knuth's MMIX generator; the upper 53 bits of each state.
fn lcg(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| next()).collect()
}

#[derive(Deserialize)]
struct Fixture {
    areas: Vec<Area>,
    mauve: Vec<Blobs>,
    vendi: Vec<Vendi>,
    calibration: Vec<Calibrated>,
    paired: Vec<Paired>,
}

#[derive(Deserialize)]
struct Area {
    seed: u64,
    k: usize,
    scaling: f64,
    value: f64,
}

#[derive(Deserialize)]
struct Blobs {
    seeds: [u64; 2],
    n: usize,
    width: usize,
    k: usize,
    skews: [f64; 2],
    value: f64,
}

#[derive(Deserialize)]
struct Vendi {
    seed: u64,
    n: usize,
    width: usize,
    value: f64,
}

#[derive(Deserialize)]
struct Calibrated {
    seed: u64,
    n: usize,
    equal_width: Table,
    equal_mass: Table,
}

#[derive(Deserialize)]
struct Table {
    count: Vec<usize>,
    accuracy: Vec<f64>,
    confidence: Vec<f64>,
    error: f64,
}

#[derive(Deserialize)]
struct Paired {
    seed: u64,
    n: usize,
    p: f64,
    above: f64,
    low: f64,
    high: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixture/features.json")).unwrap()
}

fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected}");
}

#[test]
fn the_divergence_curve_is_mauve_text_s() {
    for Area { seed, k, scaling, value } in fixture().areas {
        let mut numbers: Vec<f64> = lcg(seed, 2 * k).into_iter().map(|x| x.powi(3)).collect();
        let (p, q) = numbers.split_at_mut(k);
        p.iter_mut().step_by(5).for_each(|x| *x = 0.0);
        q.iter_mut().skip(2).step_by(5).for_each(|x| *x = 0.0);
        for shares in [&mut *p, &mut *q] {
            let sum: f64 = shares.iter().sum();
            shares.iter_mut().for_each(|x| *x /= sum);
        }
        assert_near(divergence_area(p, q, scaling, 25), value, 1e-10);
    }
}

/// Documents around k of `width` axes.
fn blobs(seed: u64, n: usize, width: usize, k: usize, skew: f64) -> Vec<f32> {
    let mut rows = Vec::new();
    for numbers in lcg(seed, n * (width + 1)).chunks_exact(width + 1) {
        let cluster = ((numbers[0].powf(skew) * k as f64) as usize).min(k - 1);
        let mut row: Vec<f32> = numbers[1..].iter().map(|x| (0.05 * (x - 0.5)) as f32).collect();
        row[cluster] += 1.0;
        rows.extend(row);
    }
    rows
}

/// Clusters far apart are the same whoever finds them, so all of MAUVE is.
#[test]
fn mauve_is_mauve_text_s() {
    for Blobs { seeds, n, width, k, skews, value } in fixture().mauve {
        let human = blobs(seeds[0], n, width, k, skews[0]);
        let other = blobs(seeds[1], n, width, k, skews[1]);
        let settings = Mauve { buckets: Some(k), ..Mauve::default() };
        assert_near(mauve(&human, &other, width, &settings).unwrap(), value, 1e-9);
        // The same bits again.
        assert_eq!(mauve(&human, &other, width, &settings), mauve(&human, &other, width, &settings));
    }
}

#[test]
fn vendi_is_vendi_score_s() {
    for Vendi { seed, n, width, value } in fixture().vendi {
        let rows: Vec<f32> = lcg(seed, n * width).into_iter().map(|x| (x - 0.3) as f32).collect();
        assert_near(vendi(&rows, width).unwrap(), value, 1e-8 * value);
    }
}

#[test]
fn reliability_is_scikit_learn_s() {
    for Calibrated { seed, n, equal_width, equal_mass } in fixture().calibration {
        let pairs: Vec<(f64, bool)> = lcg(seed, 2 * n).chunks_exact(2).map(|x| (x[0].sqrt(), x[1] < x[0])).collect();
        let found = calibration(&pairs).unwrap();
        for (bins, expected) in [(&found.equal_width, &equal_width), (&found.equal_mass, &equal_mass)] {
            assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), expected.count);
            for (i, Bin { accuracy, confidence, .. }) in bins.iter().enumerate() {
                assert_near(*accuracy, expected.accuracy[i], 1e-12);
                assert_near(*confidence, expected.confidence[i], 1e-12);
            }
            assert_near(error(bins), expected.error, 1e-12);
        }
    }
}

#[test]
fn the_paired_t_test_is_scipy_s() {
    for Paired { seed, n, p, above, low, high } in fixture().paired {
        let pairs = lcg(seed, 2 * n).chunks_exact(2).map(|x| (x[0] + 0.2, x[1])).collect::<Vec<_>>();
        let sample = Sample::paired(pairs, Scale::Plain).unwrap();
        assert_near(sample.p(), p, 1e-9);
        assert_near(sample.above(0.0), above, 1e-9);
        let bounds = sample.bounds(0.95);
        assert_near(bounds.0, low, 1e-6 * low.abs());
        assert_near(bounds.1, high, 1e-6 * high.abs());
    }
}
