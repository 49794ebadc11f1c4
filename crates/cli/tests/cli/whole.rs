//! A run directory belongs to its experiment, and what is read of it is as it was written.

use crate::lab::{Done, Lab};
use std::fs;
use std::process::{Child, Stdio};

const RUN: &str = "run experiment.toml --device flex --jobs 1 --out";

fn start(lab: &Lab, words: &str) -> Child {
    lab.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Done {
    Done::of(child.wait_with_output().unwrap())
}

/// Expects exit code 1, and one line of an error that holds all of this.
fn fails(lab: &Lab, words: &str, why: &[&str]) {
    let done = lab.call(words);
    assert_eq!(done.code, Some(1), "{words}: {}{}", done.stdout, done.stderr);
    let said: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("habsburg: ")).collect();
    assert_eq!(said.len(), 1, "{words}: {}", done.stderr);
    assert!(why.iter().all(|why| said[0].contains(why)), "{words}: expected {why:?} in {}", said[0]);
}

/// Changes one bit in the middle of a file.
fn flip(lab: &Lab, name: &str) {
    let mut bytes = fs::read(lab.path(name)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    lab.write(name, bytes);
}

/// A run directory as another, file for file.
fn copy(lab: &Lab, from: &str, to: &str) {
    let done = std::process::Command::new("cp").arg("-r").arg(lab.path(from)).arg(lab.path(to)).status().unwrap();
    assert!(done.success());
}

fn stage_of(lab: &Lab, run: &str, kind: &str) -> String {
    lab.stages(run).into_iter().find(|name| name.starts_with(kind)).unwrap()
}

#[test]
fn of_two_experiments_that_begin_at_once_one_gets_the_directory() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} one"));
    lab.works(&format!("{RUN} other --set train.learning_rate=0.02"));
    for round in 0..3 {
        let out = format!("both-{round}");
        let words = [format!("{RUN} {out}"), format!("{RUN} {out} --set train.learning_rate=0.02")];
        let [one, other] = words.map(|words| start(&lab, &words)).map(end);
        let (won, lost) = if one.code == Some(0) { ("one", other) } else { ("other", one) };
        assert_eq!(lost.code, Some(2), "{}", lost.stderr);
        assert!(lost.stderr.contains("holds another experiment: arm `"), "{}", lost.stderr);
        assert!(lab.read(&format!("{out}/metrics.csv")) == lab.read(&format!("{won}/metrics.csv")), "mixed metrics");
        lab.works(&format!("verify {out}"));
    }
}

#[test]
fn requests_that_only_add_something_work_side_by_side() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole"));
    lab.write("one-arm.toml", crate::lab::EXPERIMENT.split("[[arm]]\nname = \"accumulate\"").next().unwrap());
    let words = [
        format!("{RUN} out --set chain.seeds=[0] --set chain.generations=1"),
        format!("{RUN} out --set chain.seeds=[1]"),
        format!("{RUN} out --set chain.seeds=[0]"),
        "run one-arm.toml --device flex --jobs 1 --out out".to_owned(),
        format!("{RUN} out"),
        format!("{RUN} out"),
    ];
    for done in words.map(|words| start(&lab, &words)).map(end) {
        assert_eq!(done.code, Some(0), "{}", done.stderr);
    }
    assert!(lab.read("out/metrics.csv") == lab.read("whole/metrics.csv"));
    assert_eq!(lab.stages("out"), lab.stages("whole"));
    assert!(lab.works(&format!("{RUN} out")).did_nothing());
}

/// Whoever waited and is refused must not take the first one's work with it.
#[test]
fn a_refused_request_leaves_a_run_that_began_meanwhile() {
    let lab = Lab::new();
    lab.write("bad.toml", crate::lab::EXPERIMENT.replace("batch = 4", "batch = 4000"));
    let bad = "run bad.toml --device flex --out out";
    let [one, other] = [format!("{RUN} out"), bad.to_owned()].map(|words| start(&lab, &words)).map(end);
    assert_eq!((one.code, other.code), (Some(0), Some(2)), "{}{}", one.stderr, other.stderr);
    lab.works("verify out");
}

#[test]
fn results_are_those_of_the_settings_that_are_written_down() {
    let lab = Lab::new();
    let warm = format!("{RUN} out --set train.learning_rate=0.02");
    lab.works(&format!("{RUN} out"));
    lab.works(&format!("{RUN} warm --set train.learning_rate=0.02"));
    let (first, cool) = (lab.read("out/experiment.toml"), lab.read("out/metrics.csv"));
    // Without its settings nobody knows which experiment this is: neither the same request nor another goes on.
    fs::remove_file(lab.path("out/experiment.toml")).unwrap();
    fails(&lab, &warm, &["experiment.toml is missing", "`habsburg verify out --repair`"]);
    assert!(lab.works("verify out --repair").stdout.contains("experiment.toml: restored from run.json"));
    assert_eq!(lab.read("out/experiment.toml"), first);
    lab.refuses(&warm, "learning_rate is 0.01 there and 0.02 here");
    assert!(lab.works(&format!("{RUN} out")).did_nothing());
    // With nothing that says what was made, everything is gone through again.
    for name in ["experiment.toml", "run.json", "SHA256SUMS"] {
        fs::remove_file(lab.path("out").join(name)).unwrap();
    }
    lab.works(&warm);
    assert!(lab.read("out/metrics.csv") == lab.read("warm/metrics.csv") && lab.read("out/metrics.csv") != cool);
}

#[test]
fn a_plan_takes_no_folder_that_is_there() {
    let lab = Lab::new();
    fs::create_dir(lab.path("tmp")).unwrap();
    let script = "mkdir tmp/habsburg-plan-$$ && echo mine > tmp/habsburg-plan-$$/file && exec \"$0\" plan experiment.toml --device flex";
    let mut command = std::process::Command::new("sh");
    command
        .arg("-c")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_habsburg"))
        .current_dir(lab.path(""))
        .env("TMPDIR", lab.path("tmp"));
    let done = Done::of(command.output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // A folder has no content.
    let left: Vec<Vec<u8>> = lab.files("tmp").into_values().filter(|content| !content.is_empty()).collect();
    assert_eq!(
        (left.len(), lab.files("tmp").len(), &left[0][..]),
        (1, 2, &b"mine\n"[..]),
        "the folder of somebody else is as it was, and nothing new is there"
    );
    let mut command = lab.command("plan experiment.toml --device flex");
    let done = Done::of(command.env("TMPDIR", lab.path("nowhere")).output().unwrap());
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("set TMPDIR to a folder that can be written"), "{}", done.stderr);
}

#[test]
fn changed_metrics_are_not_shown() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    let whole = lab.read("out/metrics.csv");
    let digit = whole.rfind(|c: char| c.is_ascii_digit() && c != '9').unwrap();
    let changed = format!("{}9{}", &whole[..digit], &whole[digit + 1..]);
    for text in [changed, String::new(), whole.replacen("replace", "rEplace", 1), whole[..whole.len() / 2].to_owned()] {
        lab.write("out/metrics.csv", text);
        for words in ["report out", "compare out out", "report out --out pages/a.html"] {
            fails(&lab, words, &["metrics.csv has changed since the run wrote it", "`habsburg verify out --repair`"]);
        }
        let found = lab.call("verify out");
        assert_eq!(found.code, Some(1));
        assert!(found.stdout.starts_with("metrics.csv: metrics.csv has changed"), "{}", found.stdout);
        assert!(lab.works("verify out --repair").stdout.contains("metrics.csv: derived again"));
        assert!(lab.read("out/metrics.csv") == whole);
        lab.works("report out");
    }
    fs::remove_file(lab.path("out/metrics.csv")).unwrap();
    fails(&lab, "report out", &["metrics.csv is missing"]);
    lab.works("verify out --repair");
    assert!(lab.read("out/metrics.csv") == whole);
}

/// Every file of a stage that somebody reads.
#[test]
fn damaged_stages_are_named_and_made_again() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole"));
    let [train, generate, score] = ["train", "generate", "score"].map(|kind| stage_of(&lab, "whole", kind));
    let model = format!("stages/{train}/model");
    copy(&lab, &format!("whole/{model}"), "copied");
    lab.works("sample copied --tokens 20 --device flex");
    flip(&lab, "copied/model.safetensors");
    for words in ["sample copied --tokens 20 --device flex", "evaluate copied corpus.jsonl --device flex"] {
        fails(&lab, words, &["copied/model.safetensors has another checksum", "copy it again"]);
    }
    for (number, (stage, file)) in [
        (&train, "model/model.safetensors"),
        (&generate, "documents.jsonl.zst"),
        (&generate, "tokens.safetensors"),
        (&score, "metrics.json"),
        (&score, "SEAL"),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("out-{number}");
        copy(&lab, "whole", &out);
        flip(&lab, &format!("{out}/stages/{stage}/{file}"));
        fails(&lab, &format!("{RUN} {out}"), &[file, &format!("`habsburg verify {out} --repair`")]);
        if stage == &score {
            fails(&lab, &format!("report {out}"), &[file]);
        }
        if file.starts_with("model") {
            fails(&lab, &format!("sample {out}/{model} --tokens 20 --device flex"), &[file]);
        }
        let found = lab.call(&format!("verify {out}"));
        assert_eq!(found.code, Some(1));
        let lines: Vec<&str> = found.stdout.lines().filter(|line| line.contains(file)).collect();
        assert!(lines.len() == 1 && lines[0].starts_with(&format!("{stage}: ")), "{}", found.stdout);
        assert!(found.stdout.contains(&format!("The next `habsburg run` makes again: {stage}.")), "{}", found.stdout);
        assert_eq!(lab.call(&format!("verify {out} --repair")).code, Some(1), "it is still to be made again");
        lab.works(&format!("{RUN} {out}"));
        lab.works(&format!("verify {out}"));
        assert!(lab.read(&format!("{out}/metrics.csv")) == lab.read("whole/metrics.csv"));
        assert_eq!(lab.stages(&out), lab.stages("whole"));
    }
}

#[test]
fn damaged_records_say_what_they_are_and_there_is_a_way_out() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole"));
    let record = "chains/replace/seed-0/gen-1/generation.json";
    let cut = |name: &str| {
        let text = lab.read(name);
        lab.write(name, &text[..text.len() / 2]);
    };
    for (number, name) in ["experiment.toml", "run.json", "SHA256SUMS", record].into_iter().enumerate() {
        let out = format!("out-{number}");
        copy(&lab, "whole", &out);
        cut(&format!("{out}/{name}"));
        let verify = format!("`habsburg verify {out} --repair`");
        if name != record {
            fails(&lab, &format!("{RUN} {out}"), &[&verify]);
        }
        fails(&lab, &format!("report {out}"), &[&verify]);
        assert_eq!(lab.call(&format!("verify {out}")).code, Some(1), "{name}");
        lab.call(&format!("verify {out} --repair"));
        lab.works(&format!("{RUN} {out}"));
        lab.works(&format!("verify {out}"));
        for name in ["experiment.toml", "metrics.csv", record] {
            assert_eq!(lab.read(&format!("{out}/{name}")), lab.read(&format!("whole/{name}")), "{name}");
        }
    }
    // A folder that lost its seal.
    copy(&lab, "whole", "sealless");
    let stage = stage_of(&lab, "sealless", "generate");
    fs::remove_file(lab.path(&format!("sealless/stages/{stage}/SEAL"))).unwrap();
    fails(&lab, "verify sealless", &["damaged or missing"]);
    assert!(lab.call("verify sealless").stdout.contains(&format!("{stage}: the folder has no SEAL")));
    lab.call("verify sealless --repair");
    lab.works(&format!("{RUN} sealless"));
    // Both that say which experiment it is: the experiment's own file begins again, on the stages that are there.
    copy(&lab, "whole", "neither");
    ["experiment.toml", "run.json"].into_iter().for_each(|name| cut(&format!("neither/{name}")));
    let said = lab.call("verify neither --repair").stdout;
    assert!(said.contains("set aside") && said.contains("--out neither"), "{said}");
    let again = lab.works(&format!("{RUN} neither"));
    assert_eq!(again.made(), 0, "{}", again.stderr);
    assert_eq!(lab.read("neither/metrics.csv"), lab.read("whole/metrics.csv"));
}

/// What is not there cannot be derived again, and what is whole is not given up for less.
#[test]
fn whole_metrics_are_not_given_up() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole"));
    let metrics = lab.read("whole/metrics.csv");
    for (number, gone) in
        [&["stages", "chains"][..], &["stages"], &["chains"], &["chains/replace/seed-1/gen-1"]].iter().enumerate()
    {
        let out = format!("out-{number}");
        copy(&lab, "whole", &out);
        gone.iter().for_each(|name| fs::remove_dir_all(lab.path(&format!("{out}/{name}"))).unwrap());
        let found = lab.call(&format!("verify {out}"));
        // Rows and `run.json` alone are a piece of an experiment.
        assert_eq!(found.code, Some(if gone.len() == 2 { 0 } else { 1 }), "{gone:?}: {}", found.stdout);
        lab.call(&format!("verify {out} --repair"));
        assert!(lab.read(&format!("{out}/metrics.csv")) == metrics, "{gone:?}");
        if gone.len() == 1 {
            lab.works(&format!("{RUN} {out}"));
            lab.works(&format!("verify {out}"));
            assert!(lab.read(&format!("{out}/metrics.csv")) == metrics, "{gone:?}");
        }
    }
    // A piece needs its rows, `run.json` and the checksums.
    fs::create_dir(lab.path("piece")).unwrap();
    for name in ["metrics.csv", "run.json", "SHA256SUMS"] {
        fs::copy(lab.path(&format!("whole/{name}")), lab.path(&format!("piece/{name}"))).unwrap();
    }
    lab.works("report piece");
    lab.works("verify piece");
}

#[test]
fn a_record_in_another_place_is_not_believed() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    let metrics = lab.read("out/metrics.csv");
    let record = |seed: u32| format!("out/chains/replace/seed-{seed}/gen-1/generation.json");
    fs::copy(lab.path(&record(0)), lab.path(&record(1))).unwrap();
    fails(&lab, "report out", &["generation.json has another checksum"]);
    assert_eq!(lab.call("verify out").code, Some(1));
    lab.works(&format!("{RUN} out"));
    assert!(lab.read("out/metrics.csv") == metrics);
    lab.works("verify out");
}

#[test]
fn a_page_replaces_pages_only() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    for place in ["out/metrics.csv", "corpus.jsonl", "experiment.toml", "out"] {
        lab.refuses(&format!("report out --out {place}"), "is there and is no page");
        lab.refuses(&format!("compare out out --out {place}"), "is there and is no page");
    }
    lab.works("report out --out page.html");
    lab.works("report out --out page.html");
}

#[cfg(unix)]
#[test]
fn special_files_are_damage() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} whole"));
    let seal = format!("stages/{}/SEAL", stage_of(&lab, "whole", "score"));
    for (number, name) in ["SHA256SUMS", &seal, "chains/replace/seed-0/gen-1/generation.json"].into_iter().enumerate() {
        let out = format!("out-{number}");
        copy(&lab, "whole", &out);
        let path = lab.path(&format!("{out}/{name}"));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        fails(&lab, &format!("report {out}"), &["is no regular file"]);
        assert_eq!(lab.call(&format!("verify {out}")).code, Some(1), "{name}");
    }
}

#[test]
fn a_stage_that_is_gone_is_missed() {
    let lab = Lab::new();
    lab.works(&format!("{RUN} out"));
    let stage = stage_of(&lab, "out", "score");
    fs::remove_dir_all(lab.path(&format!("out/stages/{stage}"))).unwrap();
    let found = lab.call("verify out");
    assert_eq!(found.code, Some(1));
    assert!(found.stdout.contains(&format!("{stage}: is missing (")), "{}", found.stdout);
    assert_eq!(lab.works(&format!("{RUN} out")).made(), 1);
    lab.works("verify out");
}

#[test]
fn what_is_no_run_directory_cannot_be_verified() {
    let lab = Lab::new();
    lab.refuses("verify nowhere", "is not a run directory");
    lab.refuses("verify corpus.jsonl --repair", "is not a run directory");
    lab.refuses("gc nowhere", "is not a run directory");
}
