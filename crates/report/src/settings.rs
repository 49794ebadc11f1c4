//! What made the run, and its settings, on the page.

use std::fmt::Write;

use rundir::RunInfo;

use crate::data::{Data, Origin};
use crate::escape::html;

/// What made each piece, and the settings as resolved.
pub(crate) fn section(data: &Data) -> String {
    let mut section = String::from("<h2>Settings</h2>\n");
    for origin in &data.origins {
        if data.origins.len() > 1 {
            let _ = writeln!(section, "<h3>{}</h3>", html(&origin.run.path().display().to_string()));
        }
        section.push_str(&facts(&origin.info));
        section.push_str(&file(origin));
    }
    section
}

/// Provenance of a piece.
fn facts(info: &RunInfo) -> String {
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
    let mut list = String::from("<dl>\n");
    for (name, fact) in facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))) {
        let _ = writeln!(list, "<dt>{name}</dt><dd>{}</dd>", html(fact));
    }
    list.push_str("</dl>\n");
    list
}

fn file(origin: &Origin) -> String {
    match &origin.settings {
        Some(settings) => format!(
            "<details><summary>experiment.toml, every default written out</summary>\n<pre>{}</pre>\n</details>\n",
            html(settings)
        ),
        None => "<p>The run has no experiment.toml.</p>\n".to_owned(),
    }
}
