//! The committed experiments: each is read, written out and read back; their roles are those that their READMEs speak of.

use experiment::{Data, Experiment};
use rundir::{ArmInfo, Role};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

/// All TOML files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn load(name: &str) -> Experiment {
    Experiment::load(&root().join(name), &[]).unwrap()
}

fn with_role(roles: &[ArmInfo], role: Role) -> Vec<&str> {
    roles.iter().filter(|arm| arm.role == role).map(|arm| arm.name.as_str()).collect()
}

#[test]
fn each_committed_experiment_reads_back_equal() {
    let mut count = 0;
    for path in files(&root()).iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
        let shown = path.display();
        let experiment = Experiment::load(path, &[]).unwrap_or_else(|error| panic!("{error}"));
        let text = experiment.to_toml();
        let again = Experiment::parse(&text, &[]).unwrap_or_else(|error| panic!("{shown}: {error}\n{text}"));
        assert!(again == experiment, "{shown}:\n{text}");
        assert_eq!(again.to_toml(), text, "{shown}");
        assert_eq!(experiment.merge(&again).unwrap(), experiment, "{shown}");
        assert_eq!(experiment.warnings(), Vec::<String>::new(), "{shown}");
        assert!(experiment.context().is_ok() && matches!(experiment.data, Data::Corpus(_)), "{shown}");
        count += 1;
    }
    assert!(count >= 9, "{count} files");
}

#[test]
fn roles_of_the_defences() {
    for name in ["defences/chronicle.toml", "defences/sotu.toml"] {
        let roles = load(name).roles();
        assert_eq!(with_role(&roles, Role::Control), ["human-refit"], "{name}");
        assert_eq!(with_role(&roles, Role::Human), ["human-fresh"], "{name}");
        assert_eq!(with_role(&roles, Role::Base), ["replace"], "{name}");
        // It edits human text, so it is judged and no control.
        let edited = roles.iter().find(|arm| arm.name == "token-editing-human").unwrap();
        assert!(edited.curated && edited.role == Role::Arm && edited.control.as_deref() == Some("human-refit"));
        assert!(roles.iter().all(|arm| arm.budget.is_none() && arm.family.is_none() && arm.learner == "transformer"));
    }
}

#[test]
fn roles_of_a_sweep() {
    let roles = load("temperature-and-recipe/experiment.toml").roles();
    assert_eq!(roles.len(), 20);
    assert_eq!(with_role(&roles, Role::Control), ["temperature-0.3_recipe-human-refit"]);
    assert_eq!(with_role(&roles, Role::Human).len(), 4);
    assert!(with_role(&roles, Role::Base).is_empty(), "each point would need its own");
    let replace = roles.iter().find(|arm| arm.name == "temperature-0.9_recipe-replace").unwrap();
    assert_eq!(replace.control.as_deref(), Some("temperature-0.9_recipe-human-refit"));
}

#[test]
fn learners_of_one_corpus_share_its_windows() {
    let experiment = load("universal-survival/experiment.toml");
    assert_eq!(experiment.context().unwrap(), 64);
    let roles = experiment.roles();
    assert!(with_role(&roles, Role::Control).is_empty() && with_role(&roles, Role::Base).is_empty());
    assert_eq!(roles.iter().filter(|arm| arm.learner == "n-gram").count(), 3);
    let text = experiment.to_toml();
    let (oracle, rest) = text.split_once("name = \"n-gram\"").unwrap();
    let oracle = oracle.split_once("name = \"oracle\"").unwrap().1;
    assert!(!oracle.contains("width") && !oracle.contains("train") && oracle.contains("context = 64"), "{oracle}");
    assert!(rest.contains("discount = 0.75"), "{rest}");
}
