//! What the kernels' tests share: reproducible numbers, comparison, finite differences, thread counts, what cannot run here.

use std::io::Write;

/// `n` numbers in `[-1, 1)`, different for each `seed` (a linear congruential generator's upper bits).
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

/// The same numbers for a reference in `f64`.
pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Asserts that each number is within `tolerance` of the reference, relative to the reference's largest magnitude (at least 1e-3).
#[track_caller]
pub(crate) fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = want.iter().fold(1e-3f64, |a, x| a.max(x.abs()));
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        let error = (f64::from(g) - w).abs() / scale;
        assert!(error <= tolerance, "{what}[{i}]: {g} for {w}, {error:e} of {scale}");
    }
}

/// Gradient of `f` at `x` by central differences.
pub(crate) fn differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let (at, step) = (x[i], 1e-5);
            x[i] = at + step;
            let above = f(&x);
            x[i] = at - step;
            let below = f(&x);
            x[i] = at;
            (above - below) / (2.0 * step)
        })
        .collect()
}

/// `Σ a b`.
pub(crate) fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Asserts that `f` gives the same bits in pools of one, two and three threads.
#[track_caller]
pub(crate) fn same_bits_with_any_threads(f: impl Fn() -> Vec<f32> + Sync) {
    let bits = |threads: usize| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        pool.install(&f).iter().map(|x| x.to_bits()).collect()
    };
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(3));
}

/// Says what this processor cannot run of the current test. Cargo hides what a test that passes prints, so the line is also
/// added to the file that `HABSBURG_SKIPPED` names, if it does: `.ci/run` shows it at its end.
pub(crate) fn skipped(what: &str) {
    let thread = std::thread::current();
    let line = format!("kernels, {}: {what}", thread.name().unwrap_or("a test"));
    eprintln!("skipped: {line}");
    if let Some(path) = std::env::var_os("HABSBURG_SKIPPED") {
        let mut file =
            std::fs::File::options().create(true).append(true).open(path).expect("the file for skipped tests");
        file.write_all(format!("{line}\n").as_bytes()).expect("a line for a skipped test");
    }
}
