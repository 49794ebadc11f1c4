//! Names of published regimes: points of the family, each with its source.

use crate::{Amount, Recipe, Source};

/// A regime that has a name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// Its name in an experiment file.
    pub name: &'static str,
    /// Other names of the same point, from papers that came to it another way.
    pub also: &'static [&'static str],
    /// One line: what it is and who studied it.
    pub about: &'static str,
    amounts: &'static [(Source, Amount)],
    weights: &'static [(Source, f64)],
    grow: bool,
    balanced: bool,
}

/// φ = (1 + √5) / 2, the positive root of φ² = φ + 1.
pub const GOLDEN_RATIO: f64 = std::f64::consts::GOLDEN_RATIO;

/// What most names leave out.
const PLAIN: Named = Named { name: "", also: &[], about: "", amounts: &[], weights: &[], grow: false, balanced: false };

impl Named {
    /// The amounts behind the name.
    pub fn recipe(&self) -> Recipe {
        const READ: &str = "the table below holds valid points: a test reads all of it";
        let mut recipe = Recipe::new(self.amounts).and_then(|recipe| recipe.weighted(self.weights)).expect(READ);
        if self.grow {
            recipe = recipe.growing();
        }
        if self.balanced { recipe.balancing().expect(READ) } else { recipe }
    }
}

/// All named recipes; the first is the default.
///
/// The data cycles of Briesch et al. (2023) are here: their full synthetic cycle is `replace`; their growing (expanding)
/// cycle is `accumulate`, with `sample.tokens` at what each generation adds; their balanced cycle, equal parts of the human
/// set and of each generation at constant size, is a point of its own beside `accumulate-subsample`, whose parts are equal
/// only in expectation.
///
/// "Synthetic augmentation" (Alemohammad et al. 2024) is a fixed human set with the last generation's text. With all text
/// written since, as in that paper's StyleGAN, it is `accumulate`, and `synthetic-augmentation-all` says so.
pub const NAMES: &[Named] = &[
    Named {
        name: "replace",
        also: &["full-synthetic-cycle"],
        about: "only the last generation's text (Shumailov et al. 2024; \"fully synthetic\", Alemohammad et al. 2024)",
        amounts: &[(Source::Latest, Amount::All)],
        ..PLAIN
    },
    Named {
        name: "replace-grown",
        about: "replace, each generation writing as much as accumulate holds (Gerstgrasser et al. 2024, table 2)",
        amounts: &[(Source::Latest, Amount::All)],
        grow: true,
        ..PLAIN
    },
    Named {
        name: "accumulate",
        also: &["growing-cycle", "synthetic-augmentation-all"],
        about: "the human set and all text written since; the data grow (Gerstgrasser et al. 2024)",
        amounts: &[(Source::History, Amount::All)],
        ..PLAIN
    },
    Named {
        name: "accumulate-subsample",
        about: "a draw of constant size from all that accumulate holds (Kazdan et al. 2025)",
        amounts: &[(Source::History, Amount::Share(1.0))],
        ..PLAIN
    },
    Named {
        name: "balanced-cycle",
        about: "as much from the human set as from each generation, at constant size (Briesch et al. 2023)",
        amounts: &[(Source::History, Amount::Share(1.0))],
        balanced: true,
        ..PLAIN
    },
    Named {
        name: "synthetic-augmentation",
        about: "the whole human set and the last generation's text (Alemohammad et al. 2024)",
        amounts: &[(Source::Anchor, Amount::All), (Source::Latest, Amount::All)],
        ..PLAIN
    },
    Named {
        name: "ten-percent-human",
        about: "a tenth of human text, drawn anew each generation from the same set (Shumailov et al. 2024)",
        amounts: &[(Source::Pool, Amount::Share(0.1)), (Source::Latest, Amount::Share(0.9))],
        ..PLAIN
    },
    Named {
        name: "ten-percent-anchor",
        about: "a tenth of human text, the same documents each generation",
        amounts: &[(Source::Anchor, Amount::Share(0.1)), (Source::Latest, Amount::Share(0.9))],
        ..PLAIN
    },
    Named {
        name: "ten-percent-fresh",
        about: "a tenth of human text that was never used before (\"fresh data loop\" in Alemohammad et al. 2024)",
        amounts: &[(Source::Fresh, Amount::Share(0.1)), (Source::Latest, Amount::Share(0.9))],
        ..PLAIN
    },
    Named {
        name: "golden-ratio",
        about: "new human text and as much of the last generation's, weighed φ to 1 (He et al. 2025)",
        amounts: &[(Source::Fresh, Amount::Share(1.0)), (Source::Latest, Amount::Share(1.0))],
        weights: &[(Source::Fresh, 1.0 / GOLDEN_RATIO), (Source::Latest, 1.0 - 1.0 / GOLDEN_RATIO)],
        ..PLAIN
    },
    Named {
        name: "human-refit",
        about: "control: the same human set each generation, with a new initialisation; damage is what exceeds it",
        amounts: &[(Source::Anchor, Amount::All)],
        ..PLAIN
    },
    Named {
        name: "human-fresh",
        about: "control: new human text of the same size each generation",
        amounts: &[(Source::Fresh, Amount::Share(1.0))],
        ..PLAIN
    },
];
