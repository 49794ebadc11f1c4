//! Documents of several generations side by side on the page.

use std::fmt::Write;

use crate::data::Data;
use crate::escape::html;
use crate::excerpts::{self, Column, Shown};
use crate::ticks::number;

/// Text of first, middle and last generation side by side.
pub(crate) fn section(data: &Data) -> String {
    let mut section = String::new();
    for excerpts in data.arms.iter().filter_map(|arm| excerpts::of_arm(data, &arm.name)) {
        let columns: String = excerpts.columns.iter().map(column).collect();
        let (arm, seed) = (html(&excerpts.chain.arm), excerpts.chain.seed);
        let _ = write!(
            section,
            "<h3>{arm} <span class=\"quiet\">seed {seed}</span></h3>\n<div class=\"texts\">\n{columns}</div>\n"
        );
    }
    if section.is_empty() {
        return section;
    }
    format!(
        "<h2>Generated text</h2>\n<p class=\"quiet\">The first {} documents of the first, the middle and the last generation of \
         one chain of each arm. Arms of one seed share their random draws. Nothing was chosen. Characters that \
         would not show, or would change what stands around them, are shown as signs.</p>\n{section}",
        excerpts::DOCUMENTS
    )
}

fn column(column: &Column) -> String {
    let body = match &column.documents {
        Err(why) => format!("<p class=\"quiet\">{}</p>", html(why)),
        Ok(documents) if documents.is_empty() => "<p class=\"quiet\">no documents</p>".to_owned(),
        Ok(documents) => documents.iter().map(document).collect(),
    };
    format!("<section><h4>generation {}</h4>{body}</section>\n", column.generation)
}

fn document(document: &Shown) -> String {
    let (text, cut) = document.beginning();
    let note = match (cut, document.truncated, text.is_empty()) {
        (0, false, true) => " <i>(empty)</i>".to_owned(),
        (0, false, false) => String::new(),
        (0, true, _) => " <i>(reached the context’s end)</i>".to_owned(),
        (cut, _, _) => format!(" <i>… {} more characters</i>", number(cut as f64)),
    };
    format!("<div class=\"text\" dir=\"auto\">{}{note}</div>", html(text))
}
