//! Cases of normal distributions and of least squares.

use streams::{Purpose, Stream, Streams};

use super::drawn::Drawn;
use super::{Case, Kind, Setting};
use crate::laws::gaussian::{self, Variance};
use crate::laws::{Human, regression};
use crate::{Pick, RecipeError};

/// The distribution's standard deviation; its mean is 0.
const SIGMA: f64 = 1.5;
const SIGMA2: f64 = SIGMA * SIGMA;

/// A fit.
struct Normal {
    mean: f64,
    variance: f64,
}

/// Chains of the normal distribution that writes with `lambda` times its variance, and a statistic of the fit.
fn normal(
    variance: Variance,
    lambda: f64,
    statistic: impl Fn(&Normal) -> f64 + Send + Sync + 'static,
) -> impl Fn(&Setting, Streams) -> Result<Vec<f64>, RecipeError> + Send + Sync + 'static {
    move |setting, streams| {
        let fit = move |picked: &[(&Pick, &f64)], _, _: &mut Stream| {
            let n = picked.len() as f64;
            let mean = picked.iter().map(|(_, x)| **x).sum::<f64>() / n;
            let squares: f64 = picked.iter().map(|(_, x)| (**x - mean).powi(2)).sum();
            let variance = match variance {
                Variance::Biased => squares / n,
                Variance::Unbiased => squares / (n - 1.0),
                Variance::Known => SIGMA2,
            };
            Normal { mean, variance }
        };
        let draw = |mean: f64, deviation: f64, count, stream: &mut Stream| -> Vec<f64> {
            (0..count).map(|_| mean + deviation * stream.normal()).collect()
        };
        let human = |stream: &mut Stream| draw(0.0, SIGMA, setting.corpus(), stream);
        let write = |model: &Normal, count, stream: &mut Stream| {
            draw(model.mean, (lambda * model.variance).sqrt(), count, stream)
        };
        let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
        setting.chain(streams, &mut learner, &corpus, |trip| statistic(trip.model))
    }
}

pub(super) fn variance() -> Vec<Case> {
    const LAW: &str = "variance";
    let case = |kind, parameters: &str, setting, variance, lambda, statistic: fn(&Normal) -> f64| {
        Case::new(LAW, kind, parameters, setting, normal(variance, lambda, statistic))
    };
    let (biased, unbiased) = (Variance::Biased, Variance::Unbiased);
    let [replace, accumulate] = ["replace", "accumulate"].map(|name| Setting::named(name, 10, 10, 8000));
    let small = Setting::named("replace", 5, 10, 8000);
    let of_model = |model: &Normal| model.variance;
    let deviation = |model: &Normal| model.variance.sqrt();
    vec![
        case(Kind::Exact, "variance: replace, biased, n 10", replace, biased, 1.0, of_model)
            .claims(&[0, 4, 9], |generation| gaussian::variance_replace(biased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "variance: replace, unbiased, n 10", replace, unbiased, 1.0, of_model)
            .claims(&[0, 2], |generation| gaussian::variance_replace(unbiased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "variance: accumulate, biased, n 10", accumulate, biased, 1.0, of_model)
            .claims(&[1, 4, 9], |generation| gaussian::variance_accumulate(biased, SIGMA2, 10.0, generation)),
        case(
            Kind::Exact,
            "variance: accumulate, unbiased, n 5",
            Setting { human: 5, writing: 5, ..accumulate },
            unbiased,
            1.0,
            of_model,
        )
        .claims(&[1, 4, 9], |generation| gaussian::variance_accumulate(unbiased, SIGMA2, 5.0, generation)),
        case(Kind::Exact, "log variance: replace, unbiased, n 10", replace, unbiased, 1.0, |model| model.variance.ln())
            .claims(&[0, 4, 9], |generation| gaussian::log_variance_replace(unbiased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "log variance: replace, biased, n 10", replace, biased, 1.0, |model| model.variance.ln())
            .claims(&[9], |generation| gaussian::log_variance_replace(biased, SIGMA2, 10.0, generation)),
        case(Kind::Exact, "deviation: replace, unbiased, n 10", replace, unbiased, 1.0, deviation)
            .claims(&[0, 4, 9], |generation| gaussian::deviation_replace(SIGMA, 10.0, generation)),
        case(Kind::AtMost, "deviation above 1: replace, unbiased, n 5", small, unbiased, 1.0, |model| {
            f64::from(model.variance > 1.0)
        })
        .claims(&[4, 9], |generation| gaussian::deviation_exceeds(SIGMA, 1.0, 5.0, generation)),
        case(Kind::Exact, "variance: replace, unbiased, n 10, writing with .8 of it", replace, unbiased, 0.8, of_model)
            .claims(&[1, 4], |generation| gaussian::variance_narrowed(0.8, SIGMA2, generation)),
    ]
}

pub(super) fn drift() -> Vec<Case> {
    let case = |kind: Kind, recipe: &str, variance: Variance| {
        let parameters = format!("squared error of the mean: {recipe}, {variance:?}, n 10").to_lowercase();
        let setting = Setting::named(recipe, 10, 10, 8000);
        Case::new("drift", kind, parameters, setting, normal(variance, 1.0, |model| model.mean * model.mean))
    };
    let variances = [Variance::Biased, Variance::Unbiased, Variance::Known];
    let replace = variances.map(|variance| {
        case(Kind::Exact, "replace", variance)
            .claims(&[1, 3, 9], |generation| gaussian::drift_replace(variance, SIGMA2, 10.0, generation))
    });
    let accumulate = variances.map(|variance| {
        case(Kind::Exact, "accumulate", variance)
            .claims(&[1, 3, 9], |generation| gaussian::drift_accumulate(variance, SIGMA2, 10.0, generation))
    });
    let bound =
        case(Kind::AtMost, "accumulate", Variance::Unbiased).claims(&[9], |_| gaussian::drift_bound(SIGMA2, 10.0));
    replace.into_iter().chain(accumulate).chain([bound]).collect()
}

/// Number of coefficients, standard deviation of the noise.
const D: usize = 3;
const NOISE: f64 = 0.5;
const NOISE2: f64 = NOISE * NOISE;

/// Coefficients, or the inputs of a row.
type Vector = [f64; D];

/// Inputs and their label.
type Row = (Vector, f64);

fn inputs(count: usize, stream: &mut Stream) -> Vec<Vector> {
    (0..count).map(|_| std::array::from_fn(|_| stream.normal())).collect()
}

/// Labels by coefficients `w`, with noise.
fn label(w: &Vector, inputs: Vec<Vector>, stream: &mut Stream) -> Vec<Row> {
    let mut predict = |x: &Vector| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>() + NOISE * stream.normal();
    inputs.into_iter().map(|x| (x, predict(&x))).collect()
}

/// Least squares, by elimination in the normal equations (their diagonal is positive throughout).
fn least_squares<'a>(rows: impl Iterator<Item = &'a Row>) -> Vector {
    let mut system = [[0.0; D + 1]; D];
    for (x, y) in rows {
        for i in 0..D {
            (0..D).for_each(|j| system[i][j] += x[i] * x[j]);
            system[i][D] += x[i] * y;
        }
    }
    for i in 0..D {
        let pivot = system[i];
        for row in (0..D).filter(|&row| row != i) {
            let factor = system[row][i] / pivot[i];
            system[row].iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    std::array::from_fn(|i| system[i][D] / system[i][i])
}

/// What a chain of least squares does beside fitting.
#[derive(Clone, Copy)]
enum Fitting {
    /// New inputs in each batch.
    Fresh,
    /// All batches have the inputs of the human rows.
    Same,
    /// New inputs, and model 0 is off by a vector of this length, whatever it has read.
    Biased(f64),
}

/// Chains of least squares from coefficients 0, and the squared length of the fit's error.
fn squares(fitting: Fitting) -> impl Fn(&Setting, Streams) -> Result<Vec<f64>, RecipeError> + Send + Sync + 'static {
    /// Item of the stream of inputs that are the same in each batch.
    const SAME: u64 = 3;
    move |setting, streams| {
        let given = |count, stream: &mut Stream| match fitting {
            Fitting::Same => inputs(count, &mut streams.stream(Purpose::Learner, 0, SAME)),
            Fitting::Fresh | Fitting::Biased(_) => inputs(count, stream),
        };
        let fit = |picked: &[(&Pick, &Row)], generation, _: &mut Stream| match fitting {
            Fitting::Biased(c) if generation == 0 => std::array::from_fn(|i| if i == 0 { c } else { 0.0 }),
            _ => least_squares(picked.iter().map(|(_, row)| *row)),
        };
        let human = |stream: &mut Stream| label(&[0.0; D], given(setting.corpus(), stream), stream);
        let write = |w: &Vector, count: usize, stream: &mut Stream| label(w, given(count, stream), stream);
        let (mut learner, corpus) = Drawn::new(streams, human, fit, write);
        setting.chain(streams, &mut learner, &corpus, |trip| trip.model.iter().map(|w| w * w).sum())
    }
}

pub(super) fn regression() -> Vec<Case> {
    const ROWS: u64 = 12;
    let case = |kind, recipe: &str, inputs: &str, fitting| {
        let parameters = format!("squared error: {recipe}, {inputs} inputs, d 3, T 12");
        Case::new("regression", kind, parameters, Setting::named(recipe, ROWS, 8, 6000), squares(fitting))
    };
    let (d, rows) = (D as f64, ROWS as f64);
    let biased = Setting::mixture(Human::Fresh, 0.75, 120, 2, 8000);
    let parameters = "squared error: a quarter of the rows off by 1, d 3, T 120";
    vec![
        case(Kind::Exact, "replace", "fresh", Fitting::Fresh)
            .claims(&[0, 3, 7], |generation| regression::error_replace(NOISE2, d, rows, generation)),
        case(Kind::Exact, "replace", "the same", Fitting::Same)
            .claims(&[1, 3, 7], |generation| regression::error_replace(NOISE2, d, rows, generation)),
        case(Kind::Exact, "accumulate", "the same", Fitting::Same)
            .claims(&[1, 3, 7], |generation| regression::error_accumulate_same(NOISE2, d, rows, generation)),
        case(Kind::Exact, "accumulate", "fresh", Fitting::Fresh)
            .claims(&[1, 3, 7], |generation| regression::error_accumulate_fresh(NOISE2, d, rows, generation)),
        case(Kind::AtMost, "accumulate", "fresh", Fitting::Fresh)
            .claims(&[7], |_| regression::error_bound(NOISE2, d, rows)),
        Case::new("regression", Kind::Within(0.05), parameters, biased, squares(Fitting::Biased(1.0)))
            .claims(&[1], |_| regression::error_of_biased_share(NOISE2, d, 120.0, 0.25, 1.0)),
    ]
}
