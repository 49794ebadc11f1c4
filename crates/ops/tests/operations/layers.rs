//! Products, norms, the gated activation: at one, at primes, around the vector's sixteen lanes, across the pieces that the
//! kernels cut.

use super::formulas;
use super::harness::{Matrix, check, linear};
use ops::{embedding, rms_norm, swiglu};

#[test]
fn linear_equals_its_formula() {
    for (tokens, inputs, outputs) in [(1, 1, 1), (2, 3, 1), (1, 17, 31), (13, 7, 5), (31, 16, 33), (67, 129, 257)] {
        check(
            &format!("linear {tokens} × {inputs} × {outputs}"),
            &[Matrix::random(1, tokens, inputs), Matrix::random(2, outputs, inputs)],
            |x| formulas::linear(&x[0], &x[1], inputs),
            |x| linear(x[0].clone(), x[1].clone()),
        );
    }
}

#[test]
fn rms_norm_equals_its_formula() {
    // Of one column little is left but epsilon, which has to be large for that to be more than rounding.
    for (tokens, width, epsilon) in [
        (1, 1, 0.5),
        (3, 1, 0.5),
        (1, 2, 1e-5),
        (7, 13, 1e-5),
        (5, 31, 0.1),
        (17, 33, 1e-5),
        (131, 67, 1e-5),
        (301, 128, 1e-6),
    ] {
        check(
            &format!("rms norm {tokens} × {width}"),
            &[Matrix::random(3, tokens, width).times(2.0), Matrix::random(4, 1, width)],
            |x| formulas::rms_norm(&x[0], &x[1], epsilon),
            |x| rms_norm(x[0].clone(), x[1].clone(), epsilon),
        );
    }
}

#[test]
fn swiglu_equals_its_formula() {
    for (tokens, hidden) in [(1, 1), (1, 7), (3, 16), (11, 17), (13, 31), (257, 53)] {
        check(
            &format!("swiglu {tokens} × {hidden}"),
            &[Matrix::random(5, tokens, 2 * hidden).times(6.0)],
            |x| formulas::swiglu(&x[0], hidden),
            |x| swiglu(x[0].clone()),
        );
    }
}

#[test]
fn embedding_gathers_rows_and_adds_their_gradients() {
    for (tokens, vocabulary, width) in [(1, 1, 1), (5, 3, 7), (300, 11, 12), (40, 97, 33)] {
        // Some ids are frequent, some do not occur.
        let ids: Vec<u32> = (0..tokens).map(|i| if i % 3 == 0 { 0 } else { (i * i % vocabulary) as u32 }).collect();
        check(
            &format!("embedding {tokens} of {vocabulary} × {width}"),
            &[Matrix::random(6, vocabulary, width)],
            |x| ids.iter().flat_map(|&id| &x[0][id as usize * width..][..width]).copied().collect(),
            |x| embedding(x[0].clone(), &ids),
        );
    }
}
