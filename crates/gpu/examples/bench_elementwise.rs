//! Times every kernel but the matrix products at the shapes of the presets, one JSON object a line.
//!
//! `bench_elementwise [test]`: with `test`, tiny shapes, for a software device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use cubecl::__private::Runtime;
use cubecl::features::Plane;
use cubecl::prelude::*;
use cubecl::server::Handle;
use cubecl::wgpu::{WgpuDevice, WgpuRuntime, WgslCompiler};
use gpu::adamw::{self, Parameter, State};
use gpu::attention::{self, Rotary, Tiles};
use gpu::embedding::{self, Segments};
use gpu::{rms_norm, swiglu};
use kernels::spec::{AdamWConfig, AttentionShape};

#[derive(Clone, Copy)]
struct Preset {
    name: &'static str,
    batch: usize,
    time: usize,
    vocabulary: usize,
    width: usize,
    layers: usize,
    heads: usize,
    hidden: usize,
}

const PRESETS: [Preset; 2] = [
    Preset { name: "small", batch: 512, time: 128, vocabulary: 2048, width: 128, layers: 4, heads: 4, hidden: 384 },
    Preset { name: "large", batch: 128, time: 256, vocabulary: 8192, width: 512, layers: 8, heads: 8, hidden: 1536 },
];
const TEST: [Preset; 1] =
    [Preset { name: "test", batch: 2, time: 64, vocabulary: 50, width: 64, layers: 1, heads: 4, hidden: 48 }];

/// What a timing says: the bytes that must move, the operations.
#[derive(Clone, Copy, Default)]
struct Work {
    bytes: f64,
    flops: f64,
}

struct Bench {
    client: Client,
    preset: Preset,
    quick: bool,
}

impl Bench {
    fn wait(&self) {
        cubecl::future::block_on(self.client.sync()).expect("the device answers");
    }

    /// Median over rounds of `n` launches and one wait; a panic becomes a line of its own.
    fn time(&self, op: &str, variant: &str, work: Work, run: impl Fn() -> Handle) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            let started = Instant::now();
            let result = run();
            // A kernel that did not compile is reported by what reads its buffers.
            if let Err(error) = cubecl::future::block_on(self.client.sync_buffers([&result])) {
                panic!("{error}");
            }
            let compiled = started.elapsed().as_secs_f64();
            run();
            self.wait();
            let (rounds, launches) = if self.quick { (3, 1) } else { (11, 10) };
            let mut times: Vec<f64> = (0..rounds)
                .map(|_| {
                    let started = Instant::now();
                    for _ in 0..launches {
                        run();
                    }
                    self.wait();
                    started.elapsed().as_secs_f64() / f64::from(launches)
                })
                .collect();
            times.sort_by(f64::total_cmp);
            (times[times.len() / 2], compiled)
        }));
        let Preset { name, batch, time, .. } = self.preset;
        match result {
            Ok((seconds, compiled)) => println!(
                r#"{{"op":"{op}","preset":"{name}","batch":{batch},"time":{time},"variant":"{variant}","ms":{:.4},"gb_s":{:.0},"tflop_s":{:.2},"first_ms":{:.0}}}"#,
                seconds * 1e3,
                work.bytes / seconds * 1e-9,
                work.flops / seconds * 1e-12,
                compiled * 1e3,
            ),
            Err(panic) => {
                let text =
                    panic.downcast_ref::<String>().cloned().or(panic.downcast_ref::<&str>().map(|s| s.to_string()));
                println!(
                    r#"{{"op":"{op}","preset":"{name}","variant":"{variant}","failed":{:?}}}"#,
                    text.unwrap_or_default()
                );
            }
        }
    }

    fn error(&self, op: &str, got: &Handle, want: &[f32]) {
        let bytes = self.client.read_one_unchecked(got.clone());
        let got = f32::from_bytes(&bytes);
        let scale = want.iter().fold(1e-9f32, |a, x| a.max(x.abs()));
        let error = got
            .iter()
            .zip(want)
            .fold(0.0f32, |a, (g, w)| if (g - w).is_nan() { f32::NAN } else { a.max((g - w).abs()) });
        println!(r#"{{"check":"{op}","preset":"{}","error":"{:e}"}}"#, self.preset.name, error / scale);
    }

    fn upload(&self, numbers: &[f32]) -> Handle {
        self.client.create_from_slice(f32::as_bytes(numbers))
    }
}

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

fn norms(b: &Bench) {
    let Preset { batch, time, width, .. } = b.preset;
    let (rows, n) = (batch * time, batch * time * width);
    let (x, r, w, dy) = (numbers(1, n), numbers(2, n), numbers(3, width), numbers(4, n));
    let [dx, dr, dw, ddy] = [&x, &r, &w, &dy].map(|host| b.upload(host));
    let moved = |matrices: usize| Work { bytes: (matrices * n * 4) as f64, flops: 0.0 };
    let shape = [rows, width];
    b.time("rms_norm", "", moved(2), || rms_norm::forward(&b.client, &dx, None, &dw, 1e-5, shape).y);
    b.time("rms_norm", "residual", moved(4), || rms_norm::forward(&b.client, &dx, Some(&dr), &dw, 1e-5, shape).y);
    b.time("rms_norm_backward", "", moved(3), || rms_norm::backward(&b.client, &dx, &dw, 1e-5, &ddy, None, shape).dx);
    b.time("rms_norm_backward", "upstream", moved(4), || {
        rms_norm::backward(&b.client, &dx, &dw, 1e-5, &ddy, Some(&dr), shape).dx
    });
    let (mut y, mut gx, mut gw) = (vec![0.0; n], vec![0.0; n], vec![0.0; width]);
    kernels::rms_norm::forward(&x, &w, 1e-5, &mut y);
    kernels::rms_norm::backward(&x, &w, 1e-5, &dy, Some(&r), &mut gx, &mut gw);
    b.error("rms_norm", &rms_norm::forward(&b.client, &dx, None, &dw, 1e-5, shape).y, &y);
    let got = rms_norm::backward(&b.client, &dx, &dw, 1e-5, &ddy, Some(&dr), shape);
    b.error("rms_norm_backward dx", &got.dx, &gx);
    b.error("rms_norm_backward dweight", &got.dweight, &gw);
}

fn gates(b: &Bench) {
    let Preset { batch, time, hidden, .. } = b.preset;
    let (rows, n) = (batch * time, batch * time * hidden);
    let (gate_up, dy) = (numbers(1, 2 * n), numbers(2, n));
    let [dg, ddy] = [&gate_up, &dy].map(|host| b.upload(host));
    let moved = |matrices: usize| Work { bytes: (matrices * n * 4) as f64, flops: 0.0 };
    b.time("swiglu", "", moved(3), || swiglu::forward(&b.client, &dg, [rows, hidden]));
    b.time("swiglu_backward", "", moved(5), || swiglu::backward(&b.client, &dg, &ddy, [rows, hidden]));
    let (mut y, mut d) = (vec![0.0; n], vec![0.0; 2 * n]);
    kernels::swiglu::forward(&gate_up, hidden, &mut y);
    kernels::swiglu::backward(&gate_up, hidden, &dy, &mut d);
    b.error("swiglu", &swiglu::forward(&b.client, &dg, [rows, hidden]), &y);
    b.error("swiglu_backward", &swiglu::backward(&b.client, &dg, &ddy, [rows, hidden]), &d);
}

/// Ids as skewed as a text's: a cube of uniform numbers makes about a tenth of them the most frequent id.
fn embeddings(b: &Bench) {
    let Preset { batch, time, vocabulary, width, .. } = b.preset;
    let rows = batch * time;
    let ids: Vec<u32> = numbers(1, rows).iter().map(|x| ((x * 0.5 + 0.5).powi(3) * vocabulary as f32) as u32).collect();
    let (table, dy) = (numbers(2, vocabulary * width), numbers(3, rows * width));
    let [dt, ddy] = [&table, &dy].map(|host| b.upload(host));
    let dids = b.client.create_from_slice(u32::as_bytes(&ids));
    let moved = |matrices: usize| Work { bytes: (matrices * rows * width * 4) as f64, flops: 0.0 };
    b.time("embedding", "", moved(1), || embedding::forward(&b.client, &dt, &dids, rows, [vocabulary, width]));
    let started = Instant::now();
    let segments = Segments::new(&ids, vocabulary);
    println!(
        r#"{{"op":"segments","preset":"{}","host_ms":{:.3}}}"#,
        b.preset.name,
        started.elapsed().as_secs_f64() * 1e3
    );
    let device = segments.upload(&b.client);
    let gradient = b.upload(&vec![0.0; vocabulary * width]);
    b.time("embedding_backward", "", moved(1), || {
        embedding::backward(&b.client, &device, &ddy, width, &gradient);
        gradient.clone()
    });
    let mut want = vec![0.0f64; vocabulary * width];
    for (&id, dy) in ids.iter().zip(dy.chunks_exact(width)) {
        for (want, &dy) in want[id as usize * width..].iter_mut().zip(dy) {
            *want += f64::from(dy);
        }
    }
    let gradient = b.upload(&vec![0.0; vocabulary * width]);
    embedding::backward(&b.client, &device, &ddy, width, &gradient);
    b.error("embedding_backward", &gradient, &want.iter().map(|&x| x as f32).collect::<Vec<_>>());
}

fn optimizer(b: &Bench) {
    let Preset { vocabulary, width, layers, hidden, .. } = b.preset;
    let layer = [3 * width * width, width * width, 3 * width * hidden, width, width];
    let lengths: Vec<usize> =
        [vocabulary * width].into_iter().chain((0..layers).flat_map(|_| layer)).chain([width]).collect();
    let n: usize = lengths.iter().sum();
    let tensors: Vec<Parameter> = lengths
        .iter()
        .enumerate()
        .map(|(i, &len)| Parameter {
            p: b.upload(&numbers(i as u64, len)),
            g: b.upload(&numbers(1 + i as u64, len)),
            m: b.upload(&vec![0.0; len]),
            v: b.upload(&vec![0.0; len]),
            len,
            decays: len > width,
        })
        .collect();
    let config = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
    let state = State::new(&b.client, 0);
    let work = Work { bytes: (n * 4 * 8) as f64, flops: 0.0 };
    let variant = format!("{} tensors, {n} parameters", tensors.len());
    b.time("adamw", &variant, work, || {
        adamw::step(&b.client, &config, &state, &tensors, 1.0, 1e-3);
        tensors[0].p.clone()
    });
    println!(r#"{{"check":"adamw","preset":"{}","report":"{:?}"}}"#, b.preset.name, state.read(&b.client));
}

fn attentions(b: &Bench, planes: bool, documents: usize) {
    let Preset { batch, time, width, heads, .. } = b.preset;
    let theta = 1e4;
    let shape = AttentionShape { batch, time, heads, kv_heads: heads, head_width: width / heads, theta };
    let rows = batch * time;
    let (qkv, d_out) = (numbers(1, rows * shape.qkv_width()), numbers(2, rows * width));
    let length = time.div_ceil(documents);
    let starts: Vec<u32> = (0..rows).map(|i| (i % time / length * length) as u32).collect();
    let [dq, dd] = [&qkv, &d_out].map(|host| b.upload(host));
    let ds = b.client.create_from_slice(u32::as_bytes(&starts));
    let rotary = Rotary::new(&b.client, time, shape.head_width, theta);
    // Multiply-adds of a product for every pair of positions that attend, as flops.
    let product =
        (batch * heads * shape.head_width * 2) as f64 * (0..time).map(|p| (p % length + 1) as f64).sum::<f64>();
    let work = |matrices: usize, products: f64| Work {
        bytes: (matrices * rows * width * 4) as f64,
        flops: products * product,
    };

    let usual = [Tiles::forward(shape, planes), Tiles::queries(shape, planes), Tiles::keys(shape, planes)];
    let saved = attention::forward(&b.client, shape, &dq, &ds, &rotary);
    let forward = |tiles: Tiles| {
        b.time("attention", &format!("documents {documents} {}", cut(tiles)), work(4, 2.0), || {
            attention::forward_with(&b.client, shape, &dq, &ds, &rotary, tiles).out
        });
    };
    let backward = |tiles: [Tiles; 2]| {
        let variant = format!("documents {documents} queries {} keys {}", cut(tiles[0]), cut(tiles[1]));
        b.time("attention_backward", &variant, work(8, 5.0), || {
            attention::backward_with(&b.client, shape, &dq, &ds, &rotary, &saved, &dd, tiles)
        });
    };
    forward(usual[0]);
    backward([usual[1], usual[2]]);
    let started = Instant::now();
    for tiles in variants(b, shape.head_width, planes, documents) {
        if started.elapsed().as_secs_f64() > SECONDS {
            println!(r#"{{"left_out":"{}","preset":"{}"}}"#, cut(tiles), b.preset.name);
            continue;
        }
        forward(tiles);
        backward([tiles, usual[2]]);
        backward([usual[1], tiles]);
    }
    // The first windows against the processor's.
    let few = batch.min(4);
    let (rows, host) = (few * time, AttentionShape { batch: few, ..shape });
    let table = kernels::attention::Rotary::new(time, shape.head_width, theta);
    let (qkv, starts, d_out) = (&qkv[..rows * shape.qkv_width()], &starts[..rows], &d_out[..rows * width]);
    let (mut out, mut lse, mut d_qkv) = (vec![0.0; rows * width], vec![0.0; rows * heads], vec![0.0; qkv.len()]);
    kernels::attention::forward(host, qkv, starts, &table, &mut out, &mut lse);
    kernels::attention::backward(host, qkv, starts, &table, &out, &lse, d_out, &mut d_qkv);
    let saved = attention::forward(&b.client, shape, &dq, &ds, &rotary);
    b.error("attention", &saved.out, &out);
    b.error("attention lse", &saved.lse, &lse);
    let got = attention::backward(&b.client, shape, &dq, &ds, &rotary, &saved, &dd);
    b.error("attention_backward", &got, &d_qkv);
}

/// Seconds for the other cuts of attention, for each preset.
const SECONDS: f64 = 15.0;

/// Other cuts than the usual ones: rows, units of a row, rows of the other side in shared memory and at once.
fn variants(b: &Bench, head_width: usize, planes: bool, documents: usize) -> Vec<Tiles> {
    if b.quick || documents > 1 {
        return Vec::new();
    }
    let cuts = if head_width > 32 {
        [(64, 2, 32, 4), (128, 1, 32, 4), (64, 4, 32, 4), (64, 1, 32, 4), (128, 2, 32, 8), (128, 2, 32, 2)]
    } else {
        [(128, 1, 64, 8), (64, 1, 64, 4), (128, 2, 64, 4), (64, 2, 64, 4), (128, 1, 32, 4), (128, 1, 64, 2)]
    };
    cuts.into_iter()
        .filter(|&(_, split, ..)| planes || split == 1)
        .map(|(rows, split, others, block)| Tiles { rows, split, others, block })
        .collect()
}

fn cut(Tiles { rows, split, others, block }: Tiles) -> String {
    format!("{rows}/{split}x{others}/{block}")
}

fn main() {
    let quick = std::env::args().nth(1).is_some_and(|it| it == "test");
    let device = WgpuDevice::default();
    // Cubecl's SPIR-V does not do shared memory on software devices.
    let client =
        if quick { WgpuRuntime::<WgslCompiler>::client(&device) } else { cubecl::Device::Wgpu(device).client() };
    let hardware = &client.properties().hardware;
    let planes = client.features().plane.contains(Plane::Ops)
        && hardware.plane_size_min == hardware.plane_size_max
        && hardware.plane_size_min.is_multiple_of(32);
    println!(
        r#"{{"device":"{}","planes":{planes},"plane_features":"{:?}","plane_size":[{},{}],"shared":{},"units":{},"bindings":{},"cmma":"{:?}"}}"#,
        client.name(),
        client.features().plane,
        hardware.plane_size_min,
        hardware.plane_size_max,
        hardware.max_shared_memory_size,
        hardware.max_units_per_cube,
        hardware.max_bindings,
        client.features().matmul.cmma,
    );
    for preset in if quick { &TEST[..] } else { &PRESETS[..] } {
        let b = Bench { client: client.clone(), preset: *preset, quick };
        b.time("nothing", "wait only", Work::default(), || b.upload(&[0.0]));
        let little = b.upload(&[1.0; 8]);
        b.time("launch", "4 elements", Work::default(), || swiglu::forward(&client, &little, [1, 4]));
        norms(&b);
        gates(&b);
        embeddings(&b);
        optimizer(&b);
        for documents in [1, 3] {
            attentions(&b, planes, documents);
        }
    }
}
