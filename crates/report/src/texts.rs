//! Documents of several generations side by side on the page.

use maud::{Markup, html};

use crate::data::Data;
use crate::excerpts::{self, Column, Excerpts, Shown};
use crate::ticks::number;

/// Text of first, middle and last generation side by side.
pub(crate) fn section(data: &Data) -> Markup {
    let all: Vec<Excerpts> = data.arms.iter().filter_map(|arm| excerpts::of_arm(data, &arm.name)).collect();
    if all.is_empty() {
        return Markup::default();
    }
    html! {
        h2 { "Generated text" }
        p.quiet {
            "The first " (excerpts::DOCUMENTS) " documents of the first, the middle and the last generation of one chain of \
             each arm. Arms of one seed share their random draws. Nothing was chosen. Characters that would not show, or \
             would change what stands around them, are shown as signs."
        }
        @for Excerpts { chain, columns } in &all {
            h3 { (chain.arm) " " span.quiet { "seed " (chain.seed) } }
            div.texts {
                @for column in columns { (of_generation(column)) }
            }
        }
    }
}

fn of_generation(column: &Column) -> Markup {
    html! {
        section {
            h4 { "generation " (column.generation) }
            @match &column.documents {
                Err(why) => p.quiet { (why) },
                Ok(documents) if documents.is_empty() => p.quiet { "no documents" },
                Ok(documents) => @for shown in documents { (document(shown)) },
            }
        }
    }
}

fn document(document: &Shown) -> Markup {
    let (text, cut) = document.beginning();
    html! {
        div.text dir="auto" {
            (text)
            @if cut > 0 {
                " " i { "… " (number(cut as f64)) " more characters" }
            } @else if document.truncated {
                " " i { "(reached the context’s end)" }
            } @else if text.is_empty() {
                " " i { "(empty)" }
            }
        }
    }
}
