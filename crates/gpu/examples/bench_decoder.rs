//! Tokens a second of the GPU decoder, whole contexts, and the time of each part of a step; a JSON object a line.
//!
//! `bench_decoder [quick | parts | tiles | totals]...`; without an argument everything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use cubecl::prelude::*;
use cubecl::wgpu::WgpuDevice;
use gpu::decoder::{FAILED, GpuDecoder, Options, Passage, Stored, Tile, Turn};
use kernels::decoder::{DecoderConfig, DecoderWeights, LayerWeights};
use sampling::Sampling;

const SHAPES: [(&str, [usize; 6]); 4] = [
    ("tiny", [512, 64, 2, 4, 192, 64]),
    ("small", [2048, 128, 4, 4, 384, 128]),
    ("medium", [4096, 256, 6, 8, 768, 256]),
    ("large", [8192, 512, 8, 8, 1536, 256]),
];

fn config(name: &str) -> DecoderConfig {
    let (_, [vocab, width, layers, heads, hidden, context]) =
        SHAPES.into_iter().find(|(shape, _)| *shape == name).expect("a shape");
    let head_width = width / heads;
    DecoderConfig {
        vocab,
        width,
        layers,
        heads,
        kv_heads: heads,
        head_width,
        hidden,
        context,
        theta: 10_000.0,
        eps: 1e-5,
    }
}

/// Numbers in `[-scale, scale)`.
fn noise(seed: u64, n: usize, scale: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * scale
    };
    (0..n).map(|_| next()).collect()
}

fn decoder(client: &Client, config: DecoderConfig, options: Options) -> GpuDecoder {
    let DecoderConfig { vocab, width, layers, hidden, .. } = config;
    let ones = vec![1.0; width];
    let matrix = |seed, outputs: usize, inputs: usize| noise(seed, outputs * inputs, 1.0 / (inputs as f32).sqrt());
    let [q, k, v, o] = [1, 2, 3, 4].map(|seed| matrix(seed, width, width));
    let [gate, up, down] = [(5, hidden, width), (6, hidden, width), (7, width, hidden)]
        .map(|(s, outputs, inputs)| matrix(s, outputs, inputs));
    let embedding = noise(8, vocab * width, 0.2);
    let layer = LayerWeights {
        input_layernorm: &ones,
        q_proj: &q,
        k_proj: &k,
        v_proj: &v,
        o_proj: &o,
        post_attention_layernorm: &ones,
        gate_proj: &gate,
        up_proj: &up,
        down_proj: &down,
    };
    let weights = DecoderWeights { embed_tokens: &embedding, layers: vec![layer; layers], norm: &ones };
    GpuDecoder::new(client.clone(), config, &weights, options)
}

fn sync(client: &Client) {
    cubecl::future::block_on(client.sync()).expect("the device answers");
}

/// Advances every slot from position `from` by `blocks` blocks; the last tokens.
fn advance(decoder: &mut GpuDecoder, tokens: &mut [u32], from: usize, blocks: usize, steps: usize) {
    // Nothing ends before the context does.
    let (sampling, separator) = (Sampling::default(), u32::MAX - 9);
    let uniforms: Vec<f64> = noise(9, tokens.len() + steps, 0.5).iter().map(|&x| f64::from(x) + 0.5).collect();
    for block in 0..blocks {
        let position = from + block * steps;
        let turns: Vec<Turn<'_>> = tokens
            .iter()
            .enumerate()
            .map(|(slot, &token)| Passage { token, position, uniforms: &uniforms[slot..], prompt: &[] })
            .map(|now| Turn { now: Some(now), then: None })
            .collect();
        let written = decoder.advance(&turns, steps, &sampling, separator).expect("the device answers");
        for (slot, token) in tokens.iter_mut().enumerate() {
            *token = *written.ids(slot, 0).last().expect("a token");
            assert_ne!(*token, FAILED, "the logits are no distribution");
        }
    }
}

/// One line: what was tried, and what came out or what went wrong.
fn report(what: String, run: impl FnOnce() -> String) {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => println!("{{{what}, {result}}}"),
        Err(error) => {
            let text = error.downcast_ref::<String>().cloned().unwrap_or_else(|| "?".to_owned());
            println!("{{{what}, \"error\": {:?}}}", text.lines().next().unwrap_or_default());
        }
    }
}

fn name(stored: Stored) -> &'static str {
    if stored == Stored::Float32 { "f32" } else { "f16" }
}

fn options(slots: usize, cache: Stored, weights: Stored, tile: Tile) -> Options {
    Options { slots, cache, weights, tile }
}

/// A whole context for every slot, after one that warms up.
fn total(client: &Client, shape: &str, slots: usize, steps: usize, cache: Stored, weights: Stored, tile: Tile) {
    let what = format!(
        "\"op\": \"decode\", \"shape\": \"{shape}\", \"slots\": {slots}, \"steps\": {steps}, \"cache\": \"{}\", \"weights\": \"{}\", \"tile\": \"{}x{}x{}/{}x{}\"",
        name(cache),
        name(weights),
        tile.rows,
        tile.columns,
        tile.depth,
        tile.unit_rows,
        tile.unit_columns
    );
    report(what, || {
        let config = config(shape);
        let mut decoder = decoder(client, config, options(slots, cache, weights, tile));
        let mut tokens = vec![0; slots];
        advance(&mut decoder, &mut tokens, 0, 1, steps.min(4));
        sync(client);
        tokens.fill(0);
        let start = Instant::now();
        advance(&mut decoder, &mut tokens, 0, config.context / steps, steps);
        let seconds = start.elapsed().as_secs_f64();
        let positions = config.context / steps * steps;
        format!(
            "\"tokens_per_second\": {:.0}, \"ms_per_step\": {:.4}",
            (slots * positions) as f64 / seconds,
            seconds * 1e3 / positions as f64
        )
    });
}

/// Each part of a step alone, in the middle of the context.
fn parts(client: &Client, shape: &str, slots: usize, cache: Stored, weights: Stored, tile: Tile) {
    let config = config(shape);
    let decoder = catch_unwind(AssertUnwindSafe(|| {
        let mut decoder = decoder(client, config, options(slots, cache, weights, tile));
        let mut tokens = vec![0; slots];
        advance(&mut decoder, &mut tokens, config.context / 2, 1, 1);
        decoder
    }));
    let Ok(decoder) = decoder else {
        return println!("{{\"op\": \"parts\", \"shape\": \"{shape}\", \"error\": \"no decoder\"}}");
    };
    let DecoderConfig { vocab, width, hidden, context, .. } = config;
    let products = [
        ("project", 3 * width * width),
        ("output", width * width),
        ("gate", 2 * width * hidden),
        ("down", width * hidden),
        ("head", width * vocab),
        ("attend", 2 * width * (context / 2 + 1)),
    ];
    for (part, terms) in products {
        let what = format!(
            "\"op\": \"{part}\", \"shape\": \"{shape}\", \"slots\": {slots}, \"cache\": \"{}\", \"weights\": \"{}\", \"tile\": \"{}x{}x{}/{}x{}\"",
            name(cache),
            name(weights),
            tile.rows,
            tile.columns,
            tile.depth,
            tile.unit_rows,
            tile.unit_columns
        );
        report(what, || {
            decoder.enqueue(part);
            sync(client);
            let mut times: Vec<f64> = (0..10)
                .map(|_| {
                    let start = Instant::now();
                    (0..20).for_each(|_| decoder.enqueue(part));
                    sync(client);
                    start.elapsed().as_secs_f64() / 20.0
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let seconds = times[times.len() / 2];
            let bytes = if cache == Stored::Float32 { 4.0 } else { 2.0 };
            let rate = if part == "attend" {
                format!("\"gigabytes_per_second\": {:.0}", (slots * terms) as f64 * bytes / seconds / 1e9)
            } else {
                format!("\"teraflops\": {:.2}", (2 * slots * terms) as f64 / seconds / 1e12)
            };
            format!("\"ms\": {:.4}, {rate}", seconds * 1e3)
        });
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |what: &str| arguments.is_empty() || arguments.iter().any(|a| a == what);
    let client = cubecl::Device::Wgpu(WgpuDevice::default()).client();
    let hardware = &client.properties().hardware;
    println!(
        "{{\"runtime\": \"{}\", \"planes\": \"{}..{}\", \"shared_memory\": {}, \"units\": {}}}",
        client.name(),
        hardware.plane_size_min,
        hardware.plane_size_max,
        hardware.max_shared_memory_size,
        hardware.max_units_per_cube
    );
    let tile = |rows, columns, depth, unit_rows, unit_columns| Tile { rows, columns, depth, unit_rows, unit_columns };
    let tiles = [
        Tile::USUAL,
        tile(64, 64, 16, 4, 4),
        tile(32, 64, 16, 4, 4),
        tile(64, 64, 32, 8, 4),
        tile(64, 64, 16, 8, 8),
        tile(64, 128, 16, 8, 8),
        tile(128, 128, 8, 8, 8),
    ];
    let (f32, f16) = (Stored::Float32, Stored::Float16);
    if arguments.iter().any(|a| a == "quick") {
        parts(&client, "tiny", 64, f32, f32, Tile::USUAL);
        return total(&client, "tiny", 64, 4, f32, f32, Tile::USUAL);
    }
    if wanted("parts") {
        parts(&client, "small", 2048, f32, f32, Tile::USUAL);
        parts(&client, "small", 2048, f16, f16, Tile::USUAL);
        parts(&client, "large", 2048, f32, f32, Tile::USUAL);
    }
    if wanted("tiles") {
        for tile in &tiles[1..] {
            parts(&client, "small", 2048, f32, f32, *tile);
        }
        for tile in &tiles[3..] {
            parts(&client, "large", 2048, f32, f32, *tile);
        }
    }
    if wanted("totals") {
        for slots in [1024, 2048, 4096, 8192] {
            total(&client, "small", slots, 32, f32, f32, Tile::USUAL);
        }
        total(&client, "small", 4096, 32, f16, f32, Tile::USUAL);
        total(&client, "small", 4096, 32, f16, f16, Tile::USUAL);
        total(&client, "small", 2048, 128, f32, f32, Tile::USUAL);
        for slots in [1024, 2048, 4096, 8192] {
            total(&client, "medium", slots, 32, f32, f32, Tile::USUAL);
        }
        for slots in [1024, 2048, 4096] {
            total(&client, "large", slots, 32, f32, f32, Tile::USUAL);
        }
        // Keys and values of 8,192 slots would fill the device in float32.
        total(&client, "large", 8192, 32, f16, f32, Tile::USUAL);
    }
}
