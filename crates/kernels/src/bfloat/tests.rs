use super::*;
use crate::precision::round;
use crate::spec::Precision;
use crate::testing::*;

/// The token, or the test is over.
macro_rules! token {
    () => {
        match Bfloat::try_new() {
            Some(s) => s,
            None => return skipped("no bfloat16 instructions (avx512_bf16)"),
        }
    };
}

/// `[m, k]` times `[k, n]` as the processor defines it: pairs one after the other, in a pair the odd element first, each
/// product added with one rounding; blocks of the inner dimension are summed by themselves.
fn defined(a: &[f32], b: &[f32], [m, k, n]: [usize; 3], out: &mut [f32], add: bool) {
    for (e, out) in out.iter_mut().enumerate() {
        let (i, j) = (e / n, e % n);
        for block in (0..k).step_by(2 * DEPTH) {
            let end = (block + 2 * DEPTH).min(k);
            let mut sum = 0.0f32;
            for even in (block..end).step_by(2) {
                for l in [even + 1, even].into_iter().filter(|&l| l < end) {
                    sum = round(a[i * k + l]).mul_add(round(b[l * n + j]), sum);
                }
            }
            *out = if add || block > 0 { sum + *out } else { sum };
        }
    }
    assert_eq!(out.len(), m * n);
}

fn flipped(x: &[f32], columns: usize) -> Vec<f32> {
    let rows = x.len() / columns;
    (0..x.len()).map(|e| x[e % rows * columns + e / rows]).collect()
}

fn buffer(lines: usize) -> Vec<Line> {
    vec![Line([0x7fc1_7fc1; 16]); lines]
}

const SIZES: [[usize; 3]; 12] = [
    [1, 1, 1],
    [1, 2, 17],
    [3, 5, 2],
    [8, 16, 16],
    [9, 31, 33],
    [17, 1, 31],
    [31, 40, 1],
    [13, 64, 49],
    [2, 257, 65],
    [16, 513, 81],
    [65, 33, 112],
    [10, 600, 127],
];

/// Both layouts of both sides. What the layouts do not fill is NaN before, so that reading it would show.
#[test]
fn products_of_all_orientations_have_the_bits_of_the_definition() {
    let s = token!();
    for shape @ [m, k, n] in SIZES {
        let (a, b, pairs) = (numbers(1, m * k), numbers(2, k * n), k.div_ceil(2));
        let (at, bt) = (flipped(&a, k), flipped(&b, n));
        let (mut rows, mut panels) = (buffer(Layout::Rows.lines(m, pairs)), buffer(Layout::Panels.lines(m, pairs)));
        s.rows(a.chunks_exact(k), k, &mut rows);
        for (data, lines) in at.chunks(2 * DEPTH * m).zip(panels.chunks_mut(Layout::Panels.block(m))) {
            s.left_block(data, m, lines);
        }
        let (mut straight, mut transposed) = (buffer(Right::lines(pairs, n)), buffer(Right::lines(pairs, n)));
        s.right_straight(&b, n, &mut straight);
        s.right_transposed(&bt, k, &mut transposed);
        for (layout, left) in [(Layout::Rows, &rows), (Layout::Panels, &panels)] {
            for right in [&straight, &transposed] {
                let (left, right) = (Left::new(left, layout, m, pairs), Right::new(right, pairs, n));
                let mut want = vec![f32::NAN; m * n];
                let mut out = want.clone();
                for add in [false, true] {
                    defined(&a, &b, shape, &mut want, add);
                    s.multiply(left, right, &mut out, add);
                    assert!(
                        out.iter().zip(&want).all(|(x, y)| x.to_bits() == y.to_bits()),
                        "{shape:?} {layout:?} {add}"
                    );
                }
                let last = (m - 1) / ROWS * ROWS;
                s.multiply(left.part(last, m - last), right, &mut out[last * n..], false);
                defined(&a[last * k..], &b, [m - last, k, n], &mut want[last * n..], false);
                assert!(out == want, "{shape:?} {layout:?}, last tile");
            }
        }
    }
}

#[test]
fn sums_are_as_close_as_float32_sums() {
    let s = token!();
    let [m, k, n] = [19, 1100, 53];
    let (a, b) = (Precision::Bfloat16.rounded(&numbers(1, m * k)), Precision::Bfloat16.rounded(&numbers(2, k * n)));
    let want: Vec<f64> =
        (0..m * n).map(|e| (0..k).map(|l| f64::from(a[e / n * k + l]) * f64::from(b[l * n + e % n])).sum()).collect();
    let (mut left, mut right) = (buffer(Layout::Rows.lines(m, k / 2)), buffer(Right::lines(k / 2, n)));
    s.rows(a.chunks_exact(k), k, &mut left);
    s.right_straight(&b, n, &mut right);
    let mut out = vec![0.0; m * n];
    s.multiply(Left::new(&left, Layout::Rows, m, k / 2), Right::new(&right, k / 2, n), &mut out, false);
    close("product", &out, &want, 1e-6);
}

/// Every 257th float, which is every kind of them, through the conversion of the processor.
#[test]
fn the_processor_rounds_as_the_plain_code_does() {
    let s = token!();
    let k = 4096;
    let mut lines = buffer(Layout::Rows.lines(1, k / 2));
    for start in (0..u32::MAX / 257 - k as u32).step_by(k * 61) {
        let x: Vec<f32> = (start..start + k as u32).map(|i| f32::from_bits(i * 257)).collect();
        s.rows([&x[..]].into_iter(), k, &mut lines);
        for (block, x) in x.chunks(2 * DEPTH).enumerate() {
            for (i, &x) in x.iter().enumerate() {
                let pair = lines[block * Layout::Rows.block(1) + i / 32].0[i % 32 / 2];
                assert_eq!(pair >> (16 * (i % 2)) & 0xffff, round(x).to_bits() >> 16, "{:x}", x.to_bits());
            }
        }
    }
}

#[test]
fn nan_and_infinity_stay_in_their_rows_and_columns() {
    let s = token!();
    let [m, k, n] = [11, 7, 21];
    let (mut a, mut b) = (numbers(1, m * k), numbers(2, k * n));
    (a[3 * k + 6], a[5 * k], b[2 * n + 20]) = (f32::NAN, f32::INFINITY, f32::from_bits(0x7f80_0001));
    let (mut left, mut right) = (buffer(Layout::Rows.lines(m, 4)), buffer(Right::lines(4, n)));
    s.rows(a.chunks_exact(k), k, &mut left);
    s.right_straight(&b, n, &mut right);
    let mut out = vec![0.0; m * n];
    s.multiply(Left::new(&left, Layout::Rows, m, 4), Right::new(&right, 4, n), &mut out, false);
    for (e, x) in out.iter().enumerate() {
        let (i, j) = (e / n, e % n);
        assert_eq!(x.is_nan(), i == 3 || j == 20, "{i}, {j}: {x}");
        assert_eq!(x.is_infinite(), i == 5 && j != 20, "{i}, {j}: {x}");
    }
}

#[test]
fn rows_times_factors_are_laid_out_twice() {
    let s = token!();
    for (n, columns) in [(1, 1), (2, 16), (3, 33), (7, 300), (64, 47)] {
        let (x, scales, first) = (numbers(1, n * columns), numbers(2, n), 5);
        let scaled: Vec<f32> = (0..x.len()).map(|e| x[e] * scales[e / columns]).collect();
        let (pairs, block) = (columns.div_ceil(2), Layout::Panels.block(columns));
        let (mut rows, mut panels) = (buffer(Layout::Rows.lines(n, pairs)), buffer(block));
        s.scaled(&x, columns, &scales, &mut rows, &mut panels, first);
        let mut want = buffer(rows.len());
        s.rows(scaled.chunks_exact(columns), columns, &mut want);
        for e in 0..n * columns {
            let (row, column) = (e / columns, e % columns);
            let line = column / (2 * DEPTH) * Layout::Rows.block(n) + row * STRIDE + column % (2 * DEPTH) / 32;
            let half = |lines: &[Line]| lines[line].0[column % 32 / 2] >> (16 * (column % 2)) & 0xffff;
            assert_eq!(half(&rows), half(&want), "{row}, {column}");
            assert!(column + 1 < columns || column % 2 == 1 || rows[line].0[column % 32 / 2] << 1 >> 17 == 0);
            let place = column / ROWS * PANEL * 16 + (first + row / 2) * ROWS + column % ROWS;
            let pair = panels[place / 16].0[place % 16];
            assert_eq!(pair >> (16 * (row % 2)) & 0xffff, round(scaled[e]).to_bits() >> 16, "{row}, {column}");
            assert!(row + 1 < n || row % 2 == 1 || pair >> 16 == 0, "a last row alone is with zeros");
        }
    }
}

#[test]
fn panels_cover_all_vectors() {
    for vectors in 0..40 {
        let mut next = 0;
        for (first, width) in panels(vectors) {
            assert!(first == next && (1..=3).contains(&width) && (width > 1 || vectors == 1));
            next += width;
        }
        assert_eq!(next, vectors);
    }
}
