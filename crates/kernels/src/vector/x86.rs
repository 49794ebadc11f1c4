//! Sixteen lanes with AVX-512, and with AVX2 and FMA.

use core::arch::x86_64::{__m256, __m512};

use pulp::x86::{V3, V4};

use super::{Block, Simd};

impl Simd for V4 {
    type V = __m512;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        self.avx512f._mm512_set1_ps(x)
    }
    #[inline(always)]
    fn load(self, x: &Block) -> __m512 {
        pulp::cast(*x)
    }
    #[inline(always)]
    fn store(self, v: __m512, out: &mut Block) {
        *out = pulp::cast(v);
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_add_ps(a, b)
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_sub_ps(a, b)
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_mul_ps(a, b)
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_div_ps(a, b)
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        self.avx512f._mm512_sqrt_ps(a)
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        self.avx512f._mm512_fmadd_ps(a, b, c)
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_max_ps(a, b)
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_min_ps(a, b)
    }
    #[inline(always)]
    fn select(self, mask: u16, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_mask_mov_ps(b, mask, a)
    }
    #[inline(always)]
    fn exp2_of_shifted(self, t: __m512) -> __m512 {
        let f = self.avx512f;
        let biased = f._mm512_add_epi32(f._mm512_castps_si512(t), f._mm512_set1_epi32(127));
        f._mm512_castsi512_ps(f._mm512_slli_epi32::<23>(biased))
    }
    #[inline(always)]
    fn interleave(self, a: __m512, b: __m512) -> [__m512; 2] {
        let f = self.avx512f;
        let low = f._mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = f._mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        [f._mm512_permutex2var_ps(a, low, b), f._mm512_permutex2var_ps(a, high, b)]
    }
}

/// Two registers as sixteen lanes.
macro_rules! halves {
    ($s:ident, $function:ident, $($v:ident),+) => {
        core::array::from_fn(#[inline(always)] |h| $s.$function($($v[h]),+))
    };
}

impl Simd for V3 {
    type V = [__m256; 2];

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [self.avx._mm256_set1_ps(x); 2]
    }
    #[inline(always)]
    fn load(self, x: &Block) -> Self::V {
        pulp::cast(*x)
    }
    #[inline(always)]
    fn store(self, v: Self::V, out: &mut Block) {
        *out = pulp::cast(v);
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_add_ps, a, b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_sub_ps, a, b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_mul_ps, a, b)
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_div_ps, a, b)
    }
    #[inline(always)]
    fn sqrt(self, a: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_sqrt_ps, a)
    }
    #[inline(always)]
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let s = self.fma;
        halves!(s, _mm256_fmadd_ps, a, b, c)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_max_ps, a, b)
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        let s = self.avx;
        halves!(s, _mm256_min_ps, a, b)
    }
    #[inline(always)]
    fn select(self, mask: u16, a: Self::V, b: Self::V) -> Self::V {
        let bits = self.avx._mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        core::array::from_fn(
            #[inline(always)]
            |h| {
                let lanes = self.avx._mm256_set1_epi32(i32::from(mask >> (8 * h)) & 0xff);
                let chosen = self.avx2._mm256_cmpeq_epi32(self.avx2._mm256_and_si256(lanes, bits), bits);
                self.avx._mm256_blendv_ps(b[h], a[h], self.avx._mm256_castsi256_ps(chosen))
            },
        )
    }
    #[inline(always)]
    fn exp2_of_shifted(self, t: Self::V) -> Self::V {
        let bias = self.avx._mm256_set1_epi32(127);
        core::array::from_fn(
            #[inline(always)]
            |h| {
                let biased = self.avx2._mm256_add_epi32(self.avx._mm256_castps_si256(t[h]), bias);
                self.avx._mm256_castsi256_ps(self.avx2._mm256_slli_epi32::<23>(biased))
            },
        )
    }
    #[inline(always)]
    fn interleave(self, a: Self::V, b: Self::V) -> [Self::V; 2] {
        let s = self.avx;
        core::array::from_fn(
            #[inline(always)]
            |h| {
                let (even, odd) = (s._mm256_unpacklo_ps(a[h], b[h]), s._mm256_unpackhi_ps(a[h], b[h]));
                [s._mm256_permute2f128_ps::<0x20>(even, odd), s._mm256_permute2f128_ps::<0x31>(even, odd)]
            },
        )
    }
}
