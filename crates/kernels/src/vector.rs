//! Sixteen lanes of `f32`, whatever the processor: AVX-512 as one register, AVX2 with FMA as two, plain code as an array.
//!
//! A kernel is written once, generic over [`Simd`], as an `#[inline(always)]` function whose first argument is the token
//! `s: impl Simd`; the macro [`with_simd!`] compiles it once for each instruction set and calls the best that this
//! processor has. The number of lanes and the tree of every sum are part of the definition, so AVX-512 and AVX2 give the
//! same bits; plain code may round differently where it has no fused multiply-add.
//!
//! There is no `unsafe` here: the tokens are `pulp`'s, which exist only after detection, and blocks are `[f32; 16]`.

mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;

/// Memory of one vector.
pub(crate) type Block = [f32; LANES];

/// Calls `$body` with `$s` bound to the token of the best instruction set; everything it calls must be `#[inline(always)]`.
macro_rules! with_simd {
    (|$s:ident| $body:expr) => {
        match $crate::vector::level() {
            #[cfg(target_arch = "x86_64")]
            $crate::vector::Level::Avx512($s) => $s.vectorize($crate::vector::Inlined(
                #[inline(always)]
                || $body,
            )),
            #[cfg(target_arch = "x86_64")]
            $crate::vector::Level::Avx2($s) => $s.vectorize($crate::vector::Inlined(
                #[inline(always)]
                || $body,
            )),
            $crate::vector::Level::Plain($s) => $body,
        }
    };
}
pub(crate) use with_simd;

/// A closure that is called by reference. Calling it by value, as `pulp` does, goes through a shim that the compiler is free
/// not to inline, and then every instruction of the closure becomes a call.
pub(crate) struct Inlined<F>(pub(crate) F);

impl<R, F: FnMut() -> R> pulp::NullaryFnOnce for Inlined<F> {
    type Output = R;

    #[inline(always)]
    fn call(mut self) -> R {
        (self.0)()
    }
}

/// An instruction set that was found, with its token.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512(V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    Plain(Plain),
}

/// The name of the instruction set that the kernels use on this CPU: on x86-64 its level, elsewhere the architecture. Sums
/// are rounded otherwise where it differs.
pub fn instruction_set() -> &'static str {
    match level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(_) => "x86-64-v4",
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(_) => "x86-64-v3",
        Level::Plain(_) => std::env::consts::ARCH,
    }
}

/// The best instruction set of this processor; the detection itself is cached by the standard library.
#[inline]
pub(crate) fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(s) = V4::try_new() {
            return Level::Avx512(s);
        }
        if let Some(s) = V3::try_new() {
            return Level::Avx2(s);
        }
    }
    Level::Plain(Plain)
}

/// Token of plain code: arrays that the compiler vectorises with what the target has by default (SSE2, NEON).
#[derive(Clone, Copy)]
pub(crate) struct Plain;

/// Lane-wise arithmetic on sixteen `f32`.
pub(crate) trait Simd: Copy {
    /// Sixteen lanes.
    type V: Copy;

    fn splat(self, x: f32) -> Self::V;
    fn load(self, x: &Block) -> Self::V;
    fn store(self, v: Self::V, out: &mut Block);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the processor can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger lane; the lane of `b` if either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller lane; the lane of `b` if either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// Lanes of `a` where the bit of `mask` is set (lane 0 is the lowest bit), of `b` elsewhere.
    fn select(self, mask: u16, a: Self::V, b: Self::V) -> Self::V;
    /// `2^n` for lanes that hold `1.5 * 2^23 + n`, the sum whose lowest bits are the integer `n` itself; `-127 < n < 128`.
    fn exp2_of_shifted(self, t: Self::V) -> Self::V;

    /// `a[0] b[0] a[1] b[1] ..` and on from the middle: the first and last sixteen of the interleaved lanes.
    fn interleave(self, a: Self::V, b: Self::V) -> [Self::V; 2];

    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }

    /// The block of `x` from `i` on, zeros where `x` ends.
    #[inline(always)]
    fn at(self, x: &[f32], i: usize) -> Self::V {
        let rest = &x[i..];
        match rest.first_chunk() {
            Some(block) => self.load(block),
            None => self.load(&padded(rest)),
        }
    }

    /// Writes the block of `out` from `i` on, as far as `out` goes.
    #[inline(always)]
    fn put(self, v: Self::V, out: &mut [f32], i: usize) {
        let rest = &mut out[i..];
        match rest.first_chunk_mut() {
            Some(block) => self.store(v, block),
            None => {
                let mut block = [0.0; LANES];
                self.store(v, &mut block);
                let len = rest.len();
                rest.copy_from_slice(&block[..len]);
            }
        }
    }

    /// The block of `x` that starts `back` places before `i`, zeros where that is before `x` starts.
    #[inline(always)]
    fn before(self, x: &[f32], i: usize, back: usize) -> Self::V {
        if i >= back {
            self.at(x, i - back)
        } else {
            let mut block = [0.0; LANES];
            let missing = (back - i).min(LANES);
            for (to, &x) in block[missing..].iter_mut().zip(x) {
                *to = x;
            }
            self.load(&block)
        }
    }

    /// Rows and lanes exchanged. Interleaving row `i` with row `i + 8` rotates the eight bits of an element's address, row
    /// before lane, by one place; four times exchange the two.
    #[inline(always)]
    fn transpose(self, mut rows: [Self::V; LANES]) -> [Self::V; LANES] {
        for _ in 0..4 {
            let old = rows;
            for i in 0..LANES / 2 {
                [rows[2 * i], rows[2 * i + 1]] = self.interleave(old[i], old[i + LANES / 2]);
            }
        }
        rows
    }

    /// The sum of each of sixteen vectors: lane `i` is that of vector `i`. One transpose for all, where sixteen sums of one
    /// vector would each wait for four steps.
    #[inline(always)]
    fn totals(self, v: [Self::V; LANES]) -> Self::V {
        let mut v = self.transpose(v);
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                v[i] = self.add(v[i], v[i + half]);
            }
        }
        v[0]
    }

    /// The largest lane of each of sixteen vectors that hold no NaN.
    #[inline(always)]
    fn all_largest(self, v: [Self::V; LANES]) -> Self::V {
        let mut v = self.transpose(v);
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                v[i] = self.max(v[i], v[i + half]);
            }
        }
        v[0]
    }

    /// Sum of the lanes: halves are added until one is left.
    #[inline(always)]
    fn total(self, v: Self::V) -> f32 {
        let mut a = [0.0; LANES];
        self.store(v, &mut a);
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                a[i] += a[i + half];
            }
        }
        a[0]
    }

    /// Largest lane, of lanes that are not NaN.
    #[inline(always)]
    fn largest(self, v: Self::V) -> f32 {
        let mut a = [0.0; LANES];
        self.store(v, &mut a);
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                a[i] = if a[i] > a[i + half] { a[i] } else { a[i + half] };
            }
        }
        a[0]
    }

    /// `e^x`, within 2 units in the last place on `[-87.3, 88.3]`, constant beyond, NaN for NaN.
    ///
    /// `x = n ln 2 + r` with integer `n` and `|r| <= ln 2 / 2` (ln 2 in two parts, so that `r` is exact to the last bit);
    /// `e^r = 1 + r + r^2 g(r)`, with `g` interpolated at the Chebyshev nodes of the interval: error below 2e-9.
    #[inline(always)]
    fn exp(self, x: Self::V) -> Self::V {
        const LOWEST: f32 = -87.336_54;
        const HIGHEST: f32 = 88.376_26;
        const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer, kept in the lowest bits
        const LN2_HIGH: f32 = 0.693_359_4; // 355 / 512
        const LN2_LOW: f32 = -2.121_944_4e-4;
        let x = self.min(self.splat(HIGHEST), self.max(self.splat(LOWEST), x));
        let shifted = self.fma(x, self.splat(core::f32::consts::LOG2_E), self.splat(SHIFT));
        let n = self.sub(shifted, self.splat(SHIFT));
        let r = self.fma(n, self.splat(-LN2_HIGH), x);
        let r = self.fma(n, self.splat(-LN2_LOW), r);
        let mut g = self.splat(1.989_108e-4);
        for c in [1.393_373_1e-3, 8.333_311e-3, 4.166_646_4e-2, 1.666_666_7e-1, 0.5] {
            g = self.fma(g, r, self.splat(c));
        }
        let one_plus_r = self.add(self.splat(1.0), r);
        let e = self.fma(g, self.mul(r, r), one_plus_r);
        self.mul(e, self.exp2_of_shifted(shifted))
    }

    /// `1 / (1 + e^-x)`.
    #[inline(always)]
    fn sigmoid(self, x: Self::V) -> Self::V {
        let e = self.exp(self.sub(self.zero(), x));
        self.div(self.splat(1.0), self.add(self.splat(1.0), e))
    }
}

#[cold]
fn padded(x: &[f32]) -> Block {
    let mut block = [0.0; LANES];
    block[..x.len()].copy_from_slice(x);
    block
}

/// `Σ a[i] b[i]` in sixteen lanes.
#[inline(always)]
pub(crate) fn dot<S: Simd>(s: S, a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len());
    let mut sum = s.zero();
    for i in (0..a.len()).step_by(LANES) {
        sum = s.fma(s.at(a, i), s.at(b, i), sum);
    }
    s.total(sum)
}

/// `Σ x[i]^2` in four times sixteen lanes, for long slices.
#[inline(always)]
pub(crate) fn sum_of_squares<S: Simd>(s: S, x: &[f32]) -> f32 {
    let mut sums = [s.zero(); 4];
    for piece in x.chunks(4 * LANES) {
        for (sum, i) in sums.iter_mut().zip((0..piece.len()).step_by(LANES)) {
            let v = s.at(piece, i);
            *sum = s.fma(v, v, *sum);
        }
    }
    s.total(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])))
}

/// `y += x`.
#[inline(always)]
pub(crate) fn accumulate<S: Simd>(s: S, y: &mut [f32], x: &[f32]) {
    for i in (0..y.len()).step_by(LANES) {
        s.put(s.add(s.at(y, i), s.at(x, i)), y, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every lane-wise piece on `x`, for one token.
    #[inline(always)]
    fn all<S: Simd>(s: S, x: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; 3 * x.len()];
        for i in (0..x.len()).step_by(LANES) {
            let v = s.at(x, i);
            s.put(s.exp(v), &mut out[..x.len()], i);
            s.put(s.sigmoid(v), &mut out[x.len()..2 * x.len()], i);
            s.put(s.select(0b1010_0000_1111_0001, v, s.zero()), &mut out[2 * x.len()..], i);
        }
        let small: Vec<f32> = x.iter().map(|x| x * 1e-2).collect();
        let rows: [S::V; LANES] = core::array::from_fn(|i| s.before(x, i.min(x.len()), 3));
        for column in s.transpose(rows).into_iter().chain([s.totals(rows), s.all_largest(rows)]) {
            let mut block = [0.0; LANES];
            s.store(column, &mut block);
            out.extend(block);
        }
        out.extend([dot(s, &small, x), sum_of_squares(s, &small), s.largest(s.at(x, 0)), s.total(s.at(x, 0))]);
        out
    }

    fn values() -> Vec<f32> {
        (0..20_011).map(|i| -87.3 + i as f32 * (175.6 / 20_010.0)).collect()
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let x = values();
        for got in [with_simd!(|s| all(s, &x)), all(Plain, &x)] {
            let mut worst = 0.0f64;
            for (i, &x) in x.iter().enumerate() {
                let want = f64::from(x).exp();
                let ulp = f64::from((want as f32).next_up()) - f64::from(want as f32);
                worst = worst.max((f64::from(got[i]) - want).abs() / ulp);
            }
            assert!(worst < 2.0, "{worst} units");
        }
    }

    #[test]
    fn exp_saturates_and_keeps_nan() {
        let x = [f32::NEG_INFINITY, -1e30, -100.0, 0.0, 100.0, f32::INFINITY, f32::NAN];
        let got = with_simd!(|s| all(s, &x));
        assert!(got[0] < 1.2e-38 && got[1] < 1.2e-38 && got[2] < 1.2e-38);
        assert_eq!(got[3], 1.0);
        assert!(got[4] > 2e38 && got[4].is_finite() && got[5] == got[4]);
        assert!(got[6].is_nan());
    }

    #[test]
    fn sums_and_selection_are_right_at_odd_lengths() {
        for len in [1, 2, 15, 16, 17, 63, 64, 65, 1009] {
            let x: Vec<f32> = (0..len).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
            let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let got = with_simd!(|s| all(s, &x));
            for i in 0..len {
                let kept = 0b1010_0000_1111_0001u16 >> (i % LANES) & 1 == 1;
                assert_eq!(got[2 * len + i], if kept { x[i] } else { 0.0 });
            }
            // Row r of the tile is x from r - 3 on, where there is that much of x, so its columns are diagonals.
            for (e, got) in got[3 * len..].iter().take(LANES * LANES).enumerate() {
                let (lane, row) = (e / LANES, (e % LANES).min(len));
                let want = (row + lane).checked_sub(3).and_then(|place| x.get(place));
                assert_eq!(*got, want.copied().unwrap_or(0.0), "lane {lane} of row {row}");
            }
            let tile = &got[3 * len..][..(LANES + 2) * LANES];
            for row in 0..LANES {
                let lanes = || (0..LANES).map(|lane| tile[lane * LANES + row]);
                let sum: f32 = lanes().sum();
                assert!((tile[LANES * LANES + row] - sum).abs() < 1e-5);
                assert_eq!(tile[(LANES + 1) * LANES + row], lanes().fold(f32::MIN, f32::max));
            }
            let got = &got[(LANES + 2) * LANES..];
            assert!((f64::from(got[3 * len]) - squares * 1e-2).abs() < 1e-5 * squares.max(1.0));
            assert!((f64::from(got[3 * len + 1]) - squares * 1e-4).abs() < 1e-7 * squares.max(1.0));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx512_and_avx2_give_the_same_bits() {
        let (Some(wide), Some(narrow)) = (V4::try_new(), V3::try_new()) else {
            return crate::testing::skipped("no AVX-512 or no AVX2");
        };
        let x = values();
        let (a, b) = (wide.vectorize(|| all(wide, &x)), narrow.vectorize(|| all(narrow, &x)));
        assert!(a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
