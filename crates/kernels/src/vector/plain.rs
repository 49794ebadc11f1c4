//! Sixteen lanes as an array, for any processor.

use super::{Block, LANES, Plain, Simd};

impl Simd for Plain {
    type V = Block;

    #[inline(always)]
    fn splat(self, x: f32) -> Block {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, x: &Block) -> Block {
        *x
    }
    #[inline(always)]
    fn store(self, v: Block, out: &mut Block) {
        *out = v;
    }
    #[inline(always)]
    fn add(self, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn sqrt(self, a: Block) -> Block {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn fma(self, a: Block, b: Block, c: Block) -> Block {
        // `mul_add` without the instruction is a call of libm for each lane.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            core::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
        } else {
            core::array::from_fn(|i| a[i] * b[i] + c[i])
        }
    }
    #[inline(always)]
    fn max(self, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min(self, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn select(self, mask: u16, a: Block, b: Block) -> Block {
        core::array::from_fn(|i| if mask >> i & 1 == 1 { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn exp2_of_shifted(self, t: Block) -> Block {
        t.map(|t| f32::from_bits(t.to_bits().wrapping_add(127) << 23))
    }
    #[inline(always)]
    fn interleave(self, a: Block, b: Block) -> [Block; 2] {
        core::array::from_fn(|h| core::array::from_fn(|i| if i % 2 == 0 { a[8 * h + i / 2] } else { b[8 * h + i / 2] }))
    }
}
