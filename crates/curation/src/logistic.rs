//! Logistic regression on sparse rows.
//!
//! Minimises Σ aᵢ ln(1 + e^{-yᵢ(w·xᵢ + b)}) + λ|w|²/2 with classes of equal weight (aᵢ = n / 2n_class, y = ±1), the
//! intercept free: strictly convex, so there is one answer, and Newton's method with conjugate gradients and
//! backtracking finds it (as liblinear does; Lin, Weng and Keerthi 2008). Sums are taken in the order of the rows. The
//! libraries at hand want dense matrices, which 65,536 hashed columns rule out.

use rayon::prelude::*;

use crate::features::Row;

/// The gradient's length, per row, at which the minimum is found.
const TOLERANCE: f64 = 1e-9;
const STEPS: usize = 100;

/// A fitted regression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Logistic {
    /// w, then b.
    parameters: Vec<f64>,
}

impl Logistic {
    /// Fits rows of `columns` columns; `labels` are true for the class whose probability is wanted.
    pub(crate) fn fit(rows: &[&Row], labels: &[bool], columns: usize, l2: f64) -> Self {
        let positive = labels.iter().filter(|&&label| label).count();
        let of_class = |label: bool| if label { positive } else { labels.len() - positive };
        let balance = |&label: &bool| labels.len() as f64 / (2.0 * of_class(label) as f64);
        let problem = Problem { rows, labels, importance: labels.iter().map(balance).collect(), l2 };
        Self { parameters: problem.minimum(columns) }
    }

    /// The logarithm of the odds that a row is of the class, were the classes equally frequent.
    pub(crate) fn log_odds(&self, row: &Row) -> f64 {
        margin(&self.parameters, row)
    }
}

/// w·x + b.
fn margin(parameters: &[f64], row: &Row) -> f64 {
    let intercept = parameters[parameters.len() - 1];
    row.iter().map(|&(column, x)| parameters[column as usize] * x).sum::<f64>() + intercept
}

/// 1 / (1 + e^{-z}).
pub(crate) fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// ln(1 + e^z) without overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

struct Problem<'a> {
    rows: &'a [&'a Row],
    labels: &'a [bool],
    importance: Vec<f64>,
    l2: f64,
}

impl Problem<'_> {
    fn minimum(&self, columns: usize) -> Vec<f64> {
        let mut at = vec![0.0; columns + 1];
        for _ in 0..STEPS {
            let margins = self.margins(&at);
            let gradient = self.gradient(&at, &margins);
            let length = norm(&gradient);
            if length <= TOLERANCE * self.rows.len() as f64 {
                break;
            }
            let step = self.newton_step(&margins, &gradient, length);
            match self.backtrack(&at, &margins, &gradient, &step) {
                Some(next) => at = next,
                // Nothing along the step is lower: rounding is all that is left.
                None => break,
            }
        }
        at
    }

    fn margins(&self, at: &[f64]) -> Vec<f64> {
        self.rows.par_iter().map(|row| margin(at, row)).collect()
    }

    fn value(&self, at: &[f64], margins: &[f64]) -> f64 {
        let loss = |((z, &label), a): ((&f64, &bool), &f64)| a * softplus(if label { -z } else { *z });
        let losses: f64 = margins.iter().zip(self.labels).zip(&self.importance).map(loss).sum();
        let weights = &at[..at.len() - 1];
        losses + 0.5 * self.l2 * weights.iter().map(|w| w * w).sum::<f64>()
    }

    /// Σ cᵢ (xᵢ, 1) + λ (v, 0).
    fn gather(&self, coefficients: impl Iterator<Item = f64>, vector: &[f64]) -> Vec<f64> {
        let last = vector.len() - 1;
        let mut sum: Vec<f64> = vector.iter().map(|v| self.l2 * v).collect();
        sum[last] = 0.0;
        for (row, c) in self.rows.iter().zip(coefficients) {
            row.iter().for_each(|&(column, x)| sum[column as usize] += c * x);
            sum[last] += c;
        }
        sum
    }

    fn gradient(&self, at: &[f64], margins: &[f64]) -> Vec<f64> {
        let miss = |((&z, &label), a): ((&f64, &bool), &f64)| a * (logistic(z) - f64::from(u8::from(label)));
        self.gather(margins.iter().zip(self.labels).zip(&self.importance).map(miss), at)
    }

    /// Solves H s = -g by conjugate gradients, as exactly as the distance from the minimum deserves.
    fn newton_step(&self, margins: &[f64], gradient: &[f64], length: f64) -> Vec<f64> {
        let curvature = |(&z, a): (&f64, &f64)| a * logistic(z) * logistic(-z);
        let curvatures: Vec<f64> = margins.iter().zip(&self.importance).map(curvature).collect();
        let goal = length * (length / self.rows.len() as f64).sqrt().min(0.1);
        let mut step = vec![0.0; gradient.len()];
        let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut direction = residual.clone();
        let mut square = dot(&residual, &residual);
        for _ in 0..self.rows.len() + 10 {
            let along = self.margins(&direction);
            let image = self.gather(along.iter().zip(&curvatures).map(|(d, c)| d * c), &direction);
            let bend = dot(&direction, &image);
            if bend <= 0.0 {
                break;
            }
            let far = square / bend;
            add(&mut step, far, &direction);
            add(&mut residual, -far, &image);
            let next = dot(&residual, &residual);
            if next.sqrt() <= goal {
                break;
            }
            direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + next / square * *d);
            square = next;
        }
        step
    }

    /// The first point along the step, halved and halved, that is lower by a fair part of what the slope promises.
    fn backtrack(&self, at: &[f64], margins: &[f64], gradient: &[f64], step: &[f64]) -> Option<Vec<f64>> {
        let (value, slope) = (self.value(at, margins), dot(gradient, step));
        let points = (0..40).map(|halvings| {
            let far = 0.5_f64.powi(halvings);
            let mut point = at.to_vec();
            add(&mut point, far, step);
            (far, point)
        });
        let lower = |(far, point): &(f64, Vec<f64>)| {
            self.value(point, &self.margins(point)) <= value + 1e-4 * far * slope && slope < 0.0
        };
        points.into_iter().find(lower).map(|(_, point)| point)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Case {
        l2: f64,
        rows: Vec<Vec<f64>>,
        labels: Vec<bool>,
        weights: Vec<f64>,
        intercept: f64,
    }

    fn sparse(row: &[f64]) -> Row {
        row.iter().enumerate().map(|(column, &x)| (column as u32, x)).filter(|(_, x)| *x != 0.0).collect()
    }

    /// `scripts/make-logistic-fixture.py` asked scikit-learn.
    #[test]
    fn as_scikit_learn_says() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../tests/fixture/logistic.json")).unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let rows: Vec<Row> = case.rows.iter().map(|row| sparse(row)).collect();
            let fit = Logistic::fit(&rows.iter().collect::<Vec<_>>(), &case.labels, case.weights.len(), case.l2);
            for (ours, theirs) in fit.parameters.iter().zip(case.weights.iter().chain([&case.intercept])) {
                assert!((ours - theirs).abs() < 1e-6 * (1.0 + theirs.abs()), "{ours} {theirs}");
            }
        }
    }

    /// One column for each type and hardly a penalty: the odds are the ratio of the classes' frequencies.
    #[test]
    fn odds_of_types_are_ratios_of_frequencies() {
        let counts = [(40, 10), (30, 30), (10, 60), (20, 100)];
        let mut rows: Vec<Row> = Vec::new();
        let mut labels = Vec::new();
        for (kind, &(human, written)) in counts.iter().enumerate() {
            rows.extend(vec![vec![(kind as u32, 1.0)]; human + written]);
            labels.extend((0..human + written).map(|at| at < human));
        }
        let fit = Logistic::fit(&rows.iter().collect::<Vec<_>>(), &labels, 4, 1e-7);
        for (kind, (human, written)) in counts.into_iter().enumerate() {
            let ratio = (human as f64 / 100.0) / (written as f64 / 200.0);
            assert!((fit.log_odds(&vec![(kind as u32, 1.0)]) - ratio.ln()).abs() < 1e-5);
        }
    }
}
