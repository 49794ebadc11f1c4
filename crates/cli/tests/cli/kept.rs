//! What a run keeps on disk, and what it makes again when that is needed.

use crate::lab::Lab;

const RUN: &str = "run experiment.toml --device flex --jobs 1 --out";

fn bytes(lab: &Lab, run: &str) -> usize {
    lab.files(&format!("{run}/stages")).values().map(Vec::len).sum()
}

/// Weights that are there.
fn weights(lab: &Lab, run: &str) -> usize {
    let is_weights = |path: &&std::path::PathBuf| path.ends_with("model/model.safetensors");
    lab.files(&format!("{run}/stages")).keys().filter(is_weights).count()
}

#[test]
fn fewer_files_and_the_same_results() {
    let lab = Lab::new();
    let more = "--set chain.generations=4";
    lab.works(&format!("{RUN} all {more}"));
    let mut sizes = vec![bytes(&lab, "all")];
    // Six models of each arm, and generation 0's two, which they share.
    assert_eq!(weights(&lab, "all"), 14);
    for (keep, left) in [("last", 4), ("metrics", 0)] {
        let words = format!("{RUN} {keep} {more} --set keep=\"{keep}\"");
        lab.works(&words);
        assert_eq!(lab.read(&format!("{keep}/metrics.csv")), lab.read("all/metrics.csv"), "{keep}");
        assert_eq!(lab.stages(keep), lab.stages("all"), "{keep}");
        assert_eq!(weights(&lab, keep), left, "{keep}");
        let said = lab.works(&format!("verify {keep}")).stdout;
        assert!(said.contains("were removed on purpose, as `keep` says"), "{said}");
        assert!(lab.works(&words).did_nothing());
        sizes.push(bytes(&lab, keep));
    }
    assert!(2 * sizes[0] > 3 * sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
    assert!(lab.read("metrics/report.html").contains("removed, as `keep` says"));
    // A table keeps what it does not name.
    lab.works(&format!("{RUN} table {more} --set keep={{train=\"metrics\"}}"));
    assert_eq!(weights(&lab, "table"), 0);
    let documents = lab.files("table/stages").keys().filter(|path| path.ends_with("documents.jsonl.zst")).count();
    assert_eq!(documents, 14);
}

#[test]
fn what_was_removed_is_made_again_when_it_is_needed() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole --set chain.generations=4"));
    for keep in ["last", "metrics"] {
        lab.works(&format!("{RUN} {keep} --set keep=\"{keep}\""));
        lab.works(&format!("{RUN} {keep} --set chain.generations=4"));
        assert_eq!(lab.read(&format!("{keep}/metrics.csv")), lab.read("whole/metrics.csv"), "{keep}");
        lab.works(&format!("verify {keep}"));
    }
}

#[test]
fn space_is_freed_afterwards() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    let (before, metrics) = (bytes(&lab, "out"), lab.read("out/metrics.csv"));
    // A stage that no record names, and what a killed process left.
    let orphan = "out/stages/train-0123456789abcdef";
    std::fs::create_dir_all(lab.path(orphan)).unwrap();
    std::fs::create_dir_all(lab.path("out/stages/.making-train-0000000000000000-1-1")).unwrap();
    let said = lab.works("gc out --keep train=last");
    assert!(!lab.path(orphan).exists(), "{}", said.stdout);
    assert!(said.stdout.contains("1 leftovers"), "{}", said.stdout);
    assert!(bytes(&lab, "out") < before);
    assert_eq!(lab.read("out/metrics.csv"), metrics);
    lab.works("verify out");
    lab.refuses("gc out --keep some", "--keep some: give all, last or metrics");
    lab.refuses("gc out --keep weights=last", "train, generate, compose or judge");
    assert!(lab.works("gc out --keep metrics").stdout.contains("freed"));
    // The page shows documents no more.
    lab.works(&format!("{RUN} out"));
    assert!(lab.works(&format!("{RUN} out")).did_nothing());
}

#[test]
fn nothing_is_freed_under_a_run_that_works() {
    let lab = Lab::new();
    lab.write("long.toml", crate::lab::EXPERIMENT.replace("tokens = 5000", "tokens = 100000"));
    let mut child = lab.command("run long.toml --device flex --out out --progress none").spawn().unwrap();
    while !lab.path("out/experiment.toml").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let done = lab.call("gc out");
    assert!(done.code == Some(2) && done.stderr.contains("works there"), "{}", done.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    lab.works("gc out");
}

/// What is foreseen of disk and memory is what runs take, within a quarter.
#[cfg(target_os = "linux")]
#[test]
fn disk_and_memory_are_foreseen() {
    let lab = Lab::new();
    let more = "--set model.preset=\"small\" --set model.width=128 --set model.layers=4 --set model.hidden=384 --set \
                model.context=64 --set train.batch=32 --set train.tokens=20000 --set chain.seeds=[0]";
    let plan = lab.works(&format!("plan experiment.toml --json --device flex {more}")).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let foreseen = |what: &str| plan["foreseen"][what].as_f64().unwrap();
    let mut child =
        lab.command(&format!("{RUN} out {more} --progress none")).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut peak = 0.0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
        let bytes = line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0;
        peak = f64::max(peak, bytes);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let disk: usize = lab.files("out").values().map(Vec::len).sum();
    for (what, found) in [("disk", disk as f64), ("kept", disk as f64), ("memory", peak)] {
        let ratio = foreseen(what) / found;
        assert!((0.75..1.25).contains(&ratio), "{what}: {} foreseen, {found} found", foreseen(what));
    }
}

#[test]
fn a_run_that_cannot_fit_is_refused() {
    let lab = Lab::new();
    let large = "run experiment.toml --out out --device flex --set sample.tokens=9000000000 --set train.tokens=1000 --set \
                 chain.generations=200 --set chain.seeds=[0]";
    lab.refuses(large, "is foreseen to take ");
    assert!(lab.works("plan experiment.toml --device flex").stdout.contains(" of memory."));
}

/// Weights that a later generation begins with are kept, or made again, whatever is kept of others.
#[test]
fn ancestors_are_there_when_they_are_needed() {
    let lab = Lab::new();
    let arms = ["first = \"latest\"", "second = 1"].map(|line| {
        let (name, start) = line.split_once(" = ").unwrap();
        format!("[[arm]]\nname = \"{name}\"\ntrain.start = {start}\n")
    });
    let (base, _) = crate::lab::EXPERIMENT.split_once("[[arm]]").unwrap();
    lab.write("starts.toml", format!("{base}{}", arms.concat()));
    let run = "run starts.toml --device flex --jobs 2 --set chain.seeds=[0]";
    let more = "--set chain.generations=5";
    lab.works(&format!("{run} {more} --out whole"));
    let whole = lab.read("whole/metrics.csv");
    for (number, keep) in ["\"last\"", "{train=\"metrics\"}", "{train=\"last\",judge=\"metrics\"}"].iter().enumerate() {
        let out = format!("out-{number}");
        lab.works(&format!("{run} {more} --out {out} --set keep={keep}"));
        assert!(lab.read(&format!("{out}/metrics.csv")) == whole, "{keep}");
        // From three generations to five.
        let out = format!("grown-{number}");
        lab.works(&format!("{run} --set chain.generations=3 --out {out} --set keep={keep}"));
        lab.works(&format!("{run} {more} --out {out} --set keep={keep}"));
        assert!(lab.read(&format!("{out}/metrics.csv")) == whole, "{keep}, grown");
        lab.works(&format!("verify {out}"));
    }
}

/// A damaged stage of a run that keeps little: what it takes to make it again is made again too.
#[test]
fn damage_is_repaired_where_little_is_kept() {
    let lab = Lab::new();
    let run = format!("{RUN} out --set chain.generations=4 --set chain.seeds=[0] --set keep=\"last\"");
    lab.works(&run);
    let metrics = lab.read("out/metrics.csv");
    for kind in ["score", "train", "generate", "compose"] {
        for stage in lab.stages("out").into_iter().filter(|name| name.starts_with(kind)).step_by(2) {
            let seal = format!("out/stages/{stage}/SEAL");
            lab.write(&seal, lab.read(&seal).replacen('1', "2", 1));
            assert_eq!(lab.call("verify out --repair").code, Some(1), "{stage}");
            lab.works(&run);
            assert!(lab.read("out/metrics.csv") == metrics, "{stage}");
            lab.works("verify out");
        }
    }
}

/// What a chain that is not finished has made, it goes on with.
#[test]
fn unfinished_work_is_not_freed() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out --set chain.generations=1"));
    let orphan = "out/stages/train-0123456789abcdef";
    std::fs::create_dir_all(lab.path(orphan)).unwrap();
    let experiment = lab.read("experiment.toml").replace("generations = 2", "generations = 3");
    lab.write("experiment.toml", experiment);
    lab.works("plan experiment.toml --device flex --out out");
    let said = lab.works("gc out --keep metrics").stdout;
    assert!(said.contains("is not finished"), "{said}");
    assert!(lab.path(orphan).exists());
}
