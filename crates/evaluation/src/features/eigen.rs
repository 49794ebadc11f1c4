//! Eigenvalues and eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then implicit QR steps
//! with Wilkinson's shift (Golub and Van Loan, *Matrix Computations*, 8.3). O(n³).

/// Steps that one eigenvalue may take; two or three are usual.
const STEPS: usize = 60;

/// Eigenvalues, the largest first, each with its unit eigenvector as a row of the second part if `vectors` asks for them
/// (else that is empty). `a` is `n` x `n` and symmetric.
pub(crate) fn eigen(mut a: Vec<f64>, n: usize, vectors: bool) -> (Vec<f64>, Vec<f64>) {
    assert_eq!(a.len(), n * n, "a matrix is square");
    // Rows of `basis` are the columns of the transformation, so that a rotation works on two stretches of memory.
    let mut basis = if vectors { identity(n) } else { Vec::new() };
    let (mut diagonal, mut beside) = tridiagonal(&mut a, n, &mut basis);
    iterate(&mut diagonal, &mut beside, n, &mut basis);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| diagonal[j].total_cmp(&diagonal[i]));
    let values = order.iter().map(|&i| diagonal[i]).collect();
    let rows = if vectors { order.iter().flat_map(|&i| basis[i * n..][..n].to_vec()).collect() } else { Vec::new() };
    (values, rows)
}

fn identity(n: usize) -> Vec<f64> {
    let mut rows = vec![0.0; n * n];
    rows.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
    rows
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Reduces `a` to its diagonal and the numbers beside it: reflection k, I - 2vvᵀ, makes zeros of row k from its third
/// number on. `basis` takes the product of the reflections.
fn tridiagonal(a: &mut [f64], n: usize, basis: &mut [f64]) -> (Vec<f64>, Vec<f64>) {
    let mut beside = vec![0.0; n];
    let mut reflections: Vec<(usize, Vec<f64>)> = Vec::new();
    for k in 0..n.saturating_sub(2) {
        let row = &a[k * n + k + 1..(k + 1) * n];
        let size = dot(row, row).sqrt();
        let mut v = row.to_vec();
        // Away from the first number, so that nothing cancels.
        let target = if v[0] > 0.0 { -size } else { size };
        v[0] -= target;
        let length = dot(&v, &v).sqrt();
        beside[k] = target;
        if length == 0.0 {
            continue;
        }
        v.iter_mut().for_each(|x| *x /= length);
        reflect(a, n, k + 1, &v);
        reflections.push((k + 1, v));
    }
    if n > 1 {
        beside[n - 2] = a[(n - 2) * n + n - 1];
    }
    if !basis.is_empty() {
        // The product's rows, from the last reflection to the first, so that each touches what is not zero only.
        for (from, v) in reflections.iter().rev() {
            let mut sums = vec![0.0; n];
            for (i, &x) in v.iter().enumerate() {
                let row = &basis[(from + i) * n..][..n];
                sums.iter_mut().zip(row).for_each(|(sum, y)| *sum += 2.0 * x * y);
            }
            for (i, &x) in v.iter().enumerate() {
                let row = &mut basis[(from + i) * n..][..n];
                row.iter_mut().zip(&sums).for_each(|(y, sum)| *y -= x * sum);
            }
        }
        transpose(basis, n);
    }
    ((0..n).map(|i| a[i * n + i]).collect(), beside)
}

fn transpose(a: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..i {
            a.swap(i * n + j, j * n + i);
        }
    }
}

/// A becomes HAH for H = I - 2vvᵀ on the rows and columns from `from` on: A - vwᵀ - wvᵀ with w = 2(Av - (vᵀAv)v).
fn reflect(a: &mut [f64], n: usize, from: usize, v: &[f64]) {
    let mut w: Vec<f64> = (from..n).map(|i| dot(&a[i * n + from..(i + 1) * n], v)).collect();
    let along = dot(v, &w);
    w.iter_mut().zip(v).for_each(|(w, v)| *w = 2.0 * (*w - along * v));
    for i in from..n {
        let (vi, wi) = (v[i - from], w[i - from]);
        let row = &mut a[i * n + from..(i + 1) * n];
        row.iter_mut().zip(v.iter().zip(&w)).for_each(|(x, (vj, wj))| *x -= vi * wj + wi * vj);
    }
}

/// Makes the numbers beside the diagonal vanish, from below.
fn iterate(d: &mut [f64], e: &mut [f64], n: usize, basis: &mut [f64]) {
    let scale = d.iter().chain(e.iter()).fold(0.0_f64, |most, x| most.max(x.abs()));
    let vanishes = |d: &[f64], e: &[f64], i: usize| {
        e[i].abs() <= f64::EPSILON * (d[i].abs() + d[i + 1].abs()).max(f64::EPSILON * scale)
    };
    let mut end = n.saturating_sub(1);
    let mut steps = 0;
    while end > 0 {
        if vanishes(d, e, end - 1) {
            e[end - 1] = 0.0;
            (end, steps) = (end - 1, 0);
            continue;
        }
        steps += 1;
        assert!(steps <= STEPS, "a symmetric matrix of finite numbers has eigenvalues");
        let mut start = end - 1;
        while start > 0 && !vanishes(d, e, start - 1) {
            start -= 1;
        }
        step(d, e, start, end, n, basis);
    }
}

/// One QR step with the eigenvalue of the last two rows that is nearest the last number: a bulge is pushed down from
/// `start` to `end` by rotations.
fn step(d: &mut [f64], e: &mut [f64], start: usize, end: usize, n: usize, basis: &mut [f64]) {
    let half = (d[end - 1] - d[end]) / 2.0;
    let last = e[end - 1];
    let shift = d[end] - last * last / (half + half.hypot(last).copysign(if half == 0.0 { 1.0 } else { half }));
    let (mut x, mut z) = (d[start] - shift, e[start]);
    for k in start..end {
        let size = x.hypot(z);
        let (c, s) = if size == 0.0 { (1.0, 0.0) } else { (x / size, z / size) };
        if k > start {
            e[k - 1] = size;
        }
        let (a, b, m) = (d[k], d[k + 1], e[k]);
        d[k] = c * c * a + 2.0 * c * s * m + s * s * b;
        d[k + 1] = s * s * a - 2.0 * c * s * m + c * c * b;
        e[k] = c * s * (b - a) + (c * c - s * s) * m;
        if k + 1 < end {
            (x, z) = (e[k], s * e[k + 1]);
            e[k + 1] *= c;
        }
        if !basis.is_empty() {
            let (upper, lower) = basis[k * n..(k + 2) * n].split_at_mut(n);
            for (p, q) in upper.iter_mut().zip(lower) {
                (*p, *q) = (c * *p + s * *q, c * *q - s * *p);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_spectra() {
        assert_eq!(eigen(vec![3.0], 1, true), (vec![3.0], vec![1.0]));
        let (values, _) = eigen(vec![2.0, 1.0, 1.0, 2.0], 2, false);
        assert!((values[0] - 3.0).abs() < 1e-14 && (values[1] - 1.0).abs() < 1e-14);
        // The second difference of n points: 2 - 2 cos(πk/(n+1)).
        let n = 50;
        let second = |i: usize, j: usize| if i == j { 2.0 } else { -f64::from(i.abs_diff(j) == 1) };
        let matrix = (0..n * n).map(|at| second(at / n, at % n)).collect();
        for (k, value) in eigen(matrix, n, false).0.into_iter().rev().enumerate() {
            let expected = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-12, "{k}: {value}");
        }
        // Zeros, and one that is a multiple of the identity.
        assert_eq!(eigen(vec![0.0; 9], 3, false).0, [0.0; 3]);
        assert_eq!(eigen(identity(4), 4, false).0, [1.0; 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// A v = λ v, vectors of length 1 at right angles, and the trace.
        #[test]
        fn what_eigenvectors_are(n in 1_usize..24, numbers in proptest::collection::vec(-1.0_f64..1.0, 24 * 24)) {
            let a: Vec<f64> = (0..n * n).map(|at| numbers[(at / n).min(at % n) * 24 + (at / n).max(at % n)]).collect();
            let (values, rows) = eigen(a.clone(), n, true);
            prop_assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
            let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
            prop_assert!((values.iter().sum::<f64>() - trace).abs() < 1e-10);
            for (i, v) in rows.chunks_exact(n).enumerate() {
                for (j, w) in rows.chunks_exact(n).enumerate() {
                    prop_assert!((dot(v, w) - f64::from(i == j)).abs() < 1e-10, "{i} {j}");
                }
                for (row, x) in a.chunks_exact(n).zip(v) {
                    prop_assert!((dot(row, v) - values[i] * x).abs() < 1e-10);
                }
            }
        }
    }
}
