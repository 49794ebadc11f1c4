//! A case, and what is said of it.

use std::fmt;

use rayon::prelude::*;
use serde::{Serialize, Serializer};
use streams::{Purpose, Streams, item_of_name};

use super::setting::{CheckError, Setting, Simulate};
use crate::Recipe;

/// Standard errors by which a simulated mean may be off.
pub const TOLERANCE: f64 = 4.0;

/// A simulated value that is the same in every chain is only known up to rounding: this share of the law's value counts
/// as its standard error.
const ROUNDING: f64 = 1e-10;

/// What a law claims.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The mean over chains is the formula's.
    Exact,
    /// The mean is never below the formula's.
    AtLeast,
    /// The mean is never above the formula's.
    AtMost,
    /// The mean is the formula's up to this share of it.
    Within(f64),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.pad("exact"),
            Self::AtLeast => f.pad("lower bound"),
            Self::AtMost => f.pad("upper bound"),
            Self::Within(share) => f.pad(&format!("within {} %", (share * 1e4).round() / 100.0)),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What the law says of one generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// The generation.
    pub generation: u32,
    /// The law's value.
    pub value: f64,
}

/// A law, and how it is simulated.
pub struct Case {
    /// The law's name.
    pub law: &'static str,
    /// What is claimed.
    pub kind: Kind,
    /// Statistic, recipe and parameters, in words.
    pub parameters: String,
    /// What is simulated.
    pub setting: Setting,
    /// The law's values.
    pub claims: Vec<Claim>,
    simulate: Simulate,
}

impl Case {
    pub(super) fn new(
        law: &'static str,
        kind: Kind,
        parameters: impl Into<String>,
        setting: Setting,
        simulate: Simulate,
    ) -> Self {
        Self { law, kind, parameters: parameters.into(), setting, claims: Vec::new(), simulate }
    }

    /// Claims what `law` says of these generations.
    pub(super) fn claims(mut self, generations: &[u32], law: impl Fn(u32) -> f64) -> Self {
        self.claims = generations.iter().map(|&generation| Claim { generation, value: law(generation) }).collect();
        self
    }

    /// The same law, held against chains that follow another recipe.
    #[must_use]
    pub fn with_recipe(mut self, recipe: Recipe) -> Self {
        self.setting.recipe = recipe;
        self
    }

    /// Simulates and compares, a row for each claim.
    ///
    /// # Errors
    /// If the recipe cannot be filled, or what it gives cannot be fitted.
    pub fn check(&self, seed: u64) -> Result<Vec<Row>, CheckError> {
        let case = item_of_name(&format!("{} {} {}", self.law, self.kind, self.parameters));
        let mut seeds = Streams::new(seed).stream(Purpose::Evaluation, 0, case);
        let seeds: Vec<u64> = (0..self.setting.chains).map(|_| seeds.bits()).collect();
        let chain = |seed: &u64| (self.simulate)(&self.setting, Streams::new(*seed));
        let chains: Vec<Vec<f64>> = seeds.par_iter().map(chain).collect::<Result<_, _>>()?;
        Ok(self.claims.iter().map(|claim| self.row(claim, &chains)).collect())
    }

    fn row(&self, claim: &Claim, chains: &[Vec<f64>]) -> Row {
        let values = || chains.iter().map(|chain| chain[claim.generation as usize]);
        let n = chains.len() as f64;
        let simulated = values().sum::<f64>() / n;
        let squares: f64 = values().map(|value| (value - simulated).powi(2)).sum();
        let standard_error = (squares / (n * (n - 1.0))).sqrt();
        let unit = standard_error.max(ROUNDING * claim.value.abs());
        let deviation = if simulated == claim.value { 0.0 } else { (simulated - claim.value) / unit };
        let holds = match self.kind {
            Kind::Exact => deviation.abs() <= TOLERANCE,
            Kind::AtLeast => deviation >= -TOLERANCE,
            Kind::AtMost => deviation <= TOLERANCE,
            Kind::Within(share) => (simulated - claim.value).abs() <= share * claim.value.abs() + TOLERANCE * unit,
        };
        Row {
            law: self.law,
            kind: self.kind,
            parameters: self.parameters.clone(),
            generation: claim.generation,
            chains: self.setting.chains,
            closed_form: claim.value,
            simulated,
            standard_error,
            deviation,
            holds,
        }
    }
}

/// A claim and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The law's name.
    pub law: &'static str,
    /// What is claimed.
    pub kind: Kind,
    /// Statistic, recipe and parameters, in words.
    pub parameters: String,
    /// The generation.
    pub generation: u32,
    /// Number of chains.
    pub chains: u64,
    /// The law's value.
    pub closed_form: f64,
    /// The mean over the chains.
    pub simulated: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// How many standard errors it is above the law's value.
    pub deviation: f64,
    /// Whether the law agrees: within [`TOLERANCE`] standard errors if exact, on its side of a bound up to as many, or
    /// within an approximation's stated error and as many.
    pub holds: bool,
}
