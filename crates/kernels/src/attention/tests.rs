//! Attention against a plain `f64` reference and its finite differences.

use super::*;
use crate::testing::*;

const THETA: f64 = 10_000.0;

/// Output and log-sum-exp, one score at a time.
fn reference(shape: AttentionShape, qkv: &[f64], starts: &[u32]) -> (Vec<f64>, Vec<f64>) {
    let AttentionShape { batch, time, heads, kv_heads, head_width: d, theta: _ } = shape;
    let width = shape.qkv_width();
    let turned = |x: &[f64], p: usize| -> Vec<f64> {
        let half = d / 2;
        (0..d)
            .map(|i| {
                let angle = p as f64 * THETA.powf(-2.0 * (i % half) as f64 / d as f64);
                let partner = if i < half { -x[i + half] } else { x[i - half] };
                x[i] * angle.cos() + partner * angle.sin()
            })
            .collect()
    };
    let (mut out, mut lse) = (vec![0.0; batch * time * heads * d], vec![0.0; batch * heads * time]);
    for w in 0..batch {
        for h in 0..heads {
            let g = h * kv_heads / heads;
            for p in 0..time {
                let start = starts[w * time + p] as usize;
                let part = |p: usize, head: usize| &qkv[(w * time + p) * width + head * d..][..d];
                let query = turned(part(p, h), p - start);
                let scores: Vec<f64> = (start..=p)
                    .map(|j| inner(&query, &turned(part(j, heads + g), j - start)) / (d as f64).sqrt())
                    .collect();
                let largest = scores.iter().fold(f64::MIN, |a, &b| a.max(b));
                let total = largest + scores.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
                lse[(w * heads + h) * time + p] = total;
                for (j, score) in (start..=p).zip(scores) {
                    for (i, value) in part(j, heads + kv_heads + g).iter().enumerate() {
                        out[((w * time + p) * heads + h) * d + i] += (score - total).exp() * value;
                    }
                }
            }
        }
    }
    (out, lse)
}

/// Documents of the given lengths, one after the other, until the window is full.
fn starts(shape: AttentionShape, lengths: &[usize]) -> Vec<u32> {
    (0..shape.batch)
        .flat_map(|w| {
            let mut starts = Vec::new();
            for i in w.. {
                let first = starts.len() as u32;
                starts.extend(vec![first; lengths[i % lengths.len()]]);
                if starts.len() >= shape.time {
                    break;
                }
            }
            starts.truncate(shape.time);
            starts
        })
        .collect()
}

fn shape(batch: usize, time: usize, heads: usize, kv_heads: usize, head_width: usize) -> AttentionShape {
    AttentionShape { batch, time, heads, kv_heads, head_width, theta: THETA }
}

fn run(shape: AttentionShape, qkv: &[f32], starts: &[u32], d_out: &[f32]) -> [Vec<f32>; 3] {
    let rotary = Rotary::new(shape.time, shape.head_width, THETA);
    let rows = shape.batch * shape.time;
    let (mut out, mut lse) = (vec![7.0; rows * shape.width()], vec![7.0; rows * shape.heads]);
    forward(shape, qkv, starts, &rotary, &mut out, &mut lse);
    let mut d_qkv = vec![7.0; qkv.len()];
    backward(shape, qkv, starts, &rotary, &out, &lse, d_out, &mut d_qkv);
    [out, lse, d_qkv]
}

fn inputs(shape: AttentionShape) -> (Vec<f32>, Vec<f32>) {
    let rows = shape.batch * shape.time;
    let qkv = numbers(1, rows * shape.qkv_width()).iter().map(|x| 2.0 * x).collect();
    (qkv, numbers(2, rows * shape.width()))
}

#[test]
fn values_equal_the_reference() {
    let cases = [
        (shape(1, 1, 1, 1, 2), vec![1]),
        (shape(2, 7, 2, 1, 6), vec![3, 4, 2]),
        (shape(1, 64, 4, 4, 16), vec![64]),
        (shape(2, 97, 4, 2, 32), vec![40, 13, 1, 50]),
        (shape(1, 131, 6, 2, 40), vec![131]),
        (shape(2, 256, 2, 2, 64), vec![17, 100, 200]),
        (shape(1, 50, 2, 2, 90), vec![20, 30]),
    ];
    for (shape, lengths) in cases {
        let (starts, (qkv, d_out)) = (starts(shape, &lengths), inputs(shape));
        let [out, lse, _] = run(shape, &qkv, &starts, &d_out);
        let (want, want_lse) = reference(shape, &wide(&qkv), &starts);
        close(&format!("{shape:?} out"), &out, &want, 2e-6);
        close(&format!("{shape:?} lse"), &lse, &want_lse, 1e-6);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let cases = [
        (shape(1, 1, 1, 1, 2), vec![1]),
        (shape(2, 7, 2, 1, 6), vec![3, 4, 2]),
        (shape(1, 19, 2, 2, 8), vec![19]),
        (shape(1, 37, 3, 1, 4), vec![5, 1, 20, 11]),
        (shape(1, 18, 1, 1, 34), vec![11, 7]),
    ];
    for (shape, lengths) in cases {
        let (starts, (qkv, d_out)) = (starts(shape, &lengths), inputs(shape));
        let [_, _, d_qkv] = run(shape, &qkv, &starts, &d_out);
        let want = differences(&wide(&qkv), |x| inner(&reference(shape, x, &starts).0, &wide(&d_out)));
        close(&format!("{shape:?} d_qkv"), &d_qkv, &want, 1e-5);
    }
}

#[test]
fn a_document_is_the_same_wherever_it_lies() {
    let (packed, alone) = (shape(1, 45, 4, 2, 16), shape(1, 21, 4, 2, 16));
    let (qkv, d_out) = inputs(packed);
    let (from, width) = (24, packed.qkv_width());
    let [out, _, d_qkv] = run(packed, &qkv, &starts(packed, &[24, 21]), &d_out);
    let [out_alone, _, d_alone] =
        run(alone, &qkv[from * width..], &starts(alone, &[21]), &d_out[from * packed.width()..]);
    close("out", &out[from * packed.width()..], &wide(&out_alone), 1e-6);
    close("d_qkv", &d_qkv[from * width..], &wide(&d_alone), 1e-6);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let shape = shape(5, 83, 6, 3, 24);
    let (starts, (qkv, d_out)) = (starts(shape, &[30, 12, 60]), inputs(shape));
    same_bits_with_any_threads(|| run(shape, &qkv, &starts, &d_out).concat());
}

#[test]
#[should_panic(expected = "a document starts after its position")]
fn a_start_in_the_future_is_refused() {
    let shape = shape(1, 3, 1, 1, 2);
    let (qkv, d_out) = inputs(shape);
    run(shape, &qkv, &[0, 2, 2], &d_out);
}
