//! Experiments on a world of one's own.

use crate::lab::{Done, EXPERIMENT, Lab};

pub(crate) const GRAMMAR: &str = r#"
name = "village"
document = { runs = [0.5, 0.5], sentences = [0.5, 0.5], longest = 40 }
person = { words = ["Ada", "Bo", "Cyril", "Dora"] }
kind.town = { words = ["Ash", "Elm", "Yew"] }
fact.home = "town"
[forms.home]
"{person} lives in {home}." = 3
"{person} calls {home} a good place." = 1
[forms.walk]
"One day there was a walk to {any town}." = 1
"#;

pub(crate) fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("village.toml", GRAMMAR);
    let experiment = EXPERIMENT
        .replace("path = \"corpus.jsonl\"", "grammar = \"village.toml\"")
        .replace("context = 32", "context = 128")
        .replace("vocabulary = 300", "vocabulary = 350")
        .replace("batch = 4", "batch = 1")
        .replace("tokens = 5000", "tokens = 30000")
        .replace("tokens = 1500", "tokens = 3000")
        .replace("recipe = \"accumulate\"", "recipe = { fresh = 0.5, latest = 0.5 }")
        .replace("accumulate", "fresh");
    lab.write("world.toml", experiment);
    lab
}

fn metrics(threads: &str, more: &str) -> String {
    let lab = lab();
    let words = format!("run world.toml --out out --device flex {more}");
    let done = Done::of(lab.command(&words).env("RAYON_NUM_THREADS", threads).output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    lab.read("out/metrics.csv")
}

#[test]
fn generations_are_measured_against_the_truth() {
    let lab = lab();
    let done = lab.works("run world.toml --out out --device flex");
    assert!(done.stdout.starts_with("Above the floor (bits per token)"), "{}", done.stdout);
    assert!(done.stdout.contains("First text of generation 1, replace, seed 0"), "{}", done.stdout);
    let metrics = lab.read("out/metrics.csv");
    for (arm, seed) in [("replace", 0), ("replace", 1), ("fresh", 0), ("fresh", 1)] {
        let rows = lab.rows("out", arm, seed);
        let at = |generation: u32, what: &str| rows[&format!("{generation},{what}")];
        for generation in [0, 1] {
            // Nobody knows more than there is to know; and this model has learnt something.
            let (floor, excess, loss) =
                (at(generation, "test,floor,"), at(generation, "test,excess,"), at(generation, "test,loss,"));
            assert!(excess > 0.0 && excess < 3.0, "{excess}");
            // On the test documents the floor is met but for their own scatter.
            assert!((loss - floor - excess).abs() < 0.1 * floor, "{loss} {floor} {excess}");
            assert!((0.0..=1.0).contains(&at(generation, "generated,parses,")));
            assert_eq!(at(generation, "asked,recall-questions,"), 4.0);
        }
        let [repeated, shared, inherited] =
            ["repeated", "shared", "inherited"].map(|part| at(1, &format!("generated,inheritance,part {part}")));
        assert_eq!(inherited, repeated - shared);
    }
    let share = lab.rows("out", "fresh", 0)["1,training,human-share,"];
    assert!((share - 0.5).abs() < 0.05, "{share}");
    let page = lab.read("out/report.html");
    assert!(page.contains("The forgetting curve") && page.contains("genealogy"), "the page shows no world");

    // More generations: the training sets of the first stay as they are, though `fresh` needs more.
    let more = lab.works("run world.toml --out out --device flex --set chain.generations=3");
    assert_eq!(more.made(), 4 * 4, "{}", more.stderr);
    let longer = lab.read("out/metrics.csv");
    let kept = |line: &&str| !line.contains(",inheritance,");
    assert!(metrics.lines().filter(kept).all(|line| longer.contains(line)));
}

#[test]
fn threads_change_no_byte() {
    assert_eq!(metrics("1", "--jobs 1"), metrics("3", "--jobs 2"));
}

#[test]
fn worlds_that_do_not_serve_are_refused() {
    let lab = lab();
    lab.write("endless.toml", GRAMMAR.replace("{any town}", "{any tonw}"));
    lab.write("broken.toml", "name = ");
    for (assignment, why) in [
        ("corpus.grammar=\"nowhere.toml\"", "nowhere.toml: "),
        ("corpus.grammar=\"endless.toml\"", "tonw"),
        ("corpus.grammar=\"broken.toml\"", "grammar, line 1"),
        ("corpus.name=\"chronicle\"", "give one of name, path and grammar"),
        ("corpus.questions=0", "corpus.questions: at least 1"),
        ("model.context=32", "its longest document has"),
        ("chain.seeds=[99999999999]", "too large for a world"),
    ] {
        lab.refuses(&format!("run world.toml --out out --device flex --set {assignment}"), why);
    }
    lab.write("all.toml", lab.read("world.toml").replace("tokens = 4000\n", ""));
    lab.refuses("run all.toml --out out --device flex", "corpus.tokens: a world generates as much as it is told");
    lab.refuses("run experiment.toml --out out --set corpus.questions=3", "only where a world is the corpus");
}

#[test]
fn the_worlds_that_are_built_in() {
    let lab = Lab::new();
    assert!(lab.works("corpus list").stdout.contains("chronicle"));
    let shown = lab.works("corpus show chronicle").stdout;
    assert!(shown.contains("persons    400") && shown.contains("19.085 nats"), "{shown}");
    assert!(lab.works("corpus fetch chronicle").stdout.contains("nothing to fetch"));
}

/// `habsburg report RUN | head` ends quietly.
#[cfg(unix)]
#[test]
fn a_reader_may_leave() {
    use std::process::Stdio;
    let lab = Lab::new();
    let mut child = lab.command("corpus show chronicle").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}
