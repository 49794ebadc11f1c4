//! Products of 16 bits: those of the rounded numbers, in value and in both gradients, on every device that has kernels of ours.

use super::harness::{Matrix, fused, numbers, run};
use half::{bf16, f16};
use ops::Precision;

/// As the number's own definition rounds.
fn rounded(precision: Precision, x: &[f32]) -> Vec<f64> {
    let round = |&x: &f32| match precision {
        Precision::Float32 => f64::from(x),
        Precision::Bfloat16 => bf16::from_f32(x).to_f64(),
        Precision::Float16 => f16::from_f32(x).to_f64(),
    };
    x.iter().map(round).collect()
}

/// `a b`, `[n, k]` and `[k, m]`, each given by its element.
fn product(n: usize, k: usize, m: usize, a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let element = |i: usize| (0..k).map(|l| a(i / m, l) * b(l, i % m)).sum();
    (0..n * m).map(element).collect()
}

#[test]
fn products_see_rounded_numbers() {
    for (tokens, inputs, outputs) in [(1, 16, 16), (13, 7, 5), (31, 16, 33), (67, 129, 96)] {
        let matrices = [Matrix::random(1, tokens, inputs), Matrix::random(2, outputs, inputs)];
        let upstream = numbers(77, tokens * outputs);
        for precision in [Precision::Bfloat16, Precision::Float16] {
            let [x, w] = [0, 1].map(|i: usize| rounded(precision, &matrices[i].values));
            let dy = rounded(precision, &upstream);
            let expected = [
                product(tokens, inputs, outputs, |i, l| x[i * inputs + l], |l, j| w[j * inputs + l]),
                product(tokens, outputs, inputs, |i, l| dy[i * outputs + l], |l, j| w[l * inputs + j]),
                product(outputs, tokens, inputs, |i, l| dy[l * outputs + i], |l, j| x[l * inputs + j]),
            ];
            for device in fused() {
                let found = run(&device, &matrices, &upstream, |m| ops::linear(m[0].clone(), m[1].clone(), precision));
                for (what, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let scale = expected.iter().fold(1e-3, |most: f64, x| most.max(x.abs()));
                    for (found, expected) in found.iter().zip(expected) {
                        let off = (f64::from(*found) - expected).abs();
                        assert!(off <= 2e-6 * scale, "{precision:?}, {device:?}, part {what}: {found} for {expected}");
                    }
                }
            }
        }
    }
}
