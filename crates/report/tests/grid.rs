//! Reports of a sweep that these tests build, and of runs whose score stages say what survived.

mod support;

use std::fs;
use std::path::PathBuf;

use rundir::{ArmInfo, ChainId, GenerationRecord, Role, RunDir, StageId, StageKind};
use serde_json::{Value, json};

struct Run {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Run {
    fn runs(&self) -> &[PathBuf] {
        std::slice::from_ref(&self.path)
    }
}

const TEMPERATURES: [f64; 3] = [0.3, 0.7, 1.0];
/// Names, roles and resolved recipes, as JSON.
const RECIPES: [(&str, Role, &str); 3] = [
    ("replace", Role::Arm, r#"{"latest": "all"}"#),
    ("ten-percent-human", Role::Arm, r#"{"pool": 0.1, "latest": 0.9}"#),
    ("human-refit", Role::Human, r#"{"anchor": "all"}"#),
];
const SEEDS: u64 = 5;

/// Losses of a grid: cool arms lose more, human text saves half of it.
fn loss(temperature: f64, recipe: &str, seed: u64, generation: u32) -> f64 {
    let climb = match recipe {
        "replace" => 1.0,
        "ten-percent-human" => 0.5,
        _ => 0.0,
    };
    let noise = 0.003 * ((seed * 7 + u64::from(generation) * 3) % 5) as f64;
    3.0 + 0.1 * seed as f64 + climb * (1.3 - temperature) * f64::from(generation) + noise
}

/// The run of a sweep. `families` are the arms that are laid out over it; `train` is one more dimension of each point.
fn sweep(families: &[&str], train: Option<u32>) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let (mut arms, mut rows) = (Vec::new(), Vec::new());
    for family in families {
        let prefix = if family.is_empty() { String::new() } else { format!("{family}_") };
        for temperature in TEMPERATURES {
            for (recipe, role, table) in RECIPES {
                let name = |recipe: &str| format!("{prefix}temperature-{temperature}_recipe-{recipe}");
                let arm = support::arm(&name(recipe), role, serde_json::from_str(table).unwrap());
                let mut point =
                    vec![("sample.temperature".to_owned(), json!(temperature)), ("recipe".to_owned(), json!(recipe))];
                point.extend(train.map(|epochs| ("train.epochs".to_owned(), json!(epochs))));
                arms.push(ArmInfo {
                    point: point.into_iter().collect::<serde_json::Map<String, Value>>(),
                    family: Some((*family).to_owned()).filter(|family| !family.is_empty()),
                    control: Some(name("human-refit")).filter(|_| role == Role::Arm),
                    ..arm
                });
                for (seed, generation) in (0..SEEDS).flat_map(|seed| (0..4).map(move |generation| (seed, generation))) {
                    let value = loss(temperature, recipe, seed, generation) + 0.1 * prefix.len() as f64;
                    let mut row = |set, metric, value| {
                        rows.push(support::row(("grid", &name(recipe), seed, generation), set, metric, &[], value));
                    };
                    row("test", "loss", value);
                    row("test", "bits-per-byte", value / 2.0);
                    row("generated", "vocabulary-survival", 1.0 / value);
                }
            }
        }
    }
    support::state(&run, "grid", arms);
    support::write_rows(&run.metrics_path(), rows);
    Run { _folder: folder, path }
}

fn figure(run: &Run, name: &str) -> String {
    fs::read_to_string(run.path.join(format!("figures/{name}.svg"))).unwrap()
}

#[test]
fn a_grid_has_heat_maps_with_a_number_in_each_cell() {
    let run = sweep(&[""], None);
    let written = report::write(run.runs(), None).unwrap();
    let names: Vec<_> = written.figures.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names[..2], ["grid-bits-per-byte", "grid-vocabulary"], "a grid comes first");
    let svg = figure(&run, "grid-bits-per-byte");
    for said in ["sample.temperature", "recipe", "ten-percent-human", "0.3", "0.7"] {
        assert!(svg.contains(said), "{said} is missing");
    }
    // Nine cells with a mean and half an interval; the geometric mean over seeds of the coolest arm that replaces.
    assert_eq!(svg.matches("± ").count(), 9);
    let logs = (0..SEEDS).map(|seed| (loss(0.3, "replace", seed, 3) / 2.0).ln()).sum::<f64>() / SEEDS as f64;
    assert!(svg.contains(&format!("{:.3}", logs.exp())), "{}", logs.exp());
    assert!(!svg.contains("NaN"));
}

/// What does not vary is no dimension; arms that were laid out over one grid have a panel each.
#[test]
fn other_dimensions_have_panels() {
    let run = sweep(&["wide", "<narrow>"], Some(2));
    report::write(run.runs(), None).unwrap();
    let svg = figure(&run, "grid-bits-per-byte");
    assert!(svg.contains("arm = wide") && svg.contains("arm = &lt;narrow&gt;") && !svg.contains("train.epochs"));
    assert_eq!(svg.matches("± ").count(), 18);
    // A narrow model's loss is higher from the start, which is no damage: it has a control of its own width.
    let page = fs::read_to_string(run.path.join("report.html")).unwrap();
    assert!(page.contains("from generation 1") && !page.contains("from generation 0"));
}

/// An arm is held against the control of its own temperature, and a yes is one over all of the grid's arms.
#[test]
fn an_arm_of_a_grid_has_its_own_control() {
    let run = sweep(&[""], None);
    let page = fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap();
    assert!(page.contains("<th scope=\"row\">temperature-0.7_recipe-human-refit<small>control</small></th>"));
    assert_eq!(page.matches("<td class=\"yes\">").count(), 6);
    // Nine arms are too many for all pairs: each with its control.
    let differences = page.split("Differences between arms").nth(1).unwrap().split("</table>").next().unwrap();
    assert_eq!(differences.matches("<td class=\"name\">temperature-0.7_recipe-human-refit</td>").count(), 2);
    assert!(!report::terminal_table(run.runs()).unwrap().contains("Collapsed?"), "nine lines are too many");
}

/// One arm that replaces and its control, and in their score stages what survived of ten thousand words.
fn surviving(file: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let mut rows = Vec::new();
    for generation in 0..3_u32 {
        let id = StageId::of(StageKind::Score, 1, &("replace", generation)).unwrap();
        run.make(&id, |dir| {
            let text = file.replace("ALIVE", &(600 - 200 * generation).to_string());
            fs::write(dir.join("survivors.json"), text).unwrap();
            Ok::<(), rundir::Error>(())
        })
        .unwrap();
        run.write_generation(&ChainId::new("replace", 0).unwrap(), generation, &GenerationRecord::done([id])).unwrap();
        rows.push(support::row(("x", "replace", 0, generation), "test", "loss", &[], 3.0));
    }
    support::state(&run, "x", vec![support::named("replace")]);
    support::write_rows(&run.metrics_path(), rows);
    Run { _folder: folder, path }
}

#[test]
fn predicted_survival_is_drawn_with_measured_survival() {
    let run = surviving(r#"{"words": {"human": 100, "generated": 100, "classes": [[1, 1000, ALIVE], [50, 40, 40]]}}"#);
    let written = report::write(run.runs(), None).unwrap();
    let names: Vec<_> = written.figures.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names[..2], ["vocabulary-predicted", "universal-survival"]);
    let predicted = figure(&run, "vocabulary-predicted");
    assert!(predicted.contains("the law of survival") && predicted.matches("<polygon").count() >= 3);
    let universal = figure(&run, "universal-survival");
    assert!(
        universal.contains("words")
            && universal.contains("n p g")
            && universal.contains("replace, law of replace")
            && !universal.contains("persons")
    );
}

/// Nothing in a stage breaks the page.
#[test]
fn broken_survivors_are_named_or_left_out() {
    let nonsense = [
        "junk",
        r#"{"words": {"human": 0, "generated": 0, "classes": [[1, 2, 3]]}}"#,
        r#"{"words": {"human": 1e308, "generated": 1e-308, "classes": [[-1, 1, 1], [1e308, 1e308, 1e308]]}}"#,
        r#"{"<script>": {"human": 1, "generated": 1, "classes": [[1, 1, 1]]}}"#,
        "{}",
    ];
    for file in nonsense {
        let run = surviving(file);
        let page = fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap();
        assert!(page.ends_with("</html>\n") && !page.contains("<script") && !page.contains("NaN"), "{file}");
    }
}

#[test]
fn exact_learners_are_shown_by_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    support::state(&run, "solved", vec![support::named("replace")]);
    let row = |metric: &str, generation: u32, value: f64| {
        support::row(("solved", "replace", 0, generation), "model", metric, &[], value)
    };
    let rows = (0..4).flat_map(|g| [row("variance", g, 0.9_f64.powi(g as i32)), row("squared-error", g, f64::from(g))]);
    support::write_rows(&run.metrics_path(), rows.collect());
    let shown = report::terminal_table(std::slice::from_ref(&path)).unwrap();
    assert!(shown.starts_with("Variance, mean over seeds\n"), "{shown}");
    assert!(shown.contains("\nSquared error, mean over seeds\n") && !shown.contains("nothing was measured"), "{shown}");
    let page = fs::read_to_string(report::write(std::slice::from_ref(&path), None).unwrap().page).unwrap();
    assert!(page.contains("<th scope=\"col\">Variance</th>"));
    assert!(path.join("figures/model-variance.svg").exists() && !path.join("figures/model-support.svg").exists());
}
