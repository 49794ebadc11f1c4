//! Precisions on a GPU: what a device can do with them, and how kernels round to them.

use cubecl::features::MmaConfig;
use cubecl::ir::{ElemType, FloatKind, features::TypeUsage};
use cubecl::prelude::*;
use kernels::spec::Precision;

/// What a GPU can do with numbers of a precision.
pub trait DevicePrecision: Copy {
    /// The type of a number of this precision.
    fn element(self) -> ElemType;

    /// Bytes of a number of this precision.
    fn bytes(self) -> usize;

    /// Whether the device multiplies 16 x 16 matrices of this precision by a plane's cooperation (tensor cores), with
    /// float32 sums. Elsewhere inputs are rounded, then multiplied as float32.
    fn cooperative(self, client: &Client) -> bool;

    /// Whether buffers may hold numbers of this precision.
    fn storable(self, client: &Client) -> bool;
}

impl DevicePrecision for Precision {
    fn element(self) -> ElemType {
        ElemType::Float(match self {
            Self::Float32 => FloatKind::F32,
            Self::Float16 => FloatKind::F16,
            Self::Bfloat16 => FloatKind::BF16,
        })
    }

    fn bytes(self) -> usize {
        if self == Self::Float32 { 4 } else { 2 }
    }

    fn cooperative(self, client: &Client) -> bool {
        let (properties, element) = (client.properties(), self.element());
        let config =
            MmaConfig { a_type: element, b_type: element, cd_type: Self::Float32.element(), m: 16, n: 16, k: 16 };
        self != Self::Float32
            && properties.hardware.plane_size_min == properties.hardware.plane_size_max
            && properties.features.matmul.cmma.contains(&config)
            && properties.type_usage(element).contains(TypeUsage::Conversion)
    }

    fn storable(self, client: &Client) -> bool {
        let usage = client.properties().type_usage(self.element());
        usage.contains(TypeUsage::Conversion) && usage.contains(TypeUsage::Buffer)
    }
}

/// Rounds float32 numbers to `precision`; the result is float32 still.
#[cube]
pub(crate) fn rounded<N: Size>(x: Vector<f32, N>, #[comptime] precision: Precision) -> Vector<f32, N> {
    match precision {
        Precision::Float32 => x,
        Precision::Float16 => rounded_to_float16::<N>(x),
        Precision::Bfloat16 => rounded_to_bfloat16::<N>(x),
    }
}

#[cube]
fn rounded_to_bfloat16<N: Size>(x: Vector<f32, N>) -> Vector<f32, N> {
    let bits = Vector::<u32, N>::reinterpret(x);
    let odd = (bits >> Vector::new(16u32)) & Vector::new(1u32);
    // Beyond the largest finite number the carry runs into the exponent, to infinity.
    let near = (bits + odd + Vector::new(0x7fffu32)) & Vector::new(0xffff_0000u32);
    let nan = (bits & Vector::new(0x7fff_ffffu32)).greater_than(&Vector::new(0x7f80_0000u32));
    select_many(nan, x, Vector::<f32, N>::reinterpret(near))
}

#[cube]
fn rounded_to_float16<N: Size>(x: Vector<f32, N>) -> Vector<f32, N> {
    let bits = Vector::<u32, N>::reinterpret(x);
    let sign = bits & Vector::new(0x8000_0000u32);
    let magnitude = bits & Vector::new(0x7fff_ffffu32);
    let odd = (magnitude >> Vector::new(13u32)) & Vector::new(1u32);
    let normal = (magnitude + odd + Vector::new(0x0fffu32)) & Vector::new(0xffff_e000u32);
    // Below 2^-14 the step is 2^-24: the significand becomes a number of steps.
    let one = Vector::<u32, N>::new(1);
    let shift = (Vector::<u32, N>::new(126) - (magnitude >> Vector::new(23u32)).min(Vector::new(112u32)))
        .min(Vector::new(25u32));
    let significand = (magnitude & Vector::new(0x007f_ffffu32)) | Vector::new(0x0080_0000u32);
    let tie = (one << (shift - one)) - one + ((significand >> shift) & one);
    let steps = Vector::<f32, N>::cast_from((significand + tie) >> shift) * Vector::new(1.0 / 16_777_216.0);
    let small = Vector::<u32, N>::reinterpret(steps);
    let near = select_many(magnitude.less_than(&Vector::new(0x3880_0000u32)), small, normal);
    // 2^16 and more is infinity; NaN stays NaN.
    let large = select_many(near.greater_equal(&Vector::new(0x4780_0000u32)), Vector::new(0x7f80_0000u32), near);
    let kept = select_many(magnitude.greater_than(&Vector::new(0x7f80_0000u32)), magnitude, large);
    Vector::<f32, N>::reinterpret(kept | sign)
}
