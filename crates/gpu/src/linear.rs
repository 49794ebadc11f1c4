//! Products with a weight matrix `[output, input]`, row-major as in Hugging Face's files: `y = x wᵀ` and its gradients.

use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::Precision;

use crate::product::{Operand, Product, Target, multiply};

/// Rows, numbers of an input row, numbers of an output row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// Rows of `x` and `y`.
    pub rows: usize,
    /// Numbers of a row of `x`.
    pub input: usize,
    /// Numbers of a row of `y`.
    pub output: usize,
}

impl Sizes {
    /// `x wᵀ` as a product of matrices.
    pub fn forward(self) -> Product {
        Product { m: self.rows, n: self.output, k: self.input, a_deep: true, b_deep: true }
    }

    /// `dy w` as a product of matrices.
    pub fn backward_input(self) -> Product {
        Product { m: self.rows, n: self.input, k: self.output, a_deep: true, b_deep: false }
    }

    /// `dyᵀ x` as a product of matrices.
    pub fn backward_weight(self) -> Product {
        Product { m: self.output, n: self.input, k: self.rows, a_deep: false, b_deep: false }
    }
}

/// `y = x wᵀ`, or `y = x wᵀ + residual`.
///
/// Shapes: `x` `[rows, input]`; `w` `[output, input]`; `residual` and the result `[rows, output]`.
pub fn forward<'a>(
    client: &Client,
    precision: Precision,
    x: impl Into<Operand<'a>>,
    w: impl Into<Operand<'a>>,
    residual: Option<&Handle>,
    sizes: Sizes,
) -> Handle {
    let target = residual.map_or(Target::New, Target::Plus);
    multiply(client, precision, sizes.forward(), x.into(), w.into(), target)
}

/// Gradient of the input: `dx = dy w`.
///
/// Shapes: `dy` `[rows, output]`; `w` `[output, input]`; the result `[rows, input]`.
pub fn backward_input<'a>(
    client: &Client,
    precision: Precision,
    dy: impl Into<Operand<'a>>,
    w: impl Into<Operand<'a>>,
    sizes: Sizes,
) -> Handle {
    multiply(client, precision, sizes.backward_input(), dy.into(), w.into(), Target::New)
}

/// Gradient of the weights: `dw = dyᵀ x`, to `target`.
///
/// Shapes: `dy` `[rows, output]`; `x` `[rows, input]`; the result `[output, input]`.
pub fn backward_weight<'a>(
    client: &Client,
    precision: Precision,
    dy: impl Into<Operand<'a>>,
    x: impl Into<Operand<'a>>,
    target: Target,
    sizes: Sizes,
) -> Handle {
    multiply(client, precision, sizes.backward_weight(), dy.into(), x.into(), target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, device, download, numbers, upload};

    /// Odd sizes, and sizes that are cut into parts.
    const SIZES: [[usize; 3]; 6] =
        [[1, 1, 1], [5, 3, 7], [67, 131, 97], [130, 64, 192], [256, 32, 128], [1300, 12, 20]];

    fn check(precision: Precision) {
        let Some(client) = device() else { return };
        for [rows, input, output] in SIZES {
            let sizes = Sizes { rows, input, output };
            let (x, w) = (numbers(1, rows * input), numbers(2, output * input));
            let (dy, r) = (numbers(3, rows * output), numbers(4, rows * output));
            let (mut y, mut dx, mut dw) =
                (vec![0.0; rows * output], vec![0.0; rows * input], vec![1.0; output * input]);
            kernels::linear::forward(precision, &x, &w, input, output, &mut y);
            kernels::linear::backward_input(precision, &dy, &w, input, output, &mut dx);
            kernels::linear::backward_weight(precision, &dy, &x, input, output, true, &mut dw);

            let onto = upload(&client, &vec![1.0; output * input]);
            let [x, w, dy, residual] = [&x, &w, &dy, &r].map(|it| upload(&client, it));
            let got = forward(&client, precision, &x, &w, None, sizes);
            close("y", &download(&client, &got), &y, 2e-6);
            let got = forward(&client, precision, &x, &w, Some(&residual), sizes);
            let sum: Vec<f32> = y.iter().zip(&r).map(|(y, r)| y + r).collect();
            close("y + r", &download(&client, &got), &sum, 2e-6);
            let got = backward_input(&client, precision, &dy, &w, sizes);
            close("dx", &download(&client, &got), &dx, 2e-6);
            backward_weight(&client, precision, &dy, &x, Target::Onto(&onto), sizes);
            close("dw", &download(&client, &onto), &dw, 2e-6);
        }
    }

    #[test]
    fn float32_as_the_processor() {
        check(Precision::Float32);
    }

    #[test]
    fn bfloat16_as_the_processor() {
        check(Precision::Bfloat16);
    }
}
