//! What several sections of a page have in common.

use maud::{Markup, html};

use crate::ticks::number;

/// The class of a row that begins an arm, if it does.
pub(crate) fn begins(is_first: bool) -> Option<&'static str> {
    is_first.then_some("begins")
}

/// The bounds of an interval, below its mean.
pub(crate) fn bounds(low: f64, high: f64) -> Markup {
    html! { small { (number(low)) " to " (number(high)) } }
}

/// A list as it is, or under its summary if it has more than `most` items.
pub(crate) fn folded(items: usize, most: usize, summary: &str, list: &Markup) -> Markup {
    html! {
        @if items > most {
            details {
                summary { (items) " " (summary) }
                (list)
            }
        } @else {
            (list)
        }
    }
}
