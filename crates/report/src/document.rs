//! The frame of an HTML page: nothing in it is fetched, nothing runs, and its policy forbids both.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::visible::visible;

/// A whole page. There is no other way to one than [`Page::new`], so that no text of a model has a way around it: the
/// templates of the body escape what is put into them, and every character of the page shows and none commands.
pub(crate) struct Page(String);

impl Page {
    /// A page with this title and body.
    pub(crate) fn new(title: &str, body: &Markup) -> Self {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) }
                    // A file of this crate: nothing of others is in it.
                    style { (PreEscaped(include_str!("style.css"))) }
                }
                body {
                    h1 { (title) }
                    (body)
                }
            }
            "\n"
        };
        Self(visible(&page.into_string(), true))
    }

    /// The page as HTML.
    pub(crate) fn html(&self) -> &str {
        &self.0
    }
}
