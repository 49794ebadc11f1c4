//! The little linear algebra that covariances need: symmetric matrices of a few rows, their Cholesky factor, their
//! eigenvalues.

use std::ops::{Index, IndexMut};

/// A symmetric matrix, kept whole in rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Symmetric {
    size: usize,
    entries: Vec<f64>,
}

impl Symmetric {
    /// The matrix of zeros.
    pub fn zeros(size: usize) -> Self {
        Self { size, entries: vec![0.0; size * size] }
    }

    /// A multiple of the identity.
    pub fn diagonal(size: usize, value: f64) -> Self {
        let mut matrix = Self::zeros(size);
        (0..size).for_each(|i| matrix[(i, i)] = value);
        matrix
    }

    /// Number of rows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sum of the diagonal.
    pub fn trace(&self) -> f64 {
        (0..self.size).map(|i| self[(i, i)]).sum()
    }

    /// Adds `weight * v vᵀ` to the lower half; [`Symmetric::mirror`] makes it whole.
    pub(crate) fn add_square(&mut self, weight: f64, v: &[f64]) {
        for i in 0..self.size {
            let scaled = weight * v[i];
            let row = &mut self.entries[i * self.size..];
            (0..=i).for_each(|j| row[j] += scaled * v[j]);
        }
    }

    /// Copies the lower half to the upper.
    pub(crate) fn mirror(&mut self) {
        for i in 0..self.size {
            (0..i).for_each(|j| self[(j, i)] = self[(i, j)]);
        }
    }

    /// Multiplies every entry.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.entries.iter_mut().for_each(|entry| *entry *= factor);
    }

    /// The sum of two matrices of one size.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let entries = self.entries.iter().zip(&other.entries).map(|(a, b)| a + b).collect();
        Self { size: self.size, entries }
    }

    /// The lower triangle L with L Lᵀ = this matrix, which must be positive semidefinite. A pivot that is zero to
    /// rounding gives a column of zeros: a direction without spread, which a chain in collapse can well have.
    pub fn cholesky(&self) -> Lower {
        let d = self.size;
        let mut lower = Lower { size: d, entries: vec![0.0; d * d] };
        for j in 0..d {
            let squares: f64 = (0..j).map(|k| lower.at(j, k).powi(2)).sum();
            let pivot = self[(j, j)] - squares;
            if pivot <= d as f64 * f64::EPSILON * self[(j, j)] {
                continue;
            }
            let root = pivot.sqrt();
            lower.entries[j * d + j] = root;
            for i in j + 1..d {
                let products: f64 = (0..j).map(|k| lower.at(i, k) * lower.at(j, k)).sum();
                lower.entries[i * d + j] = (self[(i, j)] - products) / root;
            }
        }
        lower
    }

    /// Lᵀ M L for this matrix M: it has the eigenvalues of M L Lᵀ, and is symmetric.
    pub(crate) fn between(&self, lower: &Lower) -> Self {
        let d = self.size;
        let mut product = vec![0.0; d * d];
        for (i, j) in pairs(d) {
            product[i * d + j] = (0..d).map(|k| self[(i, k)] * lower.at(k, j)).sum();
        }
        let mut result = Self::zeros(d);
        for (i, j) in pairs(d) {
            result[(i, j)] = (0..d).map(|k| lower.at(k, i) * product[k * d + j]).sum();
        }
        result
    }

    /// The eigenvalues, in no order (Jacobi's cyclic rotations; Golub and Van Loan, 8.5).
    pub fn eigenvalues(&self) -> Vec<f64> {
        let (d, mut a) = (self.size, self.clone());
        // Convergence is quadratic: a handful of sweeps for any size that is met here.
        for _ in 0..50 {
            let off: f64 = pairs(d).filter(|&(i, j)| i != j).map(|at| a[at].powi(2)).sum();
            let diagonal: f64 = (0..d).map(|i| a[(i, i)].powi(2)).sum();
            if off <= f64::EPSILON.powi(2) * diagonal {
                break;
            }
            for p in 0..d {
                (p + 1..d).for_each(|q| a.rotate(p, q));
            }
        }
        (0..d).map(|i| a[(i, i)]).collect()
    }

    /// The rotation in the plane of `p` and `q` that makes their entry zero.
    fn rotate(&mut self, p: usize, q: usize) {
        if self[(p, q)] == 0.0 {
            return;
        }
        let tau = (self[(q, q)] - self[(p, p)]) / (2.0 * self[(p, q)]);
        let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
        let c = 1.0 / t.hypot(1.0);
        let s = t * c;
        for k in 0..self.size {
            let (kp, kq) = (self[(k, p)], self[(k, q)]);
            (self[(k, p)], self[(k, q)]) = (c * kp - s * kq, s * kp + c * kq);
        }
        for k in 0..self.size {
            let (pk, qk) = (self[(p, k)], self[(q, k)]);
            (self[(p, k)], self[(q, k)]) = (c * pk - s * qk, s * pk + c * qk);
        }
    }
}

impl Index<(usize, usize)> for Symmetric {
    type Output = f64;

    fn index(&self, (row, column): (usize, usize)) -> &f64 {
        &self.entries[row * self.size + column]
    }
}

impl IndexMut<(usize, usize)> for Symmetric {
    fn index_mut(&mut self, (row, column): (usize, usize)) -> &mut f64 {
        &mut self.entries[row * self.size + column]
    }
}

/// A lower triangular matrix: the Cholesky factor of a covariance.
#[derive(Clone, Debug, PartialEq)]
pub struct Lower {
    size: usize,
    entries: Vec<f64>,
}

impl Lower {
    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        self.entries[row * self.size + column]
    }

    /// Whether every direction has spread: then systems can be solved.
    pub fn is_regular(&self) -> bool {
        (0..self.size).all(|i| self.at(i, i) > 0.0)
    }

    /// ln det of L Lᵀ; minus infinity if it is singular.
    pub fn log_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|i| self.at(i, i).ln()).sum::<f64>()
    }

    /// L v.
    pub(crate) fn times(&self, v: &[f64]) -> Vec<f64> {
        (0..self.size).map(|i| (0..=i).map(|k| self.at(i, k) * v[k]).sum()).collect()
    }

    /// Replaces `v` by L⁻¹ v. The squares of the result sum to vᵀ(L Lᵀ)⁻¹v.
    pub(crate) fn whiten(&self, v: &mut [f64]) {
        for i in 0..self.size {
            let known: f64 = (0..i).map(|k| self.at(i, k) * v[k]).sum();
            v[i] = (v[i] - known) / self.at(i, i);
        }
    }

    /// Replaces `v` by (L Lᵀ)⁻¹ v.
    pub(crate) fn solve(&self, v: &mut [f64]) {
        self.whiten(v);
        for i in (0..self.size).rev() {
            let known: f64 = (i + 1..self.size).map(|k| self.at(k, i) * v[k]).sum();
            v[i] = (v[i] - known) / self.at(i, i);
        }
    }
}

/// ‖a - b‖².
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn pairs(size: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..size).flat_map(move |i| (0..size).map(move |j| (i, j)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix<const D: usize>(rows: [[f64; D]; D]) -> Symmetric {
        Symmetric { size: D, entries: rows.concat() }
    }

    #[test]
    fn a_factor_by_hand() {
        let lower = matrix([[4.0, 2.0, 2.0], [2.0, 5.0, 5.0], [2.0, 5.0, 14.0]]).cholesky();
        assert_eq!(lower.entries, [2.0, 0.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0]);
        assert!((lower.log_determinant() - 144f64.ln()).abs() < 1e-14);
        let mut v = lower.times(&[1.0, -1.0, 2.0]);
        assert_eq!(v, [2.0, -1.0, 5.0]);
        lower.whiten(&mut v);
        assert_eq!(v, [1.0, -1.0, 2.0]);
        // The sum of the third row is 21, and so on.
        let mut ones = vec![8.0, 12.0, 21.0];
        lower.solve(&mut ones);
        assert!(ones.iter().all(|x| (x - 1.0).abs() < 1e-14), "{ones:?}");
    }

    #[test]
    fn a_direction_without_spread_has_a_zero_column() {
        // Rank one: v vᵀ with v = (0.1, 0.3).
        let lower = matrix([[0.01, 0.03], [0.03, 0.09]]).cholesky();
        assert!(!lower.is_regular() && lower.log_determinant() == f64::NEG_INFINITY);
        let v = lower.times(&[1.0, 7.0]);
        assert!((v[0] - 0.1).abs() < 1e-15 && (v[1] - 0.3).abs() < 1e-15, "{v:?}");
    }

    #[test]
    fn eigenvalues_that_are_known() {
        // The second difference matrix of n rows has 2 - 2 cos(πk / (n + 1)).
        let n = 6;
        let mut a = Symmetric::diagonal(n, 2.0);
        (1..n).for_each(|i| (a[(i, i - 1)], a[(i - 1, i)]) = (-1.0, -1.0));
        let mut found = a.eigenvalues();
        found.sort_by(f64::total_cmp);
        for (k, found) in found.into_iter().enumerate() {
            let exact = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((found - exact).abs() < 1e-13, "{found} for {exact}");
        }
        assert_eq!(Symmetric::zeros(3).eigenvalues(), [0.0; 3]);
    }

    #[test]
    fn squares_add_up() {
        let mut a = Symmetric::zeros(2);
        a.add_square(2.0, &[1.0, 3.0]);
        a.mirror();
        assert_eq!(a, matrix([[2.0, 6.0], [6.0, 18.0]]));
        assert_eq!(a.trace(), 20.0);
    }
}
