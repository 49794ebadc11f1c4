//! Everything that the registry says is drawn is drawn.

mod support;

use std::collections::BTreeSet;
use std::fs;

use evaluation::{Dimension, METRICS};
use rundir::RunDir;

/// One observation of each row that some panel shows, and of its baseline.
#[test]
fn every_figure_of_the_registry_is_drawn_with_all_its_panels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let mut rows = Vec::new();
    for metric in METRICS {
        for view in metric.panels.iter().map(|panel| panel.views[0]) {
            let baseline = metric.baseline.map(|baseline| (Dimension::Reference, baseline.reference));
            let of_baseline: Vec<_> = view.iter().copied().chain(baseline).collect();
            for generation in 0..2 {
                let at = ("x", "replace", 0, generation);
                rows.push(support::row(at, metric.set.name(), metric.name, view, 0.5));
                if baseline.is_some() {
                    rows.push(support::row(at, metric.set.name(), metric.name, &of_baseline, 0.75));
                }
            }
        }
    }
    support::state(&run, "x", vec![support::named("replace")]);
    support::write_rows(&run.metrics_path(), rows);
    report::write(std::slice::from_ref(&path), None).unwrap();
    let page = fs::read_to_string(path.join("report.html")).unwrap();
    let names: BTreeSet<&str> = METRICS.iter().filter_map(|metric| metric.figure).map(|figure| figure.name).collect();
    assert!(names.len() > 30, "{names:?}");
    for metric in METRICS {
        let Some(figure) = metric.figure else { continue };
        let svg = fs::read_to_string(path.join("figures").join(figure.name).with_extension("svg")).unwrap();
        let of_figure = || METRICS.iter().filter(|other| other.figure == Some(figure));
        let wide = of_figure().map(|other| other.panels.len()).sum::<usize>() > 1;
        for panel in metric.panels.iter().filter(|_| wide) {
            assert!(svg.contains(panel.title), "{metric:?}: no panel {:?}", panel.title);
        }
        assert!(svg.contains(figure.title) && svg.contains(figure.label), "{metric:?}");
        assert!(page.contains(figure.caption), "{metric:?}: {:?}", figure.caption);
        let baseline = of_figure().find_map(|other| other.baseline);
        assert!(baseline.is_none_or(|baseline| svg.contains(baseline.title)), "{metric:?}");
    }
}
