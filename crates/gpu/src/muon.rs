//! Muon (Jordan et al. 2024), as [`kernels::muon`] defines it, without a number coming back to the host.
//!
//! A matrix takes three launches, and four for each iteration: its momentum, the norm, then the products `A = X Xᵀ` (or
//! `Xᵀ X` of a tall matrix), `A²`, `P = a I + b A + c A²` and `P X`, then the step. The products are [`linear`]'s, in float32.
//! The count of steps, the clip and whether gradients are finite are in the [`State`] that AdamW keeps.

use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::muon::{COEFFICIENTS, EPSILON, ITERATIONS, size};
use kernels::spec::{MuonConfig, Precision};

use crate::adamw::{FIELDS, State, cube_sum};
use crate::linear::{self, Sizes};
use crate::product::Target;
use crate::rows::{UNITS, argument, count, empty};

/// Elements of a unit.
const ITEMS: usize = 8;

/// A matrix of the model, in the rows of a tensor, and what belongs to it.
#[derive(Clone)]
pub struct Matrix {
    /// The tensor's parameters, moved in place.
    pub p: Handle,
    /// Its gradient.
    pub g: Handle,
    /// Its momentum, zeros before the first step.
    pub m: Handle,
    /// Elements of the tensor.
    pub len: usize,
    /// The first element of the matrix.
    pub start: usize,
    /// Rows of the matrix.
    pub rows: usize,
    /// Columns of it, which are the tensor's.
    pub columns: usize,
}

/// Moves the matrices and their momenta, if the norm that `state` holds is finite.
///
/// # Panics
/// If a matrix lies outside its tensor.
pub fn update(client: &Client, config: &MuonConfig, state: &State, matrices: &[Matrix], rate: f32) {
    for matrix in matrices {
        assert!(
            matrix.start + matrix.rows * matrix.columns <= matrix.len,
            "{} rows of {} from {} on in a tensor of {}",
            matrix.rows,
            matrix.columns,
            matrix.start,
            matrix.len
        );
        let x = normalised(client, config, state, matrix);
        let direction = orthogonalise(client, x, matrix.rows, matrix.columns);
        step(client, config, state, matrix, &direction, rate);
    }
}

/// Cubes for so many elements.
fn cubes(elements: usize) -> usize {
    elements.div_ceil(UNITS * ITEMS)
}

/// Moves the momentum; what it looks ahead to, divided by its norm.
fn normalised(client: &Client, config: &MuonConfig, state: &State, matrix: &Matrix) -> Handle {
    let elements = matrix.rows * matrix.columns;
    let cubes = cubes(elements);
    let (ahead, partial, x) = (empty(client, elements), empty(client, cubes), empty(client, elements));
    // SAFETY: units stop at the matrix's length, which `update` found to lie within the tensor's, to which `argument` holds its
    // buffers; cubes of the momentum stop at `partial`'s length.
    unsafe {
        momentum_kernel::launch_unchecked(
            client,
            count(client, cubes),
            CubeDim::new_1d(UNITS as u32),
            argument(&matrix.g, matrix.len, 1),
            argument(&matrix.m, matrix.len, 1),
            argument(&ahead, elements, 1),
            argument(&partial, cubes, 1),
            argument(&state.fields, FIELDS, 1),
            matrix.start,
            elements,
            cubes,
            config.momentum as f32,
        );
        normalise_kernel::launch_unchecked(
            client,
            count(client, cubes),
            CubeDim::new_1d(UNITS as u32),
            argument(&ahead, elements, 1),
            argument(&partial, cubes, 1),
            argument(&x, elements, 1),
            elements,
            cubes,
        );
    }
    x
}

/// [`kernels::muon::orthogonalise`] of what has norm 1.
fn orthogonalise(client: &Client, mut x: Handle, rows: usize, columns: usize) -> Handle {
    let tall = rows > columns;
    let short = rows.min(columns);
    let square = Sizes { rows: short, input: short, output: short };
    for _ in 0..ITERATIONS {
        let gram = if tall {
            let sizes = Sizes { rows, input: columns, output: columns };
            linear::backward_weight(client, Precision::Float32, &x, &x, Target::New, sizes)
        } else {
            let sizes = Sizes { rows, input: columns, output: rows };
            linear::forward(client, Precision::Float32, &x, &x, None, sizes)
        };
        // Both are symmetric.
        let squared = linear::forward(client, Precision::Float32, &gram, &gram, None, square);
        let polynomial = combined(client, &gram, &squared, short);
        x = if tall {
            let sizes = Sizes { rows, input: columns, output: columns };
            linear::forward(client, Precision::Float32, &x, &polynomial, None, sizes)
        } else {
            let sizes = Sizes { rows, input: columns, output: rows };
            linear::backward_input(client, Precision::Float32, &polynomial, &x, sizes)
        };
    }
    x
}

/// `a I + b A + c A²`, `[side, side]`.
fn combined(client: &Client, gram: &Handle, squared: &Handle, side: usize) -> Handle {
    let elements = side * side;
    let out = empty(client, elements);
    let [a, b, c] = COEFFICIENTS;
    // SAFETY: units stop at the number of elements, to which `argument` holds all three buffers.
    unsafe {
        combine_kernel::launch_unchecked(
            client,
            count(client, cubes(elements)),
            CubeDim::new_1d(UNITS as u32),
            argument(gram, elements, 1),
            argument(squared, elements, 1),
            argument(&out, elements, 1),
            elements,
            side,
            a,
            b,
            c,
        );
    }
    out
}

fn step(client: &Client, config: &MuonConfig, state: &State, matrix: &Matrix, direction: &Handle, rate: f32) {
    let elements = matrix.rows * matrix.columns;
    let keep = (1.0 - f64::from(rate) * config.weight_decay) as f32;
    let rate = (f64::from(rate) * size(matrix.rows, matrix.columns)) as f32;
    // SAFETY: as in `normalised`.
    unsafe {
        step_kernel::launch_unchecked(
            client,
            count(client, cubes(elements)),
            CubeDim::new_1d(UNITS as u32),
            argument(&matrix.p, matrix.len, 1),
            argument(direction, elements, 1),
            argument(&state.fields, FIELDS, 1),
            matrix.start,
            elements,
            keep,
            rate,
        );
    }
}

#[cube(launch_unchecked)]
fn momentum_kernel(
    g: &[f32],
    m: &mut [f32],
    ahead: &mut [f32],
    partial: &mut [f32],
    state: &[f32],
    start: usize,
    elements: usize,
    cubes: usize,
    momentum: f32,
) {
    if state[0] == 0.0 || CUBE_POS >= cubes {
        terminate!();
    }
    let mut squares = 0.0f32;
    #[unroll]
    for item in 0..ITEMS {
        let at = CUBE_POS * comptime!(UNITS * ITEMS) + comptime!(item * UNITS) + UNIT_POS as usize;
        if at < elements {
            let taken = (1.0 - momentum) * (g[start + at] * state[1]);
            let moved = fma(momentum, m[start + at], taken);
            let looked = fma(momentum, moved, taken);
            m[start + at] = moved;
            ahead[at] = looked;
            squares += looked * looked;
        }
    }
    let sum = cube_sum(squares);
    if UNIT_POS == 0 {
        partial[CUBE_POS] = sum;
    }
}

#[cube(launch_unchecked)]
fn normalise_kernel(ahead: &[f32], partial: &[f32], x: &mut [f32], elements: usize, cubes: usize) {
    let mut sum = 0.0f32;
    let mut block = UNIT_POS as usize;
    while block < cubes {
        sum += partial[block];
        block += UNITS;
    }
    let mut shared = Shared::<[f32]>::new_slice(1usize);
    let squares = cube_sum(sum);
    if UNIT_POS == 0 {
        shared[0] = 1.0 / (squares.sqrt() + EPSILON);
    }
    sync_cube();
    let scale = shared[0];
    #[unroll]
    for item in 0..ITEMS {
        let at = CUBE_POS * comptime!(UNITS * ITEMS) + comptime!(item * UNITS) + UNIT_POS as usize;
        if at < elements {
            x[at] = ahead[at] * scale;
        }
    }
}

#[cube(launch_unchecked)]
fn combine_kernel(
    gram: &[f32],
    squared: &[f32],
    out: &mut [f32],
    elements: usize,
    side: usize,
    a: f32,
    b: f32,
    c: f32,
) {
    #[unroll]
    for item in 0..ITEMS {
        let at = CUBE_POS * comptime!(UNITS * ITEMS) + comptime!(item * UNITS) + UNIT_POS as usize;
        if at < elements {
            let mut value = fma(b, gram[at], c * squared[at]);
            if at / side == at % side {
                value += a;
            }
            out[at] = value;
        }
    }
}

#[cube(launch_unchecked)]
fn step_kernel(p: &mut [f32], direction: &[f32], state: &[f32], start: usize, elements: usize, keep: f32, rate: f32) {
    if state[0] == 0.0 {
        terminate!();
    }
    #[unroll]
    for item in 0..ITEMS {
        let at = CUBE_POS * comptime!(UNITS * ITEMS) + comptime!(item * UNITS) + UNIT_POS as usize;
        if at < elements {
            p[start + at] = p[start + at] * keep - rate * direction[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adamw::{Gradient, measure};
    use crate::testing::*;
    use kernels::muon::{Step, Tensor};
    use kernels::spec::AdamWConfig;

    const CONFIG: MuonConfig = MuonConfig { momentum: 0.95, weight_decay: 0.1 };
    const ADAMW: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip: 1e9 };
    const RATE: f32 = 0.02;

    /// Takes steps along these gradients, of a tensor with these matrices, and gives parameters and momentum.
    fn taken(client: &Client, parts: &[usize], columns: usize, gradients: &[Vec<f32>]) -> [Vec<f32>; 2] {
        let len = parts.iter().sum::<usize>() * columns;
        let (p, m, state) = (upload(client, &numbers(1, len)), upload(client, &vec![0.0; len]), State::new(client, 0));
        for g in gradients {
            let g = upload(client, g);
            measure(client, &ADAMW, &state, &[Gradient { g: g.clone(), len }], 0.5, RATE);
            let mut start = 0;
            let matrices: Vec<Matrix> = parts
                .iter()
                .map(|&rows| {
                    let matrix = Matrix { p: p.clone(), g: g.clone(), m: m.clone(), len, start, rows, columns };
                    start += rows * columns;
                    matrix
                })
                .collect();
            update(client, &CONFIG, &state, &matrices, RATE);
        }
        [p, m].map(|it| download(client, &it))
    }

    #[test]
    fn steps_equal_the_processors() {
        let Some(client) = device() else { return };
        for (parts, columns) in [(&[1usize][..], 1), (&[5, 3], 7), (&[32, 16, 16], 32), (&[96, 96], 32), (&[40], 130)] {
            let len = parts.iter().sum::<usize>() * columns;
            let gradients: Vec<_> = (0..3).map(|step| numbers(7 + step, len)).collect();
            let [p, m] = taken(&client, parts, columns, &gradients);
            let (mut want, mut held) = (numbers(1, len), vec![0.0; len]);
            let step = Step { config: &CONFIG, rate: f64::from(RATE), gradient_scale: 0.5 };
            for g in &gradients {
                step.run([Tensor { p: &mut want, g, m: &mut held, columns, parts }]);
            }
            close("m", &m, &held, 1e-6);
            close("p", &p, &want, 2e-5);
        }
    }

    #[test]
    fn a_norm_that_is_not_finite_changes_nothing() {
        let Some(client) = device() else { return };
        let mut bad = numbers(3, 12);
        bad[4] = f32::NAN;
        let [p, m] = taken(&client, &[3], 4, &[bad]);
        assert_eq!((p, m), (numbers(1, 12), vec![0.0; 12]));
    }
}
