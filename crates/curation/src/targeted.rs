//! Targeted synthesis: find what the written text lacks, write there, and stop when the gap is closed.
//!
//! *Definition.* A generation writes the first part of its budget from nothing. Then, round after round: what that text
//! lacks of the human training text is *found* ([`Finder`]); it is *aimed* at, human documents being drawn as prompts
//! in proportion to the gap in what follows their first tokens ([`Finder::aim`]); and it *stops* where the gap is no
//! larger than that of a human sample of the same size ([`is_closed`]): such a round is generated without prompts too.
//! [`Target`] is how an experiment file says it (`sample.target`); whoever writes calls these pure functions between
//! two rounds. `find = "even"` is the control: as many rounds from prompts that are drawn evenly. Against what is
//! over-represented, see [`crate::OverRepresented`].
//!
//! *Source.* Ours.
//!
//! *Trap.* Prompts from human documents are human text, and so is what the gap is measured against: hidden anchors, to
//! be counted. The prompts' own tokens are part of what is written, for the next generation reads them; so a gap shrinks
//! by them alone, and `even` is what a find is to be compared with. A human sample has gaps too (a third of a sample's
//! singletons are absent from another such sample), and who writes until nothing is absent copies: gaps count beyond chance
//! ([`chance`]), and the stop is the gap of a human sample, one half of the human training text against the other at the size of
//! the text that is compared with it.

mod contexts;
mod counts;
mod finder;
mod items;
mod odds;
mod settings;

pub use contexts::excess;
pub use counts::{Counts, chance, count, count_grams, gap, lacking, shortfall};
pub use finder::{Finder, Gap, View, is_closed};
pub use odds::{log_odds, weights_against};
pub use settings::{Find, TARGET, Target};
