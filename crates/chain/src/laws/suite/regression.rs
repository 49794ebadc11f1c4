//! Cases of least squares.

use streams::{Stream, Streams};

use super::setting::{Setting, Simulate, chains};
use super::{Case, Kind};
use crate::laws::{Human, regression, squared_error};
use crate::learners::{Example, Family, FitError, Independent, Regressions, Weighted};

/// Number of coefficients, all 0 in truth, and standard deviation of the noise.
const D: usize = 3;
const TRUTH: [f64; D] = [0.0; D];
const NOISE: f64 = 0.5;
const NOISE2: f64 = NOISE * NOISE;

/// Examples of a chain.
const ROWS: u64 = 12;

/// The squared length of the fit's error.
fn error(model: &[f64]) -> f64 {
    squared_error(model, &TRUTH)
}

/// Chains that have new inputs in each batch.
fn fresh() -> Simulate {
    let family = Regressions { noise: NOISE, inputs: None };
    let truth = family.clone();
    chains(family, move |count, stream| truth.write(&TRUTH.to_vec(), count, stream), |model| error(model))
}

/// Chains in which each batch has the inputs of the human one, which are each chain's own.
fn same() -> Simulate {
    /// Item of the stream of inputs; the learner's own items are lower.
    const INPUTS: u64 = u64::MAX;
    Box::new(|setting: &Setting, streams: Streams| {
        let mut stream = streams.stream(streams::Purpose::Learner, 0, INPUTS);
        let inputs = Some(Regressions::inputs(D, setting.corpus(), &mut stream));
        let family = Regressions { noise: NOISE, inputs };
        let human = |stream: &mut Stream| family.write(&TRUTH.to_vec(), setting.corpus(), stream);
        let (mut learner, corpus) = Independent::new(family.clone(), streams, human);
        setting.chain(streams, &mut learner, &corpus, |finished| error(finished.model))
    })
}

/// Least squares whose labels are those of coefficients that are off, whatever was fitted.
#[derive(Clone)]
struct Biased {
    rows: Regressions,
    labels: Vec<f64>,
}

impl Family for Biased {
    type Draw = Example;
    type Model = Vec<f64>;
    type Error = FitError;

    fn fit(&self, draws: &[Weighted<'_, Example>], stream: &mut Stream) -> Result<Vec<f64>, FitError> {
        self.rows.fit(draws, stream)
    }

    fn write(&self, _: &Vec<f64>, count: usize, stream: &mut Stream) -> Vec<Example> {
        self.rows.write(&self.labels, count, stream)
    }
}

/// One of a quarter of rows whose coefficients are off by a vector of length 1.
fn quarter_biased() -> Case {
    let rows = Regressions { noise: NOISE, inputs: None };
    let family = Biased { rows: rows.clone(), labels: vec![1.0, 0.0, 0.0] };
    let simulate =
        chains(family, move |count, stream| rows.write(&TRUTH.to_vec(), count, stream), |model| error(model));
    let parameters = "squared error: a quarter of the rows off by 1, d 3, T 120";
    let setting = Setting::mixture(Human::Fresh, 0.75, 120, 2, 8000);
    Case::new("regression", Kind::Within(0.05), parameters, setting, simulate)
        .claims(&[1], |_| regression::error_of_biased_share(NOISE2, D as f64, 120.0, 0.25, 1.0))
}

pub(super) fn cases() -> Vec<Case> {
    let case = |kind, recipe: &str, inputs: &str, simulate| {
        let parameters = format!("squared error: {recipe}, {inputs} inputs, d 3, T 12");
        Case::new("regression", kind, parameters, Setting::named(recipe, ROWS, 8, 6000), simulate)
    };
    let (d, rows) = (D as f64, ROWS as f64);
    vec![
        case(Kind::Exact, "replace", "fresh", fresh())
            .claims(&[0, 3, 7], |generation| regression::error_replace(NOISE2, d, rows, generation)),
        case(Kind::Exact, "replace", "the same", same())
            .claims(&[1, 3, 7], |generation| regression::error_replace(NOISE2, d, rows, generation)),
        case(Kind::Exact, "accumulate", "the same", same())
            .claims(&[1, 3, 7], |generation| regression::error_accumulate_same(NOISE2, d, rows, generation)),
        case(Kind::Exact, "accumulate", "fresh", fresh())
            .claims(&[1, 3, 7], |generation| regression::error_accumulate_fresh(NOISE2, d, rows, generation)),
        case(Kind::AtMost, "accumulate", "fresh", fresh()).claims(&[7], |_| regression::error_bound(NOISE2, d, rows)),
        quarter_biased(),
    ]
}
