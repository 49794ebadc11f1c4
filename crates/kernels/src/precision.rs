//! How the products of a training step are computed.

#[cfg(target_arch = "x86_64")]
use super::bfloat::Bfloat;
use super::spec::Precision;

impl Precision {
    /// Whether this CPU has instructions for products of this precision. Without them products are correct, but slower than
    /// those of float32: inputs are rounded, then multiplied as float32.
    pub fn available(self) -> bool {
        !matches!(self.path(), Path::Rounded(_))
    }

    /// How products are computed on this processor.
    pub(crate) fn path(self) -> Path {
        match self {
            Self::Float32 => Path::Float32,
            #[cfg(target_arch = "x86_64")]
            Self::Bfloat16 => Bfloat::try_new().map_or(Path::Rounded(self), Path::Native),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Bfloat16 => Path::Rounded(self),
            Self::Float16 => Path::Rounded(self),
        }
    }

    /// What a product sees of `x`.
    pub(crate) fn round(self, x: f32) -> f32 {
        match self {
            Self::Float32 => x,
            Self::Bfloat16 => round(x),
            Self::Float16 => half::f16::from_f32(x).to_f32(),
        }
    }

    /// What a product sees of many numbers.
    pub(crate) fn rounded(self, x: &[f32]) -> Vec<f32> {
        x.iter().map(|&x| self.round(x)).collect()
    }
}

/// A way of computing products.
#[derive(Clone, Copy)]
pub(crate) enum Path {
    Float32,
    /// Inputs rounded, products of float32.
    Rounded(Precision),
    /// The processor's instructions.
    #[cfg(target_arch = "x86_64")]
    Native(Bfloat),
}

/// `x` rounded to bfloat16, to nearest, ties to even; subnormal numbers become zero and NaN stays NaN, as the processor's
/// conversion has it.
pub(crate) fn round(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits(match x.classify() {
        core::num::FpCategory::Zero | core::num::FpCategory::Subnormal => bits & 0x8000_0000,
        core::num::FpCategory::Nan => bits & 0xffff_0000 | 0x0040_0000,
        // Up to infinity, where it belongs: the carry runs into the exponent.
        _ => (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::testing::{skipped, wide};

    /// The ways of computing products on this processor.
    pub(crate) fn paths() -> Vec<Path> {
        let mut paths = vec![Path::Float32, Path::Rounded(Precision::Bfloat16), Path::Rounded(Precision::Float16)];
        if Precision::Bfloat16.available() {
            paths.push(Precision::Bfloat16.path());
        } else {
            skipped("no bfloat16 instructions (avx512_bf16)");
        }
        paths
    }

    impl Path {
        /// What its inputs are rounded to.
        pub(crate) fn precision(self) -> Precision {
            match self {
                Self::Float32 => Precision::Float32,
                Self::Rounded(precision) => precision,
                #[cfg(target_arch = "x86_64")]
                Self::Native(_) => Precision::Bfloat16,
            }
        }

        /// What products see of `x`.
        pub(crate) fn seen(self, x: &[f32]) -> Vec<f64> {
            wide(&self.precision().rounded(x))
        }
    }

    #[test]
    fn rounds_to_nearest_and_ties_to_even() {
        let ulp = 2f32.powi(-7);
        for (x, want) in [
            (1.0, 1.0),
            (1.0 + 0.49 * ulp, 1.0),
            (1.0 + 0.5 * ulp, 1.0),
            (1.0 + 0.51 * ulp, 1.0 + ulp),
            (1.0 + 1.5 * ulp, 1.0 + 2.0 * ulp),
            (-1.0 - 1.5 * ulp, -1.0 - 2.0 * ulp),
            (2.0 - 0.5 * ulp, 2.0),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
            (f32::MIN_POSITIVE, f32::MIN_POSITIVE),
            (f32::MIN_POSITIVE / 2.0, 0.0),
        ] {
            assert_eq!(round(x), want, "{x}");
        }
        assert!(round(-0.0).is_sign_negative() && round(-1e-40).is_sign_negative());
    }

    #[test]
    fn keeps_nan() {
        // The payload of the first is in the bits that are cut off: it must not become infinity.
        for bits in [0x7f80_0001, 0xff80_ffff, 0x7fff_ffff, 0x7fc0_0000] {
            let rounded = round(f32::from_bits(bits));
            assert!(rounded.is_nan() && rounded.to_bits() & 0xffff == 0, "{bits:x}");
            assert_eq!(rounded.is_sign_negative(), bits >> 31 == 1);
        }
    }

    #[test]
    fn float16_as_its_definition_has_it() {
        let step = 2f32.powi(-24);
        for (x, want) in [
            (1.0 + 2f32.powi(-11), 1.0),
            (1.0 + 3.0 * 2f32.powi(-11), 1.0 + 2f32.powi(-9)),
            (65_519.0, 65_504.0),
            (65_520.0, f32::INFINITY),
            (1.5 * step, 2.0 * step),
            (0.5 * step, 0.0),
        ] {
            assert_eq!(Precision::Float16.round(x), want, "{x}");
        }
        assert!(!Precision::Float16.available());
    }

    #[test]
    fn float32_is_the_default_and_always_there() {
        assert_eq!(Precision::default(), Precision::Float32);
        assert!(Precision::Float32.available());
    }
}
