//! An exact learner's model against the truth.

use super::entry::{Axis, Damage, Figure, Metric, Needs, Panel, Set};
use crate::Dimension::{Order, Part};

const fn of_model(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    Metric::new(Set::Model, name, title, unit).needs(Needs::Exact)
}

/// A metric with a figure of its own.
macro_rules! drawn {
    ($name:literal, $title:literal, $unit:literal) => {
        of_model($name, $title, $unit).drawn(
            &Figure {
                name: concat!("model-", $name),
                title: $title,
                label: $unit,
                axis: Axis::Amount,
                caption: "Of the model of each generation, against the truth.",
            },
            &[Panel { title: $title, views: &[&[]] }],
        )
    };
}

pub static SUPPORT: Metric = drawn!("support", "Types that the model knows", "types").worse(Damage::Less);
pub static VARIANCE: Metric = drawn!("variance", "Variance", "variance per dimension");
pub static IMPOSSIBLE: Metric =
    drawn!("impossible", "Documents that the model never generates", "share of the true documents").worse(Damage::More);
pub static EXCESS_RISK: Metric = drawn!("excess-risk", "Excess risk", "excess risk").worse(Damage::More);
pub static INTEGRATED_SQUARED_ERROR: Metric =
    drawn!("integrated-squared-error", "Integrated squared error", "integrated squared error").worse(Damage::More);
pub static HETEROZYGOSITY: Metric = drawn!("heterozygosity", "Heterozygosity", "heterozygosity").worse(Damage::Less);
pub static SQUARED_ERROR: Metric = drawn!("squared-error", "Squared error", "squared error").worse(Damage::More);
pub static MODEL_EXCESS: Metric =
    drawn!("excess", "Excess over the truth, nats", "nats per document").worse(Damage::More);
pub static SQUARED_WASSERSTEIN: Metric =
    drawn!("squared-wasserstein", "Wasserstein-2 distance to the truth, squared", "squared distance")
        .worse(Damage::More);
pub static MODEL_DIVERGENCE: Metric =
    drawn!("divergence", "Divergence from the truth, nats", "nats").worse(Damage::More);

pub static MODEL_MISSING_MASS: Metric =
    of_model("missing-mass", "Probability of lost types", "probability").on(Axis::Share).worse(Damage::More);
pub static MODEL_ENTROPY: Metric = of_model("entropy", "Entropy", "nats").worse(Damage::Less);
pub static LOG_VARIANCE: Metric = of_model("log-variance", "Log variance", "log variance per dimension");
pub static LOG_LIKELIHOOD: Metric =
    of_model("log-likelihood", "Log-likelihood of true draws", "nats per draw").worse(Damage::Less);
pub static COMPONENT_WEIGHT: Metric =
    of_model("component-weight", "Weight of a component", "probability").on(Axis::Share).by(&[Part]);
pub static COMPONENT_ERROR: Metric =
    of_model("component-error", "Error of a component's mean", "squared distance").by(&[Part]).worse(Damage::More);
pub static COMPONENT_VARIANCE: Metric =
    of_model("component-variance", "Variance of a component", "variance per dimension").by(&[Part]);
pub static NGRAMS: Metric = of_model("ngrams", "Different n-grams of the training set", "n-grams").by(&[Order]);
pub static SURVIVAL: Metric = of_model("survival", "N-grams of generation 0 that are left", "share of the n-grams")
    .on(Axis::Share)
    .by(&[Order])
    .worse(Damage::Less);

pub(super) const METRICS: &[&Metric] = &[
    &SUPPORT,
    &VARIANCE,
    &IMPOSSIBLE,
    &EXCESS_RISK,
    &INTEGRATED_SQUARED_ERROR,
    &HETEROZYGOSITY,
    &SQUARED_ERROR,
    &MODEL_EXCESS,
    &SQUARED_WASSERSTEIN,
    &MODEL_DIVERGENCE,
    &MODEL_MISSING_MASS,
    &MODEL_ENTROPY,
    &LOG_VARIANCE,
    &LOG_LIKELIHOOD,
    &COMPONENT_WEIGHT,
    &COMPONENT_ERROR,
    &COMPONENT_VARIANCE,
    &NGRAMS,
    &SURVIVAL,
];
