//! RMS normalisation over rows `[n, d]`: `y = x / sqrt(mean(x²) + eps) · w`, with the residual sum before it.
//!
//! Nothing is saved: the backward pass takes the sum of squares again, from a row that it has to read anyway. A row is read
//! once, into registers. The weight's gradient is summed in two steps, by blocks of rows whose sizes depend on `n` alone.

use cubecl::prelude::*;
use cubecl::server::Handle;

use crate::rows::{Rows, UNITS, argument, count, empty, lanes_sum, planes, total, vector};

/// Blocks of rows at most: a wave of cubes on the largest GPUs.
const BLOCKS: usize = 1024;

/// Normalised rows, and what was normalised where a residual was added.
pub struct Forward {
    /// `norm(x + residual) · weight`, `[n, d]`.
    pub y: Handle,
    /// `x + residual`, `[n, d]`; nothing without a residual.
    pub sum: Option<Handle>,
}

/// `y = norm(x + residual) · weight` for each row of `width` elements.
///
/// Shapes: `x`, `residual` and the results `[rows, width]`; `weight` `[width]`.
pub fn forward(
    client: &Client,
    x: &Handle,
    residual: Option<&Handle>,
    weight: &Handle,
    eps: f32,
    [rows, width]: [usize; 2],
) -> Forward {
    assert!(rows > 0 && width > 0, "rms_norm: {rows} rows of {width}");
    let (elements, vector) = (rows * width, vector(width));
    let shape = Rows::new(width, vector, planes(client));
    let y = empty(client, elements);
    let sum = residual.map(|_| empty(client, elements));
    // SAFETY: rows beyond the last read it again and write nothing, columns stop at the row's vectors; `argument` checks the
    // buffers' lengths.
    unsafe {
        forward_kernel::launch_unchecked(
            client,
            count(client, rows.div_ceil(shape.groups)),
            shape.dim(),
            vector,
            argument(x, elements, vector),
            residual.map(|residual| argument(residual, elements, vector)).into(),
            argument(weight, width, vector),
            argument(&y, elements, vector),
            sum.as_ref().map(|sum| argument(sum, elements, vector)).into(),
            rows,
            1.0 / width as f32,
            eps,
            shape,
        );
    }
    Forward { y, sum }
}

/// Gradients of [`forward`].
pub struct Backward {
    /// `[n, d]`.
    pub dx: Handle,
    /// `[d]`.
    pub dweight: Handle,
}

/// Gradients of [`forward`], where `x` is what was normalised (its `sum` if there was a residual).
///
/// Shapes: `x`, `dy`, `upstream` `[rows, width]`; `weight` `[width]`. `upstream`, if given, is added to `dx`: the gradient that
/// reaches the sum along the residual stream.
pub fn backward(
    client: &Client,
    x: &Handle,
    weight: &Handle,
    eps: f32,
    dy: &Handle,
    upstream: Option<&Handle>,
    [rows, width]: [usize; 2],
) -> Backward {
    assert!(rows > 0 && width > 0, "rms_norm: {rows} rows of {width}");
    let (elements, vector) = (rows * width, vector(width));
    let shape = Rows::new(width, vector, planes(client));
    let rounds = rows.div_ceil(shape.groups * BLOCKS);
    let blocks = rows.div_ceil(shape.groups * rounds);
    let (dx, partial) = (empty(client, elements), empty(client, blocks * width));
    // SAFETY: as in `forward`; `partial` has a row for each block.
    unsafe {
        backward_kernel::launch_unchecked(
            client,
            count(client, blocks),
            shape.dim(),
            vector,
            argument(x, elements, vector),
            argument(weight, width, vector),
            argument(dy, elements, vector),
            upstream.map(|upstream| argument(upstream, elements, vector)).into(),
            argument(&dx, elements, vector),
            argument(&partial, blocks * width, vector),
            rows,
            rounds,
            1.0 / width as f32,
            eps,
            shape,
        );
    }
    Backward { dx, dweight: column_sums(client, &partial, [blocks, width]) }
}

/// Sums of the columns of a matrix `[rows, width]`, in an order that depends on the shape alone.
pub fn column_sums(client: &Client, matrix: &Handle, [rows, width]: [usize; 2]) -> Handle {
    let sums = empty(client, width);
    let units = (client.properties().hardware.max_units_per_cube as usize).min(1024);
    let groups = (units / 32).min(rows.next_power_of_two());
    // SAFETY: units stop at the columns and rows of the matrix, whose length `argument` checks.
    unsafe {
        column_sums_kernel::launch_unchecked(
            client,
            count(client, width.div_ceil(32)),
            CubeDim::new_2d(32, groups as u32),
            argument(matrix, rows * width, 1),
            argument(&sums, width, 1),
            rows,
            width,
            groups,
        );
    }
    sums
}

#[cube(launch_unchecked)]
fn forward_kernel<N: Size>(
    x: &[Vector<f32, N>],
    residual: ComptimeOption<&[Vector<f32, N>]>,
    weight: &[Vector<f32, N>],
    y: &mut [Vector<f32, N>],
    sum: ComptimeOption<&mut [Vector<f32, N>]>,
    rows: usize,
    share: f32,
    eps: f32,
    #[comptime] shape: Rows,
) {
    let Rows { vectors, lanes, items, groups, planes } = comptime!(shape);
    let mut shared = Shared::<[f32]>::new_slice(comptime!(if planes { 1 } else { UNITS }));
    let row = CUBE_POS * groups + UNIT_POS_Y as usize;
    let lane = UNIT_POS_X as usize;
    // Units beyond the last row read it again, for their part in the sums, and write nothing.
    let base = row.min(rows - 1) * vectors;
    let mut held = Array::<Vector<f32, N>>::new(items);
    let mut squares = Vector::<f32, N>::new(0.0);
    #[unroll]
    for i in 0..items {
        let column = lane + comptime!(i * lanes);
        let mut value = Vector::<f32, N>::new(0.0);
        if column < vectors {
            value = x[base + column];
            #[comptime]
            if let ComptimeOption::Some(residual) = &residual {
                value += residual[base + column];
            }
        }
        held[i] = value;
        squares = fma(value, value, squares);
    }
    let square = lanes_sum(total::<N>(squares), &mut shared, lanes, planes);
    let scale = Vector::<f32, N>::new((square * share + eps).inverse_sqrt());
    if row < rows {
        #[unroll]
        for i in 0..items {
            let column = lane + comptime!(i * lanes);
            if column < vectors {
                y[base + column] = held[i] * scale * weight[column];
            }
        }
        #[comptime]
        if let ComptimeOption::Some(sum) = sum {
            #[unroll]
            for i in 0..items {
                let column = lane + comptime!(i * lanes);
                if column < vectors {
                    sum[base + column] = held[i];
                }
            }
        }
    }
}

/// With `x^ = x r`, `g = dy w`: `dx = r (g - x^ mean(g x^))`, `dw = Σ dy x^`.
#[cube(launch_unchecked)]
fn backward_kernel<N: Size>(
    x: &[Vector<f32, N>],
    weight: &[Vector<f32, N>],
    dy: &[Vector<f32, N>],
    upstream: ComptimeOption<&[Vector<f32, N>]>,
    dx: &mut [Vector<f32, N>],
    partial: &mut [Vector<f32, N>],
    rows: usize,
    rounds: usize,
    share: f32,
    eps: f32,
    #[comptime] shape: Rows,
) {
    let Rows { vectors, lanes, items, groups, planes } = comptime!(shape);
    let mut shared = Shared::<[f32]>::new_slice(comptime!(if planes { 1 } else { UNITS }));
    let mut gathered = Shared::<[Vector<f32, N>]>::new_slice(comptime!(groups * lanes));
    let lane = UNIT_POS_X as usize;
    let group = UNIT_POS_Y as usize;
    let zero = Vector::<f32, N>::new(0.0);
    let mut w = Array::<Vector<f32, N>>::new(items);
    let mut dw = Array::<Vector<f32, N>>::new(items);
    #[unroll]
    for i in 0..items {
        let column = lane + comptime!(i * lanes);
        w[i] = weight[column.min(comptime!(vectors - 1))];
        dw[i] = zero;
    }
    for round in 0..rounds {
        let row = (CUBE_POS * rounds + round) * groups + group;
        let base = row.min(rows - 1) * vectors;
        let mut held = Array::<Vector<f32, N>>::new(items);
        let mut slope = Array::<Vector<f32, N>>::new(items);
        let mut squares = zero;
        let mut along = zero;
        #[unroll]
        for i in 0..items {
            let column = lane + comptime!(i * lanes);
            let mut value = zero;
            let mut gradient = zero;
            if column < vectors && row < rows {
                value = x[base + column];
                gradient = dy[base + column];
            }
            held[i] = value;
            slope[i] = gradient;
            squares = fma(value, value, squares);
            along = fma(gradient * w[i], value, along);
        }
        let square = lanes_sum(total::<N>(squares), &mut shared, lanes, planes);
        let product = lanes_sum(total::<N>(along), &mut shared, lanes, planes);
        let inverse = (square * share + eps).inverse_sqrt();
        let r = Vector::<f32, N>::new(inverse);
        let back = Vector::<f32, N>::new(-inverse * inverse * product * share);
        #[unroll]
        for i in 0..items {
            let column = lane + comptime!(i * lanes);
            dw[i] = fma(held[i] * r, slope[i], dw[i]);
            if column < vectors && row < rows {
                let mut through = r * fma(held[i], back, slope[i] * w[i]);
                #[comptime]
                if let ComptimeOption::Some(upstream) = &upstream {
                    through += upstream[base + column];
                }
                dx[base + column] = through;
            }
        }
    }
    #[unroll]
    for i in 0..items {
        let column = lane + comptime!(i * lanes);
        sync_cube();
        gathered[UNIT_POS as usize] = dw[i];
        sync_cube();
        if group == 0 && column < vectors {
            let mut sum = zero;
            for other in 0..groups {
                sum += gathered[other * lanes + lane];
            }
            partial[CUBE_POS * vectors + column] = sum;
        }
    }
}

/// 32 columns a cube; unit `(x, y)` adds the rows `y`, `y + groups`, …, then the groups are added in a tree.
#[cube(launch_unchecked)]
fn column_sums_kernel(matrix: &[f32], sums: &mut [f32], rows: usize, width: usize, #[comptime] groups: usize) {
    let mut shared = Shared::<[f32]>::new_slice(comptime!(groups * 32));
    let column = CUBE_POS * 32 + UNIT_POS_X as usize;
    let group = UNIT_POS_Y as usize;
    let mut sum = 0.0f32;
    if column < width {
        let mut row = group;
        while row < rows {
            sum += matrix[row * width + column];
            row += groups;
        }
    }
    shared[UNIT_POS as usize] = sum;
    let levels = comptime!(groups.ilog2() as usize);
    #[unroll]
    for level in 0..levels {
        let half = comptime!(groups >> (level + 1));
        sync_cube();
        if group < half {
            shared[UNIT_POS as usize] = shared[UNIT_POS as usize] + shared[UNIT_POS as usize + comptime!(half * 32)];
        }
    }
    if group == 0 && column < width {
        sums[column] = shared[UNIT_POS as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const EPS: f32 = 1e-5;

    #[test]
    fn rms_norm_equals_the_processors() {
        let Some(client) = device() else { return };
        for (n, d) in [(1, 1), (3, 7), (70, 16), (5, 64), (9, 132), (2, 260), (300, 3)] {
            let (x, r, w, dy, up) =
                (numbers(1, n * d), numbers(2, n * d), numbers(3, d), numbers(4, n * d), numbers(5, n * d));
            let (mut sum, mut y) = (vec![0.0; n * d], vec![0.0; n * d]);
            kernels::rms_norm::forward_residual(&x, &r, &w, EPS, &mut sum, &mut y);
            let (mut dx, mut dw) = (vec![0.0; n * d], vec![0.0; d]);
            kernels::rms_norm::backward(&sum, &w, EPS, &dy, Some(&up), &mut dx, &mut dw);

            let [x, r, w, dy, up] = [&x, &r, &w, &dy, &up].map(|host| upload(&client, host));
            let what = |name: &str| format!("{name} of {n} rows of {d}");
            let got = forward(&client, &x, Some(&r), &w, EPS, [n, d]);
            let got_sum = got.sum.expect("the sum with the residual");
            close(&what("sum"), &download(&client, &got_sum), &sum, 1e-7);
            close(&what("y"), &download(&client, &got.y), &y, 1e-6);
            let alone = forward(&client, &got_sum, None, &w, EPS, [n, d]);
            assert!(alone.sum.is_none());
            close(&what("y"), &download(&client, &alone.y), &y, 1e-6);

            let got = backward(&client, &got_sum, &w, EPS, &dy, Some(&up), [n, d]);
            close(&what("dx"), &download(&client, &got.dx), &dx, 2e-6);
            close(&what("dweight"), &download(&client, &got.dweight), &dw, 2e-6);
            let without = download(&client, &backward(&client, &got_sum, &w, EPS, &dy, None, [n, d]).dx);
            let added: Vec<f32> = without.iter().zip(&download(&client, &up)).map(|(a, b)| a + b).collect();
            close(&what("dx"), &added, &dx, 2e-6);
        }
    }

    #[test]
    fn column_sums_of_many_rows() {
        let Some(client) = device() else { return };
        for (n, d) in [(1, 1), (2, 40), (1000, 33)] {
            let matrix = numbers(1, n * d);
            let want: Vec<f32> =
                (0..d).map(|c| (0..n).map(|r| f64::from(matrix[r * d + c])).sum::<f64>() as f32).collect();
            let got = column_sums(&client, &upload(&client, &matrix), [n, d]);
            close("sums", &download(&client, &got), &want, 2e-6);
        }
    }
}
