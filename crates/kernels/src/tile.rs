//! The small matrix product whose sums stay in registers: what attention is made of.

use super::vector::{Block, Simd};

/// `sums[m][n] + Σ_k a(k, m) b(k)[n]`, summed in the order of `k`.
///
/// `a(k, m)` is a number that is broadcast, read when it is needed (an array of them would be loaded as a vector and taken
/// apart again), `b(k)` gives `N` vectors. `M * N` sums, `N` vectors and one broadcast
/// have to fit the registers (32 with AVX-512, 16 with AVX2, where a vector takes two).
#[inline(always)]
pub(crate) fn product<S: Simd, const M: usize, const N: usize>(
    s: S,
    k: usize,
    mut sums: [[S::V; N]; M],
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize) -> [S::V; N],
) -> [[S::V; N]; M] {
    for k in 0..k {
        let b = b(k);
        for m in 0..M {
            let a = s.splat(a(k, m));
            for n in 0..N {
                sums[m][n] = s.fma(a, b[n], sums[m][n]);
            }
        }
    }
    sums
}

/// `N` vectors that lie one after the other.
#[inline(always)]
pub(crate) fn load<S: Simd, const N: usize>(s: S, blocks: &[Block]) -> [S::V; N] {
    let blocks: &[Block; N] = blocks[..N].try_into().expect("N blocks were cut");
    let mut v = [s.zero(); N];
    for n in 0..N {
        v[n] = s.load(&blocks[n]);
    }
    v
}
