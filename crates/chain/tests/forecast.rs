//! Forecasts against published curves and against direct sums. The suite holds them against the loop.

use chain::forecast::{Forecast, ForecastError, Frequencies, Level};
use chain::laws::{self, Human, Regime};

/// Support over the human sample's, generation by generation (Suresh, Thangaraj and Khandavally 2025; read off a
/// figure): a thousand types, a thousand draws.
#[test]
fn published_curves_of_zipf_and_mandelbrot() {
    for (exponent, offset, curve) in [
        (1.0, 2.7, [1.0, 0.757, 0.62, 0.53, 0.465, 0.415, 0.38, 0.347, 0.322, 0.30]),
        (2.0, 5.0, [1.0, 0.79, 0.68, 0.605, 0.55, 0.505, 0.47, 0.44, 0.415, 0.395]),
    ] {
        let words = Frequencies::zipf(exponent, offset, 1000).unwrap();
        let forecast = Forecast::new(&words, 1000.0, Regime::Replace).unwrap();
        let first = forecast.generation(0).types;
        for (generation, published) in curve.into_iter().enumerate() {
            let share = forecast.generation(generation as u32).types / first;
            assert!((share - published).abs() < 0.01, "{exponent} {generation}: {share} {published}");
        }
    }
}

/// Poisson's counts, the entropy summed term by term.
#[test]
fn the_entropy_of_the_human_sample_is_its_sum() {
    let words = Frequencies::zipf(1.2, 1.0, 300).unwrap();
    let n = 500.0;
    let of_type = |p: f64| {
        let (mut sum, mut weight) = (0.0, (-n * p).exp());
        for count in 0..700 {
            let count = f64::from(count);
            sum += if count > 0.0 { weight * count * count.ln() } else { 0.0 };
            weight *= n * p / (count + 1.0);
        }
        sum
    };
    let direct = n.ln() - words.sum(of_type) / n + 1.0 / (2.0 * n);
    let found = Forecast::new(&words, n, Regime::Replace).unwrap().generation(0).entropy;
    assert!((found - direct).abs() < 1e-8, "{found} {direct}");
}

#[test]
fn grouped_forecasts_are_those_of_all_types() {
    let (all, words) = (laws::zipf(1.0, 2.7, 1_000_000), Frequencies::zipf(1.0, 2.7, 1_000_000).unwrap());
    for draws in [1e5, 1e7] {
        for regime in [Regime::Replace, Regime::Mixture(Human::Pool, 0.1)] {
            let expected = Forecast::new(&words, draws, regime).unwrap().generation(5);
            let types: f64 = all.iter().rev().map(|&p| laws::survival(regime, draws, p, 5)).sum();
            let missing: f64 = all.iter().rev().map(|&p| p * (1.0 - laws::survival(regime, draws, p, 5))).sum();
            assert!((expected.types / types - 1.0).abs() < 1e-3, "{} {types}", expected.types);
            assert!((expected.missing_mass / missing - 1.0).abs() < 1e-3, "{} {missing}", expected.missing_mass);
        }
    }
}

#[test]
fn the_share_that_holds_a_level_holds_it_and_no_more() {
    let words = Frequencies::zipf(1.0, 2.7, 100_000).unwrap();
    let alone = Forecast::new(&words, 1e6, Regime::Replace).unwrap();
    for level in [Level::Types, Level::Mass, Level::Entropy] {
        let value = |expected: chain::forecast::Expected| match level {
            Level::Types => expected.types,
            Level::Mass => 1.0 - expected.missing_mass,
            Level::Entropy => expected.entropy,
        };
        let first = value(alone.generation(0));
        let hold = (1.0 + value(alone.generation(9)) / first) / 2.0;
        for human in Human::ALL {
            let share = alone.human_share(human, level, hold, 9).unwrap();
            let at =
                |share| value(Forecast::new(&words, 1e6, Regime::Mixture(human, share)).unwrap().generation(9)) / first;
            assert!(at(share) >= hold && at(share - 1e-4) < hold, "{level:?} {human:?} {share}");
            // It rises with the share, or bisection would not find the least.
            let levels: Vec<f64> = (0..=20).map(|step| at(f64::from(step) / 20.0)).collect();
            assert!(levels.is_sorted(), "{level:?} {human:?}: {levels:?}");
        }
    }
    assert_eq!(alone.human_share(Human::Pool, Level::Types, 0.0, 9), Ok(0.0));
    assert_eq!(alone.human_share(Human::Pool, Level::Types, 1.5, 9), Err(ForecastError::Share { share: 1.5 }));
}

#[test]
fn what_has_no_meaning_is_refused() {
    let words = Frequencies::zipf(1.0, 0.0, 10).unwrap();
    for draws in [0.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Forecast::new(&words, draws, Regime::Replace), Err(ForecastError::Draws { .. })));
    }
    let share = Regime::Mixture(Human::Fresh, -0.1);
    assert_eq!(Forecast::new(&words, 10.0, share).unwrap_err(), ForecastError::Share { share: -0.1 });
}

/// A chain at web scale, in a moment and with sensible numbers.
#[test]
fn web_scale() {
    let words = Frequencies::zipf(1.0, 2.7, 1_000_000_000).unwrap();
    let forecast = Forecast::new(&words, 1e12, Regime::Replace).unwrap();
    let generations: Vec<_> = (0..10).map(|generation| forecast.generation(generation)).collect();
    assert!(generations.is_sorted_by(|a, b| a.types > b.types && a.entropy > b.entropy));
    assert!(generations[0].types > 0.99e9 && generations[0].entropy < words.entropy());
    // Of a trillion draws, a thousand a type, the loss of entropy is that of frequent types: a half for each type and
    // draw.
    let lost = words.entropy() - generations[0].entropy;
    assert!((lost / (1e9 / 2e12) - 1.0).abs() < 0.1, "{lost}");
}
