//! Attention with documents' borders and grouped-query heads.

use super::formulas;
use super::harness::{Matrix, check};
use ops::{Attention, AttentionShape, attention};

pub(crate) fn shape(batch: usize, time: usize, heads: usize, kv_heads: usize, head_width: usize) -> AttentionShape {
    AttentionShape { batch, time, heads, kv_heads, head_width, theta: 10_000.0 }
}

/// Documents of these lengths one after the other, each window beginning at another of them.
pub(crate) fn starts(shape: AttentionShape, lengths: &[usize]) -> Vec<u32> {
    let mut all = Vec::new();
    for window in 0..shape.batch {
        let mut first = 0;
        for length in lengths.iter().cycle().skip(window) {
            let length = (*length).min(shape.time - first);
            all.extend(vec![first as u32; length]);
            first += length;
            if first == shape.time {
                break;
            }
        }
    }
    all
}

#[test]
fn attention_equals_its_formula() {
    let cases = [
        (shape(1, 1, 1, 1, 2), vec![1]),
        (shape(3, 1, 2, 1, 4), vec![1]),
        (shape(2, 7, 2, 2, 6), vec![3, 4, 2]),
        (shape(1, 17, 3, 1, 2), vec![17]),
        (shape(2, 13, 4, 2, 10), vec![1, 1, 5, 2]),
        (shape(1, 31, 2, 1, 8), vec![11, 3, 17]),
        (shape(3, 67, 6, 2, 14), vec![30, 1, 23, 40]),
        (shape(1, 129, 2, 2, 32), vec![129]),
        (shape(2, 130, 4, 1, 18), vec![97, 33]),
        // Widths that a GPU's kernel takes.
        (shape(1, 5, 1, 1, 8), vec![2, 3]),
        (shape(2, 37, 4, 2, 16), vec![9, 1, 14]),
        (shape(1, 70, 2, 1, 24), vec![41, 29]),
    ];
    for (shape, lengths) in cases {
        let starts = starts(shape, &lengths);
        check(
            &format!("{shape:?}"),
            &[Matrix::random(6, shape.batch * shape.time, shape.qkv_width()).times(2.0)],
            |x| formulas::attention(shape, &x[0], &starts),
            |x| attention(x[0].clone(), &Attention::new(shape, &starts, &x[0].device())),
        );
    }
}
