//! Length, and what shows that text was made by machine.
//!
//! *Definitions.* `mean-length`: words, or tokens, a document. `truncated-share`: documents that stop before their end.
//! `reencoded-share`: documents whose sampled tokens are others than those that their text is encoded to: text is what
//! passes between generations, so the next one never sees the ids that this one drew. `replacement-share`: characters
//! that are U+FFFD, which stand where sampled bytes were no UTF-8.
//!
//! *Trap.* A model that cannot end its documents and one that writes long ones look alike in `mean-length`;
//! `truncated-share` tells them apart. A U+FFFD that stood in human text is counted too.

use super::entry::of_text;
use super::lengths::MEAN_LENGTH;
use crate::Dimension::Unit;
use crate::measure::Measures;
use crate::metric::{Axis, Metric, Needs};
use crate::subject::Subject;
use crate::{Dimensions, Doc};

pub static TRUNCATED_SHARE: Metric =
    of_text("truncated-share", "Truncated documents", "share of the documents").needs(Needs::Any).on(Axis::Share);

pub static REENCODED_SHARE: Metric =
    of_text("reencoded-share", "Documents that encode to other tokens", "share of the documents").on(Axis::Share);

pub static REPLACEMENT_SHARE: Metric =
    of_text("replacement-share", "Replacement characters", "share of the characters").on(Axis::Share);

/// All of the above but the mean length in words, which `lengths.rs` has.
pub(crate) fn report(text: &Subject<'_>, measures: &mut Measures) {
    let docs = text.docs;
    let count = docs.len() as f64;
    let number = |test: fn(&Doc<'_>) -> bool| docs.iter().filter(|doc| test(doc)).count() as f64;
    let tokens: usize = docs.iter().map(|doc| doc.ids.len()).sum();
    let (mut replaced, mut characters) = (0usize, 0usize);
    for character in docs.iter().flat_map(|doc| doc.text.chars()) {
        characters += 1;
        replaced += usize::from(character == char::REPLACEMENT_CHARACTER);
    }
    measures.share(&MEAN_LENGTH, Dimensions::NONE.with(Unit, "tokens"), tokens as f64, count);
    measures.share(&TRUNCATED_SHARE, Dimensions::NONE, number(|doc| doc.truncated), count);
    measures.share(&REENCODED_SHARE, Dimensions::NONE, number(|doc| doc.reencoded_differs), count);
    measures.share(&REPLACEMENT_SHARE, Dimensions::NONE, replaced as f64, characters as f64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Doc;
    use crate::subject::measured;

    #[test]
    fn a_toy_text_by_hand() {
        let docs = [
            Doc { text: "a\u{fffd}b\u{fffd}", ids: &[1, 2, 3], truncated: true, reencoded_differs: true },
            Doc { text: "", ids: &[], truncated: false, reencoded_differs: false },
            Doc { text: "ü", ids: &[9], truncated: true, reencoded_differs: false },
            Doc { text: "x", ids: &[1, 1], truncated: false, reencoded_differs: false },
        ];
        let values: Vec<f64> = measured(&docs, report).iter().map(|measure| measure.value).collect();
        assert_eq!(values, [1.5, 0.5, 0.25, 2.0 / 6.0]);
    }
}
