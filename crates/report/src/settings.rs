//! What made the run, and its settings, on the page.

use maud::{Markup, html};
use rundir::RunInfo;

use crate::data::{Data, Origin};

/// What made each piece, and the settings as resolved.
pub(crate) fn section(data: &Data) -> Markup {
    html! {
        h2 { "Settings" }
        @for Origin { run, info, settings } in &data.origins {
            @if data.origins.len() > 1 { h3 { (run.path().display().to_string()) } }
            (facts(info))
            @if let Some(settings) = settings {
                details {
                    summary { "experiment.toml, every default written out" }
                    pre { (settings) }
                }
            } @else {
                p { "The run has no experiment.toml." }
            }
        }
    }
}

/// Provenance of a piece.
fn facts(info: &RunInfo) -> Markup {
    let features = info.build.features.join(", ");
    let threads = info.threads.to_string();
    let facts = [
        ("habsburg", Some(info.build.version.as_str())),
        ("commit", Some(info.build.commit.as_str())),
        ("instruction set", Some(info.build.instructions.as_str())),
        ("features", Some(features.as_str()).filter(|features| !features.is_empty())),
        ("backend", Some(info.backend.as_str())),
        ("device", Some(info.device.as_str())),
        ("threads", Some(threads.as_str())),
        ("corpus (SHA-256)", info.corpus.as_deref()),
        ("tokenizer (SHA-256)", info.tokenizer.as_deref()),
        ("begun", Some(info.started.as_str())),
    ];
    html! {
        dl {
            @for (name, fact) in facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))) {
                dt { (name) }
                dd { (fact) }
            }
        }
    }
}
