//! The processor's multiply-add peak: what its products of `f32` are to be measured against.
//!
//! Independent chains of multiply-adds in registers, on all threads: no memory, nothing to wait for. A processor shared with
//! others gives less from minute to minute, so a share of the peak means something only if both were measured side by side.

use super::vector::{LANES, Level, Plain, Simd, level};
use std::hint::black_box;
use std::time::Instant;

/// Pieces of one measurement; their median counts.
const PIECES: usize = 5;
/// The shortest piece, seconds: long beside the time that starting the threads takes.
const SHORTEST: f64 = 0.04;

/// Float32 multiply-adds of all threads together, in GFLOP/s (an addition and a multiplication are two operations), now.
/// Takes about a third of a second.
pub fn gflops() -> f64 {
    let mut rounds = 1 << 16;
    // Also wakes the threads and the processor's clock.
    while seconds(rounds).0 < SHORTEST {
        rounds *= 2;
    }
    let mut rates: [f64; PIECES] = core::array::from_fn(|_| {
        let (seconds, operations) = seconds(rounds);
        operations / seconds * 1e-9
    });
    rates.sort_by(f64::total_cmp);
    rates[PIECES / 2]
}

/// Threads that kernels run on.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Seconds for so many rounds on every thread, and their operations.
fn seconds(rounds: u64) -> (f64, f64) {
    let start = Instant::now();
    let operations: u64 = rayon::broadcast(|_| multiply_adds(rounds)).into_iter().sum();
    (start.elapsed().as_secs_f64(), operations as f64)
}

/// As many chains as fill the units: two multiply-adds begin in each cycle and take four or five. Sixteen lanes are one
/// register of AVX-512's 32, two of AVX2's 16, four of the 16 or 32 of plain code.
fn multiply_adds(rounds: u64) -> u64 {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(s) => s.vectorize(super::vector::Inlined(
            #[inline(always)]
            || chains::<_, 12>(s, rounds),
        )),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(s) => s.vectorize(super::vector::Inlined(
            #[inline(always)]
            || chains::<_, 6>(s, rounds),
        )),
        Level::Plain(Plain) => chains::<_, 3>(Plain, rounds),
    }
}

/// `rounds` multiply-adds in each of `N` chains; gives the number of operations.
#[inline(always)]
fn chains<S: Simd, const N: usize>(s: S, rounds: u64) -> u64 {
    // x / 2 + 1 / 2 stays near 1: no number grows, vanishes or becomes denormal. The compiler knows neither factor nor chain.
    let half = s.splat(black_box(0.5));
    let mut sums: [S::V; N] = core::array::from_fn(
        #[inline(always)]
        |chain| s.splat(black_box(chain as f32)),
    );
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = s.fma(*sum, half, half);
        }
    }
    for sum in sums {
        let mut out = [0.0; LANES];
        s.store(sum, &mut out);
        black_box(out);
    }
    rounds * (2 * N * LANES) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_work_has_more_operations_and_takes_longer() {
        let (short, few) = seconds(1 << 12);
        let (long, many) = seconds(1 << 20);
        assert_eq!(many, 256.0 * few);
        // Far less than 256 times, in case that another process takes the processor for a while.
        assert!(long > 4.0 * short.min(1e-4), "{short} s, {long} s");
    }
}
