//! The forward kernel: a unit for a query.

use cubecl::prelude::*;

use super::tile::{Four, Plan, add, dot, give, load_keys, nothing, own_row, store_rows};

/// Below every score.
const LOWEST: f32 = -1e30;

#[cube(launch_unchecked)]
pub(super) fn forward_kernel(
    qkv: &[Four],
    starts: &[u32],
    rotary: &[Four],
    out: &mut [Four],
    lse: &mut [f32],
    batch: usize,
    scale: f32,
    #[comptime] plan: Plan,
) {
    let Plan { time, heads, kv_heads, head, tiles } = comptime!(plan);
    let blocks = comptime!(plan.blocks());
    // Neighbouring cubes read neighbouring columns; late blocks, which have the most keys, come first.
    let head_index = CUBE_POS % heads;
    let block = comptime!(blocks - 1) - CUBE_POS / heads % blocks;
    let window_index = CUBE_POS / comptime!(heads * blocks);
    if window_index >= batch {
        terminate!();
    }
    let window = window_index * time;
    let kv_index = head_index / comptime!(heads / kv_heads);
    let first = block * comptime!(tiles.rows);
    let row = UNIT_POS as usize / comptime!(tiles.split);
    let part = UNIT_POS as usize % comptime!(tiles.split);
    let position = first + row;
    let start = starts[window + position.min(comptime!(time - 1))] as usize;
    let mut shared = Shared::<[Four]>::new_slice(comptime!(plan.shared()));
    let values = comptime!(plan.values());
    let width = comptime!(plan.qkv());

    let query = own_row(qkv, starts, rotary, &mut shared, window, first, head_index * head, scale, width, true, plan);
    let mut sum = nothing(plan);
    let mut weight = 0.0f32;
    let mut largest = LOWEST.runtime();

    let end = (first + comptime!(tiles.rows)).min(time);
    let mut key = starts[window + first] as usize;
    while key < end {
        sync_cube();
        load_keys(qkv, starts, rotary, &mut shared, window, key, kv_index, plan);
        sync_cube();
        for chunk in 0..comptime!(tiles.others / tiles.block) {
            let from = chunk * comptime!(tiles.block);
            if key + from <= position && key + from + comptime!(tiles.block) > start {
                let mut scores = Array::<f32>::new(tiles.block);
                let before = largest;
                #[unroll]
                for i in 0..tiles.block {
                    let score = dot(&query, &shared, 0usize, from + i, part, plan);
                    let at = key + from + i;
                    scores[i] = select(at <= position && at >= start, score, LOWEST);
                    largest = largest.max(scores[i]);
                }
                let fade = (before - largest).exp();
                weight *= fade;
                #[unroll]
                for i in 0..comptime!(plan.part()) {
                    sum[i] = sum[i] * Four::new(fade);
                }
                #[unroll]
                for i in 0..tiles.block {
                    // Exactly 0 for a score of `LOWEST`: `largest` is a true score, as one key of the block is attended to.
                    let probability = (scores[i] - largest).exp();
                    weight += probability;
                    add(&mut sum, probability, &shared, values, from + i, part, plan);
                }
            }
        }
        key += comptime!(tiles.others);
    }

    sync_cube();
    give(&sum, 1.0 / weight, &mut shared, row, part, plan);
    sync_cube();
    store_rows(&shared, out, starts, rotary, window, first, head_index * head, comptime!(plan.width()), false, plan);
    if part == 0 && position < time {
        lse[(window_index * heads + head_index) * time + position] = largest + weight.ln();
    }
}
