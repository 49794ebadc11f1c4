//! The backward kernels: a unit for a query, then a unit for a key and its value.
//!
//! With probabilities `P = exp(S - lse)`, `δ = Σ dO ∘ O` of a row and `dS = P ∘ (dO Vᵀ - δ)`: `dQ = dS K`, `dK = dSᵀ Q`, `dV = Pᵀ dO`
//! (Dao 2023), the scale of the scores in `Q`, rotations undone at the end.

use cubecl::prelude::*;

use super::tile::{Four, Plan, add, dot, give, load_keys, load_rows, nothing, own_row, row_sum, store_rows};

/// A document's start that no key reaches.
const NEVER: f32 = 1e9;

/// Gradient of the queries, and `delta` `[batch, heads, time]`.
#[cube(launch_unchecked)]
pub(super) fn queries_kernel(
    qkv: &[Four],
    starts: &[u32],
    rotary: &[Four],
    out: &[Four],
    lse: &[f32],
    d_out: &[Four],
    d_qkv: &mut [Four],
    delta: &mut [f32],
    batch: usize,
    scale: f32,
    #[comptime] plan: Plan,
) {
    let Plan { time, heads, kv_heads, head, tiles } = comptime!(plan);
    let blocks = comptime!(plan.blocks());
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
    let inside = position.min(comptime!(time - 1));
    let start = starts[window + inside] as usize;
    let saved = (window_index * heads + head_index) * time + inside;
    let total = lse[saved];
    let mut shared = Shared::<[Four]>::new_slice(comptime!(plan.shared()));
    let values = comptime!(plan.values());
    let (width, out_width) = comptime!((plan.qkv(), plan.width()));
    let own = head_index * head;

    let query = own_row(qkv, starts, rotary, &mut shared, window, first, own, scale, width, true, plan);
    sync_cube();
    let output = own_row(out, starts, rotary, &mut shared, window, first, own, 1.0, out_width, false, plan);
    sync_cube();
    let slope = own_row(d_out, starts, rotary, &mut shared, window, first, own, 1.0, out_width, false, plan);
    let mut along = Four::new(0.0);
    #[unroll]
    for i in 0..comptime!(plan.part()) {
        along = fma(slope[i], output[i], along);
    }
    let along = row_sum(crate::rows::total::<Const<4>>(along), plan);
    if part == 0 && position < time {
        delta[saved] = along;
    }

    let mut gradient = nothing(plan);
    let end = (first + comptime!(tiles.rows)).min(time);
    let mut key = starts[window + first] as usize;
    while key < end {
        sync_cube();
        load_keys(qkv, starts, rotary, &mut shared, window, key, kv_index, plan);
        sync_cube();
        for chunk in 0..comptime!(tiles.others / tiles.block) {
            let from = chunk * comptime!(tiles.block);
            if key + from <= position && key + from + comptime!(tiles.block) > start {
                #[unroll]
                for i in 0..tiles.block {
                    let at = key + from + i;
                    let score = dot(&query, &shared, 0usize, from + i, part, plan);
                    let gain = dot(&slope, &shared, values, from + i, part, plan);
                    let d_score = (score - total).exp() * (gain - along);
                    let d_score = select(at <= position && at >= start, d_score, 0.0);
                    add(&mut gradient, d_score, &shared, 0usize, from + i, part, plan);
                }
            }
        }
        key += comptime!(tiles.others);
    }

    sync_cube();
    give(&gradient, scale, &mut shared, row, part, plan);
    sync_cube();
    store_rows(&shared, d_qkv, starts, rotary, window, first, own, width, true, plan);
}

/// Gradients of the keys and values, summed over the query heads that they serve.
#[cube(launch_unchecked)]
pub(super) fn keys_kernel(
    qkv: &[Four],
    starts: &[u32],
    rotary: &[Four],
    lse: &[f32],
    delta: &[f32],
    d_out: &[Four],
    d_qkv: &mut [Four],
    batch: usize,
    scale: f32,
    #[comptime] plan: Plan,
) {
    let Plan { time, heads, kv_heads, head, tiles } = comptime!(plan);
    let blocks = comptime!(plan.blocks());
    let group = comptime!(heads / kv_heads);
    let kv_index = CUBE_POS % kv_heads;
    let block = CUBE_POS / kv_heads % blocks;
    let window_index = CUBE_POS / comptime!(kv_heads * blocks);
    if window_index >= batch {
        terminate!();
    }
    let window = window_index * time;
    let first = block * comptime!(tiles.rows);
    let row = UNIT_POS as usize / comptime!(tiles.split);
    let part = UNIT_POS as usize % comptime!(tiles.split);
    let position = first + row;
    let mut shared = Shared::<[Four]>::new_slice(comptime!(plan.shared()));
    // Of each query: log-sum-exp, delta, first position of its document.
    let mut about = Shared::<[Four]>::new_slice(tiles.others);
    let slopes = comptime!(plan.values());
    let (width, out_width) = comptime!((plan.qkv(), plan.width()));
    let key_column = (kv_index + heads) * head;
    let value_column = (kv_index + comptime!(heads + kv_heads)) * head;

    let key = own_row(qkv, starts, rotary, &mut shared, window, first, key_column, 1.0, width, true, plan);
    sync_cube();
    let value = own_row(qkv, starts, rotary, &mut shared, window, first, value_column, 1.0, width, false, plan);
    let mut d_key = nothing(plan);
    let mut d_value = nothing(plan);

    // The last key of the cube decides where queries of later documents begin.
    let last = (first + comptime!(tiles.rows - 1)).min(comptime!(time - 1));
    for member in 0..group {
        let head_index = kv_index * group + member;
        let saved = (window_index * heads + head_index) * time;
        let mut query = first;
        while query < time && starts[window + query.min(comptime!(time - 1))] as usize <= last {
            sync_cube();
            load_rows(
                qkv,
                starts,
                rotary,
                &mut shared,
                0usize,
                window,
                query,
                head_index * head,
                scale,
                tiles.others,
                width,
                head,
                true,
                plan,
            );
            load_rows(
                d_out,
                starts,
                rotary,
                &mut shared,
                slopes,
                window,
                query,
                head_index * head,
                1.0,
                tiles.others,
                out_width,
                head,
                false,
                plan,
            );
            let mut at = UNIT_POS as usize;
            while at < tiles.others {
                let mut facts = Four::new(NEVER);
                if query + at < time {
                    facts.insert(0usize, lse[saved + query + at]);
                    facts.insert(1usize, delta[saved + query + at]);
                    facts.insert(2usize, f32::cast_from(starts[window + query + at]));
                }
                about[at] = facts;
                at += comptime!(plan.units());
            }
            sync_cube();
            let own = f32::cast_from(position as u32);
            for chunk in 0..comptime!(tiles.others / tiles.block) {
                let from = chunk * comptime!(tiles.block);
                let facts = about[from];
                if query + from + comptime!(tiles.block) > position && facts.extract(2usize) <= own {
                    #[unroll]
                    for i in 0..tiles.block {
                        let facts = about[from + i];
                        let attends = query + from + i >= position && facts.extract(2usize) <= own;
                        let score = dot(&key, &shared, 0usize, from + i, part, plan);
                        let gain = dot(&value, &shared, slopes, from + i, part, plan);
                        let probability = select(attends, (score - facts.extract(0usize)).exp(), 0.0);
                        let d_score = probability * (gain - facts.extract(1usize));
                        add(&mut d_value, probability, &shared, slopes, from + i, part, plan);
                        add(&mut d_key, d_score, &shared, 0usize, from + i, part, plan);
                    }
                }
            }
            query += comptime!(tiles.others);
        }
    }

    sync_cube();
    give(&d_key, 1.0, &mut shared, row, part, plan);
    sync_cube();
    store_rows(&shared, d_qkv, starts, rotary, window, first, key_column, width, true, plan);
    sync_cube();
    give(&d_value, 1.0, &mut shared, row, part, plan);
    sync_cube();
    store_rows(&shared, d_qkv, starts, rotary, window, first, value_column, width, false, plan);
}
