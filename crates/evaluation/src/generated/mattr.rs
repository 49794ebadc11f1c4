//! Type-token ratio at a fixed length.
//!
//! *Definition.* MATTR (Covington and McFall 2010): types over words in a window of 500 words, on average over all
//! windows. The documents stand one after the other in their order.
//!
//! *Trap.* The plain type-token ratio falls with the length of the text; this one doesn't, but windows reach over the
//! borders of documents. Short documents in random order have more types in a window than long ones, or documents
//! sorted by subject. Text of fewer than 500 words has no value.

use super::entry::{SAMENESS, compared, plain};
use crate::Dimension::{Member, Reference};
use crate::Dimensions;
use crate::measure::Measures;
use crate::metric::{Damage, Metric};
use crate::subject::Subject;
use crate::text::Grams;

pub static MATTR: Metric = compared("mattr", "Types in 500 words (MATTR)", "types per word", &[Member, Reference])
    .worse(Damage::Less)
    .drawn(&SAMENESS, &[plain("Types in 500 words (MATTR)")]);

/// Words of a window.
const WINDOW: usize = 500;

/// `mattr`.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    measures.number(&MATTR, Dimensions::NONE, mattr(text.grams()));
}

/// The mean over all windows; no number if the text is shorter than one.
fn mattr(grams: &Grams) -> f64 {
    moving(grams.grams(1, &(0..grams.len())), WINDOW, grams.kinds(1))
}

/// Of words that are numbers below `types`.
fn moving(words: &[u32], window: usize, types: usize) -> f64 {
    if words.len() < window {
        return f64::NAN;
    }
    let mut inside = vec![0u32; types];
    let (mut different, mut sum) = (0u64, 0u64);
    for (i, &word) in words.iter().enumerate() {
        let count = &mut inside[word as usize];
        different += u64::from(*count == 0);
        *count += 1;
        if let Some(left) = i.checked_sub(window) {
            let count = &mut inside[words[left] as usize];
            *count -= 1;
            different -= u64::from(*count == 0);
        }
        sum += if i + 1 >= window { different } else { 0 };
    }
    sum as f64 / (words.len() - window + 1) as f64 / window as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_by_hand() {
        // aba, bab, abc, bcd: 2, 2, 3, 3 types.
        assert_eq!(moving(&[0, 1, 0, 1, 2, 3], 3, 4), 10.0 / 12.0);
        assert_eq!(moving(&[0, 0], 2, 1), 0.5);
        assert!(moving(&[0, 1], 3, 2).is_nan());
    }
}
