//! Matrices as slices with strides, and their product on one thread by the `gemm` crate.
//!
//! Kernels cut a large product into pieces themselves, so that what is summed, and in which order, never depends on the
//! number of threads.

use super::vector::{LANES, Simd, with_simd};

/// A matrix in a slice: element `(i, j)` is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major `[data.len() / columns, columns]`.
    pub(crate) fn new(data: &'a [f32], columns: usize) -> Self {
        assert!(data.len().is_multiple_of(columns), "{} elements in rows of {columns}", data.len());
        Self { data, rows: data.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// Rows and columns exchanged; the data stays where it is.
    pub(crate) fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Rows `first..first + rows`.
    pub(crate) fn rows(self, first: usize, rows: usize) -> Self {
        assert!(first + rows <= self.rows, "rows {first} to {} of {}", first + rows, self.rows);
        Self { data: self.data.get(first * self.row_stride..).unwrap_or(&[]), rows, ..self }
    }
}

/// A copy of the row-major `[data.len() / columns, columns]` with rows and columns exchanged.
///
/// A product whose right side is a weight matrix `[out, in]` would transpose it, element by element, for each piece of rows; one
/// copy for all of them, in tiles of sixteen by sixteen, costs next to nothing.
pub(crate) fn transpose(data: &[f32], columns: usize) -> Vec<f32> {
    let rows = data.len() / columns;
    let mut out = vec![0.0; data.len()];
    with_simd!(|s| for first in (0..rows).step_by(LANES) {
        for column in (0..columns).step_by(LANES) {
            transpose_tile(s, data, [rows, columns], [first, column], &mut out);
        }
    });
    out
}

#[inline(always)]
fn transpose_tile<S: Simd>(
    s: S,
    data: &[f32],
    [rows, columns]: [usize; 2],
    [first, column]: [usize; 2],
    out: &mut [f32],
) {
    let mut tile = [s.zero(); LANES];
    for (r, row) in data[first * columns..].chunks_exact(columns).take(LANES).enumerate() {
        tile[r] = s.at(row, column);
    }
    let tile = s.transpose(tile);
    for (c, v) in tile.into_iter().take(columns - column).enumerate() {
        s.put(v, &mut out[(column + c) * rows..][..rows], first);
    }
}

/// `out = a b`, or `out += a b` if `add`; `out` is row-major `[a.rows, b.columns]`.
pub(crate) fn multiply(a: Matrix<'_>, b: Matrix<'_>, out: &mut [f32], add: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(b.rows == k && out.len() == m * n, "[{m}, {k}] times [{}, {n}] into {} elements", b.rows, out.len());
    if out.is_empty() {
        return;
    }
    if k == 0 {
        if !add {
            out.fill(0.0);
        }
        return;
    }
    for x in [a, b] {
        let last = (x.rows - 1) * x.row_stride + (x.columns - 1) * x.column_stride;
        assert!(last < x.data.len(), "a matrix reaches beyond its data");
    }
    // SAFETY: `gemm` reads the elements (i, j) of `a` and `b` at the given strides, all inside their slices (asserted above: the
    // strides are not negative, so the last element is the furthest), and writes the m * n elements of `out`, which is
    // borrowed exclusively and cannot overlap them.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    #[test]
    fn transposed_copies_at_odd_sizes() {
        for (rows, columns) in [(1, 1), (16, 16), (17, 31), (1, 40), (40, 1), (33, 48)] {
            let x = numbers(1, rows * columns);
            let t = transpose(&x, columns);
            assert!((0..rows * columns).all(|e| t[e % columns * rows + e / columns] == x[e]), "{rows} by {columns}");
        }
    }

    #[test]
    fn products_of_all_orientations() {
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (17, 1, 31), (31, 40, 1), (64, 33, 48)] {
            let (a, b) = (numbers(1, m * k), numbers(2, k * n));
            let want: Vec<f64> = (0..m * n)
                .map(|e| (0..k).map(|l| f64::from(a[e / n * k + l]) * f64::from(b[l * n + e % n])).sum())
                .collect();
            let flipped = |x: &[f32], columns: usize| -> Vec<f32> {
                let rows = x.len() / columns;
                (0..x.len()).map(|e| x[e % rows * columns + e / rows]).collect()
            };
            let (at, bt) = (flipped(&a, k), flipped(&b, n));
            for left in [Matrix::new(&a, k), Matrix::new(&at, m).transposed()] {
                for right in [Matrix::new(&b, n), Matrix::new(&bt, k).transposed()] {
                    let mut out = vec![f32::NAN; m * n];
                    multiply(left, right, &mut out, false);
                    close("product", &out, &want, 1e-6);
                    multiply(left, right, &mut out, true);
                    close("twice", &out, &want.iter().map(|x| 2.0 * x).collect::<Vec<_>>(), 1e-6);
                    multiply(left.rows(m - 1, 1), right, &mut out[..n], false);
                    close("last row", &out[..n], &want[(m - 1) * n..], 1e-6);
                }
            }
        }
    }
}
