//! Attention against the processor's, which is tested against `f64` formulas.

use super::*;
use crate::testing::*;

const THETA: f64 = 10_000.0;

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

/// Output, log-sum-exp and gradient, on the processor.
fn processors(shape: AttentionShape, qkv: &[f32], starts: &[u32], d_out: &[f32]) -> [Vec<f32>; 3] {
    let rotary = kernels::attention::Rotary::new(shape.time, shape.head_width, THETA);
    let (mut out, mut lse) = (vec![0.0; d_out.len()], vec![0.0; shape.heads * shape.rows()]);
    kernels::attention::forward(shape, qkv, starts, &rotary, &mut out, &mut lse);
    let mut d_qkv = vec![0.0; qkv.len()];
    kernels::attention::backward(shape, qkv, starts, &rotary, &out, &lse, d_out, &mut d_qkv);
    [out, lse, d_qkv]
}

fn check(client: &Client, shape: AttentionShape, lengths: &[usize], tiles: [Tiles; 3]) {
    let starts = starts(shape, lengths);
    let qkv: Vec<f32> = numbers(1, shape.rows() * shape.qkv_width()).iter().map(|x| 2.0 * x).collect();
    let d_out = numbers(2, shape.rows() * shape.width());
    let [out, lse, d_qkv] = processors(shape, &qkv, &starts, &d_out);
    let rotary = Rotary::new(client, shape.time, shape.head_width, THETA);
    let [qkv, d_out] = [&qkv, &d_out].map(|host| upload(client, host));
    let starts = client.create_from_slice(u32::as_bytes(&starts));
    let [tiles, backward @ ..] = tiles;
    let got = forward_with(client, shape, &qkv, &starts, &rotary, tiles);
    close(&format!("{shape:?} out"), &download(client, &got.out), &out, 2e-6);
    close(&format!("{shape:?} lse"), &download(client, &got.lse), &lse, 1e-6);
    let got = backward_with(client, shape, &qkv, &starts, &rotary, &got, &d_out, backward);
    close(&format!("{shape:?} d_qkv"), &download(client, &got), &d_qkv, 4e-6);
}

#[test]
fn attention_equals_the_processors() {
    let Some(client) = device() else { return };
    let cases = [
        (shape(1, 1, 1, 1, 8), vec![1]),
        (shape(2, 7, 2, 1, 8), vec![3, 4, 2]),
        (shape(2, 97, 4, 2, 32), vec![40, 13, 1, 50]),
        (shape(1, 131, 3, 1, 24), vec![131]),
        (shape(1, 100, 2, 2, 64), vec![17, 100]),
    ];
    let planes = planes(&client);
    for (shape, lengths) in cases {
        let tiles = [Tiles::forward(shape, planes), Tiles::queries(shape, planes), Tiles::keys(shape, planes)];
        check(&client, shape, &lengths, tiles);
    }
}

#[test]
fn every_cut_gives_the_same() {
    let Some(client) = device() else { return };
    let shape = shape(2, 70, 2, 1, 16);
    for (rows, others, block) in [(32, 8, 8), (64, 64, 2)] {
        check(&client, shape, &[30, 9, 40], [Tiles { rows, split: 1, others, block }; 3]);
    }
    if planes(&client) {
        check(&client, shape, &[30, 9, 40], [Tiles { rows: 32, split: 2, others: 16, block: 4 }; 3]);
    }
}
