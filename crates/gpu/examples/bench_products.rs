//! How fast the products are, and how exact: one JSON object a line.
//!
//! All products of a training step of the presets `small` (512 x 128 tokens) and `large` (128 x 256 tokens), by each kernel, in
//! each precision, in several tilings; then the output head with its loss. Arguments select lines by words in them, as
//! `bench_products small bf16`; `tiny` shrinks everything for a software device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use cubecl::prelude::*;
use cubecl::server::Handle;
use gpu::head_loss;
use gpu::linear::Sizes;
use gpu::precision::DevicePrecision;
use gpu::product::{Operand, Product, Target, Tiling, Way, multiply_by, rounded_copy};
use kernels::spec::{Precision, TokenRule};

struct Bench {
    client: Client,
    words: Vec<String>,
    tiny: bool,
    /// Numbers, of which any operand is a part.
    host: Vec<f32>,
    /// The same on the device, in each precision that it stores.
    stored: Vec<(Precision, Handle)>,
    began: Instant,
}

/// A way of computing a product.
#[derive(Clone, Copy)]
struct Variant {
    name: &'static str,
    way: Way,
    precision: Precision,
    /// How both inputs are stored.
    stored: Precision,
    tiling: Tiling,
}

fn variants() -> Vec<Variant> {
    let tiling = |tile: [usize; 2], depth, planes, buffers| Tiling { tile, depth, planes, buffers, cubes: 264 };
    let variant = |name, way, precision, stored, tiling| Variant { name, way, precision, stored, tiling };
    let (f32, f16, bf16) = (Precision::Float32, Precision::Float16, Precision::Bfloat16);
    let mut all = vec![
        variant("plain128x16", Way::Plain, f32, f32, tiling([128, 128], 16, [1, 1], 1)),
        variant("plain64x16", Way::Plain, f32, f32, tiling([64, 64], 16, [1, 1], 1)),
    ];
    // Tiles of at most 40 KB of shared memory.
    let cooperative = [
        ("128x128x32p2x4", tiling([128, 128], 32, [2, 4], 2)),
        ("128x128x32p2x2", tiling([128, 128], 32, [2, 2], 2)),
        ("128x128x32p2x4s", tiling([128, 128], 32, [2, 4], 1)),
        ("128x64x32p2x2", tiling([128, 64], 32, [2, 2], 2)),
        ("256x128x32p4x2s", tiling([256, 128], 32, [4, 2], 1)),
        ("128x128x64p2x4s", tiling([128, 128], 64, [2, 4], 1)),
    ];
    for (name, tiling) in cooperative {
        all.push(variant(name, Way::Cooperative, bf16, f32, tiling));
    }
    for (name, tiling) in &cooperative[..2] {
        all.push(variant(name, Way::Cooperative, f16, f32, *tiling));
        all.push(variant(name, Way::Cooperative, bf16, bf16, *tiling));
    }
    let workgroup = [
        ("128x128x32u256", tiling([128, 128], 32, [1, 8], 1)),
        ("128x128x64u256", tiling([128, 128], 64, [1, 8], 1)),
        ("256x128x32u256", tiling([256, 128], 32, [1, 8], 1)),
        ("256x256x32u256", tiling([256, 256], 32, [1, 8], 1)),
        ("128x128x32u128", tiling([128, 128], 32, [1, 4], 1)),
    ];
    for (name, tiling) in workgroup {
        all.push(variant(name, Way::Workgroup, bf16, bf16, tiling));
    }
    all.push(variant(workgroup[0].0, Way::Workgroup, f16, f16, workgroup[0].1));
    all
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let tiny = words.iter().any(|it| it == "tiny");
    let words: Vec<String> = words.into_iter().filter(|it| it != "tiny").collect();
    let device = cubecl::Device::Wgpu(cubecl::wgpu::WgpuDevice::default());
    let mut state = 1u64;
    let host = (0..if tiny { 1 << 18 } else { 101 << 20 }).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    });
    let (client, host): (_, Vec<f32>) = (device.client(), host.collect());
    let mut stored = vec![(Precision::Float32, client.create_from_slice(f32::as_bytes(&host)))];
    for precision in [Precision::Float16, Precision::Bfloat16] {
        if precision.storable(&client) {
            stored.push((precision, rounded_copy(&client, &stored[0].1, host.len(), precision)));
        }
    }
    let bench = Bench { client, words, tiny, host, stored, began: Instant::now() };
    bench.features();
    let presets: &[(&str, usize, [usize; 3])] = if tiny {
        &[("tiny", 128, [64, 192, 256])]
    } else {
        &[("small", 65_536, [128, 384, 2048]), ("large", 32_768, [512, 1536, 8192])]
    };
    for &(preset, rows, [width, hidden, vocabulary]) in presets {
        // The head's products are those of a chunk of rows.
        let chunk = rows.min(8192);
        for (what, rows, input, output) in [
            ("qkv", rows, width, 3 * width),
            ("output", rows, width, width),
            ("gate_up", rows, width, 2 * hidden),
            ("down", rows, hidden, width),
            ("head", chunk, width, vocabulary),
        ] {
            bench.products(preset, what, Sizes { rows, input, output });
        }
        bench.head(preset, rows, width, vocabulary);
    }
    println!("{{\"op\":\"total\",\"seconds\":{:.1}}}", bench.began.elapsed().as_secs_f64());
}

fn short(precision: Precision) -> &'static str {
    match precision {
        Precision::Float32 => "f32",
        Precision::Float16 => "f16",
        Precision::Bfloat16 => "bf16",
    }
}

impl Bench {
    fn features(&self) {
        let properties = self.client.properties();
        let hardware = &properties.hardware;
        for precision in [Precision::Float16, Precision::Bfloat16] {
            println!(
                "{{\"op\":\"features\",\"precision\":\"{}\",\"cooperative\":{},\"storable\":{}}}",
                short(precision),
                precision.cooperative(&self.client),
                precision.storable(&self.client)
            );
        }
        println!(
            "{{\"op\":\"features\",\"planes\":[{},{}],\"plane_features\":\"{:?}\",\"shared\":{},\"units\":{},\"max_vector\":{},\
             \"cube_mma_reserved\":{},\"tensor_addressing\":{}}}",
            hardware.plane_size_min,
            hardware.plane_size_max,
            properties.features.plane,
            hardware.max_shared_memory_size,
            hardware.max_units_per_cube,
            hardware.max_vector_size,
            hardware.cube_mma_reserved_shared_memory,
            properties.features.matmul.cmma_tensor_addressing,
        );
        for it in &properties.features.matmul.cmma {
            println!(
                "{{\"op\":\"cmma\",\"is\":\"{:?} {:?} {:?} {}x{}x{}\"}}",
                it.a_type, it.b_type, it.cd_type, it.m, it.n, it.k
            );
        }
        for it in &properties.features.matmul.cube_mma {
            println!(
                "{{\"op\":\"cube_mma\",\"is\":\"{:?} {:?} {:?} by {}x{}x{}, units {:?}\"}}",
                it.a_type,
                it.b_type,
                it.cd_type,
                it.m_granularity,
                it.n_granularity,
                it.k_granularity,
                it.units_per_block
            );
        }
    }

    fn products(&self, preset: &str, what: &str, sizes: Sizes) {
        let of = [("forward", sizes.forward()), ("dx", sizes.backward_input()), ("dw", sizes.backward_weight())];
        for (direction, product) in of {
            for variant in variants() {
                let name = format!(
                    "\"op\":\"{what} {direction}\",\"preset\":\"{preset}\",\"m\":{},\"n\":{},\"k\":{},\"way\":\"{:?}\",\
                     \"tiling\":\"{}\",\"precision\":\"{}\",\"stored\":\"{}\"",
                    product.m,
                    product.n,
                    product.k,
                    variant.way,
                    variant.name,
                    short(variant.precision),
                    short(variant.stored)
                );
                if !self.wanted(&name) || self.skipped(variant) {
                    continue;
                }
                let result = self.attempt(|| {
                    let numbers = self.stored.iter().find(|it| it.0 == variant.stored).ok_or("not storable")?;
                    let at = |from: usize| numbers.1.clone().offset_start((from * variant.stored.bytes()) as u64);
                    let (a, b) = (at(A), at(B));
                    let [a, b] = [&a, &b].map(|handle| Operand { handle, stored: variant.stored });
                    let error = self.error(product, a, b, variant)?;
                    let out = self.client.empty(product.m * product.n * 4);
                    let ms = self.milliseconds(|| {
                        multiply_by(
                            &self.client,
                            variant.precision,
                            product,
                            a,
                            b,
                            Target::Over(&out),
                            variant.tiling,
                            variant.way,
                        );
                    })?;
                    Ok((ms, error))
                });
                match result {
                    Ok((ms, error)) => {
                        let flops = 2.0 * product.m as f64 * product.n as f64 * product.k as f64;
                        let read = (product.m + product.n) * product.k * variant.stored.bytes();
                        let bytes = read + product.m * product.n * 4;
                        println!(
                            "{{{name},\"ms\":{ms:.4},\"tflops\":{:.1},\"gbs\":{:.0},\"error\":{error:.1e}}}",
                            flops / ms / 1e9,
                            bytes as f64 / ms / 1e6
                        );
                    }
                    Err(why) => println!("{{{name},\"failed\":{why:?}}}"),
                }
            }
        }
    }

    fn wanted(&self, name: &str) -> bool {
        self.words.iter().all(|word| name.contains(word.as_str()))
    }

    /// Variants that this device cannot run at all are left out without a line.
    fn skipped(&self, variant: Variant) -> bool {
        let matmul = &self.client.properties().features.matmul;
        match variant.way {
            Way::Plain => false,
            Way::Cooperative => !variant.precision.cooperative(&self.client),
            _ => !matmul.cmma_tensor_addressing || matmul.cube_mma.is_empty(),
        }
    }

    /// The largest error among some numbers of the result, relative to the root of the sum of squared terms. Rows of a long
    /// result are cut off, unless rows are what is summed.
    fn error(&self, product: Product, a: Operand, b: Operand, variant: Variant) -> Result<f64, String> {
        let Product { m, n, k, a_deep, b_deep } = product;
        let cut = if a_deep { Product { m: m.min(1024), ..product } } else { product };
        let handle = multiply_by(&self.client, variant.precision, cut, a, b, Target::New, variant.tiling, variant.way);
        let bytes = self.client.read_one(handle).map_err(|it| format!("{it:?}"))?;
        let got = f32::from_bytes(&bytes);
        let (a, b) = (&self.host[A..], &self.host[B..]);
        let mut worst = 0f64;
        for sample in 0..if k > 4096 { 16 } else { 64 } {
            let (i, j) = (sample * 7919 % cut.m, sample * 104_729 % n);
            let (mut sum, mut squares) = (0.0, 0.0);
            for l in 0..k {
                let a = round(if a_deep { a[i * k + l] } else { a[l * m + i] }, variant.precision);
                let b = round(if b_deep { b[j * k + l] } else { b[l * n + j] }, variant.precision);
                let term = f64::from(a) * f64::from(b);
                sum += term;
                squares += term * term;
            }
            let error = (f64::from(got[i * n + j]) - sum).abs() / squares.sqrt();
            worst = if error.is_finite() { worst.max(error) } else { f64::INFINITY };
        }
        Ok(worst)
    }

    /// Median of several rounds of launches, each followed by one synchronisation.
    fn milliseconds(&self, mut launch: impl FnMut()) -> Result<f64, String> {
        let sync = || cubecl::future::block_on(self.client.sync()).map_err(|it| format!("{it:?}"));
        let mut round = |launches: usize| {
            let start = Instant::now();
            for _ in 0..launches {
                launch();
            }
            sync().map(|()| start.elapsed().as_secs_f64() * 1e3 / launches as f64)
        };
        round(1)?;
        let once = round(2)?;
        let launches = ((1.5 / once) as usize).clamp(1, 50);
        let mut all = Vec::new();
        for _ in 0..11 {
            all.push(round(launches)?);
        }
        all.sort_by(f64::total_cmp);
        Ok(all[5])
    }

    fn attempt<T>(&self, run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or_else(|| panic.downcast_ref::<&str>().map(|it| it.to_string())).unwrap_or("panic".into()))
        })
    }

    fn head(&self, preset: &str, rows: usize, width: usize, vocabulary: usize) {
        let client = &self.client;
        let at = |from: usize| self.stored[0].1.clone().offset_start((from * 4) as u64);
        let (hidden, head) = (at(A), at(B));
        let targets: Vec<u32> = (0..rows).map(|i| (i * 7919 % vocabulary) as u32).collect();
        let targets = client.create_from_slice(u32::as_bytes(&targets));
        let weights = client.create_from_slice(f32::as_bytes(&vec![1.0; rows]));
        for precision in [Precision::Float32, Precision::Float16, Precision::Bfloat16] {
            for logits in [4usize << 20, 8 << 20, 16 << 20, 64 << 20] {
                let name = format!(
                    "\"op\":\"head_loss\",\"preset\":\"{preset}\",\"rows\":{rows},\"width\":{width},\"vocabulary\":{vocabulary},\
                     \"precision\":\"{}\",\"logits\":{logits}",
                    short(precision)
                );
                if !self.wanted(&name) || self.tiny && logits > 4 << 20 {
                    continue;
                }
                let inputs = head_loss::Inputs {
                    hidden: &hidden,
                    head: (&head).into(),
                    targets: &targets,
                    weights: &weights,
                    rows,
                    width,
                    vocabulary,
                    rule: TokenRule::CrossEntropy,
                    precision,
                };
                let result = self.attempt(|| {
                    let (losses, _) = head_loss::over_chunks(client, inputs, logits, true);
                    let bytes = client.read_one(losses.sum).map_err(|it| format!("{it:?}"))?;
                    let mean = f32::from_bytes(&bytes)[0] / rows as f32;
                    let ms = self.milliseconds(|| {
                        head_loss::over_chunks(client, inputs, logits, true);
                    })?;
                    Ok((ms, mean))
                });
                match result {
                    Ok((ms, mean)) => println!(
                        "{{{name},\"ms\":{ms:.4},\"tflops\":{:.1},\"mean_loss\":{mean}}}",
                        6.0 * (rows * width * vocabulary) as f64 / ms / 1e9
                    ),
                    Err(why) => println!("{{{name},\"failed\":{why:?}}}"),
                }
            }
        }
    }
}

/// Where the operands begin in the numbers.
const A: usize = 0;
const B: usize = 1024;

/// To nearest, ties to even; for numbers below 1.
fn round(x: f32, precision: Precision) -> f32 {
    let bits = x.to_bits();
    match precision {
        Precision::Float32 => x,
        Precision::Bfloat16 => f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000),
        // Below 2^-14 steps of 2^-24, which the numbers of this test are multiples of 2^-23 of.
        Precision::Float16 if x.abs() < 2f32.powi(-14) => x,
        Precision::Float16 => f32::from_bits((bits + 0xfff + (bits >> 13 & 1)) & 0xffff_e000),
    }
}
