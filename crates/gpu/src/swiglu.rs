//! The gated activation of a Llama feed-forward: `silu(gate) · up`, with `silu(x) = x / (1 + e^-x)`.
//!
//! `gate_up` `[n, 2f]` is one projection's output: the first `f` columns of a row are the gate, the last `f` the value.
//! The backward pass needs nothing else. A unit makes one vector of the output.

use cubecl::prelude::*;
use cubecl::server::Handle;

use crate::rows::{UNITS, argument, count, empty, vector};

/// `silu(gate) · up`, `[rows, hidden]`, of `gate_up` `[rows, 2 hidden]`.
pub fn forward(client: &Client, gate_up: &Handle, [rows, hidden]: [usize; 2]) -> Handle {
    let (elements, vector) = (rows * hidden, vector(hidden));
    let y = empty(client, elements);
    // SAFETY: units stop at the vectors of the output; `argument` checks that every buffer holds the rows read or written.
    unsafe {
        forward_kernel::launch_unchecked(
            client,
            count(client, (elements / vector).div_ceil(UNITS)),
            CubeDim::new_1d(UNITS as u32),
            vector,
            argument(gate_up, 2 * elements, vector),
            argument(&y, elements, vector),
            elements / vector,
            hidden / vector,
        );
    }
    y
}

/// Gradient of [`forward`] with respect to `gate_up`, `[rows, 2 hidden]`, from `dy` `[rows, hidden]`.
pub fn backward(client: &Client, gate_up: &Handle, dy: &Handle, [rows, hidden]: [usize; 2]) -> Handle {
    let (elements, vector) = (rows * hidden, vector(hidden));
    let d_gate_up = empty(client, 2 * elements);
    // SAFETY: units stop at the vectors of the output; `argument` checks that every buffer holds the rows read or written.
    unsafe {
        backward_kernel::launch_unchecked(
            client,
            count(client, (elements / vector).div_ceil(UNITS)),
            CubeDim::new_1d(UNITS as u32),
            vector,
            argument(gate_up, 2 * elements, vector),
            argument(dy, elements, vector),
            argument(&d_gate_up, 2 * elements, vector),
            elements / vector,
            hidden / vector,
        );
    }
    d_gate_up
}

#[cube]
fn sigmoid<N: Size>(x: Vector<f32, N>) -> Vector<f32, N> {
    let one = Vector::<f32, N>::new(1.0);
    one / (one + (-x).exp())
}

#[cube(launch_unchecked)]
fn forward_kernel<N: Size>(
    gate_up: &[Vector<f32, N>],
    y: &mut [Vector<f32, N>],
    vectors: usize,
    #[comptime] hidden: usize,
) {
    let at = ABSOLUTE_POS;
    if at < vectors {
        // Rows of `gate_up` are twice as long: the gate lies as far on as the rows before have values.
        let gate = at + at / hidden * hidden;
        let g = gate_up[gate];
        y[at] = g * sigmoid::<N>(g) * gate_up[gate + hidden];
    }
}

/// `d up = dy g σ(g)`; `d gate = dy up σ(g) (1 + g (1 - σ(g)))`.
#[cube(launch_unchecked)]
fn backward_kernel<N: Size>(
    gate_up: &[Vector<f32, N>],
    dy: &[Vector<f32, N>],
    d_gate_up: &mut [Vector<f32, N>],
    vectors: usize,
    #[comptime] hidden: usize,
) {
    let at = ABSOLUTE_POS;
    if at < vectors {
        let gate = at + at / hidden * hidden;
        let g = gate_up[gate];
        let up = gate_up[gate + hidden];
        let slope = dy[at];
        let sigma = sigmoid::<N>(g);
        let silu = g * sigma;
        let one = Vector::<f32, N>::new(1.0);
        d_gate_up[gate] = slope * up * fma(silu, one - sigma, sigma);
        d_gate_up[gate + hidden] = slope * silu;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    #[test]
    fn swiglu_equals_the_processors() {
        let Some(client) = device() else { return };
        for (n, f) in [(1, 1), (3, 5), (2, 16), (70, 36), (7, 37)] {
            let mut gate_up: Vec<f32> = numbers(1, n * 2 * f).iter().map(|x| 6.0 * x).collect();
            gate_up[0] = -1e4;
            let dy = numbers(2, n * f);
            let (mut y, mut d) = (vec![0.0; n * f], vec![0.0; n * 2 * f]);
            kernels::swiglu::forward(&gate_up, f, &mut y);
            kernels::swiglu::backward(&gate_up, f, &dy, &mut d);
            let (gate_up, dy) = (upload(&client, &gate_up), upload(&client, &dy));
            close("y", &download(&client, &forward(&client, &gate_up, [n, f])), &y, 1e-6);
            close("d_gate_up", &download(&client, &backward(&client, &gate_up, &dy, [n, f])), &d, 1e-6);
        }
    }
}
