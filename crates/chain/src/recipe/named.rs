//! Names of published regimes: points of the family, each with its source.

use crate::{Amount, Recipe, Source};

/// A regime that has a name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its name in an experiment file.
    pub name: &'static str,
    /// One line: what it is and who studied it.
    pub about: &'static str,
    amounts: &'static [(Source, Amount)],
    grow: bool,
}

impl Named {
    /// The amounts behind the name.
    pub fn recipe(&self) -> Recipe {
        let recipe = Recipe::new(self.amounts).expect("the table below holds valid amounts: a test reads all of it");
        if self.grow { recipe.growing() } else { recipe }
    }
}

/// All named recipes; the first is the default.
///
/// The golden ratio (He et al. 2025) is not among them: it weighs documents in the objective, and amounts cannot say
/// that. As plain counts, more fresh human text is always better.
pub const NAMES: &[Named] = &[
    Named {
        name: "replace",
        about: "only the last generation's text (Shumailov et al. 2024; \"fully synthetic\", Alemohammad et al. 2024)",
        amounts: &[(Source::Latest, Amount::All)],
        grow: false,
    },
    Named {
        name: "replace-grown",
        about: "replace, each generation writing as much as accumulate holds (Gerstgrasser et al. 2024, table 2)",
        amounts: &[(Source::Latest, Amount::All)],
        grow: true,
    },
    Named {
        name: "accumulate",
        about: "the human set and all text written since; the data grow (Gerstgrasser et al. 2024)",
        amounts: &[(Source::History, Amount::All)],
        grow: false,
    },
    Named {
        name: "accumulate-subsample",
        about: "a draw of constant size from all that accumulate holds (Kazdan et al. 2025)",
        amounts: &[(Source::History, Amount::Share(1.0))],
        grow: false,
    },
    Named {
        name: "synthetic-augmentation",
        about: "the whole human set and the last generation's text (Alemohammad et al. 2024)",
        amounts: &[(Source::Anchor, Amount::All), (Source::Latest, Amount::All)],
        grow: false,
    },
    Named {
        name: "ten-percent-human",
        about: "a tenth of human text, drawn anew each generation from the same set (Shumailov et al. 2024)",
        amounts: &[(Source::Pool, Amount::Share(0.1)), (Source::Latest, Amount::Share(0.9))],
        grow: false,
    },
    Named {
        name: "ten-percent-anchor",
        about: "a tenth of human text, the same documents each generation",
        amounts: &[(Source::Anchor, Amount::Share(0.1)), (Source::Latest, Amount::Share(0.9))],
        grow: false,
    },
    Named {
        name: "ten-percent-fresh",
        about: "a tenth of human text that was never used before (\"fresh data loop\" in Alemohammad et al. 2024)",
        amounts: &[(Source::Fresh, Amount::Share(0.1)), (Source::Latest, Amount::Share(0.9))],
        grow: false,
    },
    Named {
        name: "human-refit",
        about: "control: the same human set each generation, with a new initialisation; damage is what exceeds it",
        amounts: &[(Source::Anchor, Amount::All)],
        grow: false,
    },
    Named {
        name: "human-fresh",
        about: "control: new human text of the same size each generation",
        amounts: &[(Source::Fresh, Amount::Share(1.0))],
        grow: false,
    },
];
