//! The settings of a learner of a known distribution, beside [`chain::solvable::Settings`].

use super::kind::plain;
use super::{Common, Scope};
use crate::error::{Error, fail};
use chain::Recipe;
use chain::solvable::Settings;
use sampling::Sampling;
use toml::{Table, Value};

/// An exact learner: its chain is simulated from the true distribution, without text.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// The `[model]` table: the learner, and the distribution that it learns.
    pub model: Settings,
    /// The `[sample]` table: of the sampler's options, those that the learner honours.
    pub sampling: Sampling,
}

impl Exact {
    pub(super) fn to_table(&self) -> Table {
        let mut table = Table::from_iter([("model".to_owned(), Value::Table(plain(&self.model)))]);
        let mut sample = plain(&self.sampling);
        sample.retain(|key, _| self.model.honours().iter().any(|opt| opt.name() == key));
        if !sample.is_empty() {
            table.insert("sample".to_owned(), Value::Table(sample));
        }
        table
    }
}

impl Common for Exact {
    fn sampling(&self) -> Sampling {
        self.sampling
    }

    fn check(&self, recipe: &Recipe, _scope: &Scope) -> Result<(), Error> {
        self.model.check().map_err(|error| Error::new(error).at("model"))?;
        self.sampling.check().map_err(|error| Error::new(format!("sample.{error}")))?;
        if self.model.counts_documents() && recipe.is_weighted() {
            fail!("recipe: model.kind = \"{}\" counts whole documents; leave weights out", self.model.kind());
        }
        Ok(())
    }
}
