//! Stages and records of a run directory, with what goes wrong in the middle.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rundir::{Build, ChainId, Error, GenerationRecord, RunDir, RunInfo, StageId, StageKind};

fn new_run() -> (tempfile::TempDir, RunDir) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::create(&folder.path().join("some/run")).unwrap();
    (folder, run)
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn stage_names(run: &RunDir) -> BTreeSet<String> {
    names(&run.path().join("stages"))
}

fn fill(dir: &Path) -> Result<(), Error> {
    fs::create_dir(dir.join("model")).unwrap();
    fs::write(dir.join("model/config.json"), "{}").unwrap();
    fs::write(dir.join("train.jsonl"), "1\n2\n").unwrap();
    Ok(())
}

#[test]
fn a_stage_is_made_once_and_found_again() {
    let (_folder, run) = new_run();
    let id = StageId::of(StageKind::Train, 1, &"settings").unwrap();
    assert_eq!(run.find(&id).unwrap(), None);
    let made = run.make(&id, fill).unwrap();
    made.verify().unwrap();
    let files: Vec<_> = made.files().iter().map(|file| (file.name.as_str(), file.bytes)).collect();
    assert_eq!(files, [("model/config.json", 2), ("train.jsonl", 4)]);
    // SHA-256 of "{}".
    assert!(made.files()[0].sha256.starts_with("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"));
    let again = run.make(&id, |_| -> Result<(), Error> { panic!("a finished stage is not made again") }).unwrap();
    assert_eq!(again, made);
    // By the wall clock, and in the seal: a stage that is found took as long as when it was made.
    let slow = StageId::of(StageKind::Train, 1, &"slow").unwrap();
    let slow = run.make(&slow, |_| -> Result<(), Error> {
        std::thread::sleep(Duration::from_millis(30));
        Ok(())
    });
    let slow = slow.unwrap();
    assert!(slow.took() >= Duration::from_millis(30), "{:?}", slow.took());
    assert_eq!(run.find(slow.id()).unwrap().unwrap().took(), slow.took());
    assert_eq!(stage_names(&run), BTreeSet::from([id.to_string(), slow.id().to_string()]));
}

#[test]
fn a_failed_stage_leaves_nothing() {
    let (_folder, run) = new_run();
    let id = StageId::of(StageKind::Generate, 1, &()).unwrap();
    let failed = run.make(&id, |dir| {
        fill(dir)?;
        Err(Error::Canonical("the reason".into()))
    });
    assert!(failed.unwrap_err().to_string().contains("the reason"));
    assert_eq!(stage_names(&run), BTreeSet::new());
    let panicked = std::panic::catch_unwind(|| run.make(&id, |_| -> Result<(), Error> { panic!("on purpose") }));
    assert!(panicked.is_err());
    assert_eq!(stage_names(&run), BTreeSet::new());
    run.make(&id, fill).unwrap();
}

#[test]
fn two_that_race_share_one_stage() {
    let (_folder, run) = new_run();
    let id = StageId::of(StageKind::Compose, 1, &7).unwrap();
    let (filled, together) = (AtomicUsize::new(0), Barrier::new(2));
    let made: Vec<_> = std::thread::scope(|scope| {
        let race = |text: &'static str| {
            let (run, id, filled, together) = (&run, &id, &filled, &together);
            move || {
                run.make(id, |dir| {
                    together.wait(); // both have looked and found nothing
                    filled.fetch_add(1, Ordering::SeqCst);
                    fs::write(dir.join("who"), text).unwrap();
                    Ok::<(), Error>(())
                })
                .unwrap()
            }
        };
        let threads = [scope.spawn(race("one")), scope.spawn(race("other"))];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    assert_eq!(filled.load(Ordering::SeqCst), 2);
    assert_eq!(made[0], made[1], "both see the stage that was first");
    made[0].verify().unwrap();
    assert_eq!(stage_names(&run), BTreeSet::from([id.to_string()]));
}

#[test]
fn damage_is_found_and_named() {
    let (_folder, run) = new_run();
    let id = StageId::of(StageKind::Train, 1, &1).unwrap();
    let stage = run.make(&id, fill).unwrap();
    let file = stage.path().join("train.jsonl");
    let said = || stage.verify().unwrap_err().to_string();
    fs::write(&file, "1\n3\n").unwrap();
    assert!(said().contains("train.jsonl") && said().contains("checksum"), "{}", said());
    fs::write(&file, "1\n").unwrap();
    assert!(said().contains("has 2 bytes, its seal says 4"), "{}", said());
    fs::remove_file(&file).unwrap();
    assert!(said().contains("train.jsonl is missing"), "{}", said());
    fs::write(stage.path().join(rundir::SEAL), "junk").unwrap();
    assert!(matches!(run.find(&id), Err(Error::Damaged { .. })));
    // A folder without a seal is damage, and not a stage that is still to be made.
    fs::remove_file(stage.path().join(rundir::SEAL)).unwrap();
    let said = run.make(&id, fill).unwrap_err().to_string();
    assert!(said.contains("has no SEAL") && said.contains("verify") && said.contains("--repair"), "{said}");
    run.remove_stage(&id).unwrap();
    run.make(&id, fill).unwrap().verify().unwrap();
}

#[test]
fn one_file_is_compared_with_the_seal_while_it_is_read() {
    let (_folder, run) = new_run();
    let stage = run.make(&StageId::of(StageKind::Train, 1, &1).unwrap(), fill).unwrap();
    assert_eq!(stage.read("train.jsonl").unwrap(), b"1\n2\n");
    fs::write(stage.path().join("train.jsonl"), "1\n3\n").unwrap();
    fs::write(stage.path().join("other"), "").unwrap();
    for (name, how) in [("train.jsonl", "another checksum"), ("other", "not sealed"), ("none", "not sealed")] {
        let said = stage.read(name).unwrap_err().to_string();
        assert!(said.contains(name) && said.contains(how), "{said}");
    }
}

#[test]
fn large_files_are_removed_on_purpose_and_made_again_when_they_are_needed() {
    let (_folder, run) = new_run();
    let id = StageId::of(StageKind::Train, 1, &1).unwrap();
    let stage = run.make(&id, fill).unwrap();
    assert_eq!(stage.thin(|name| name.starts_with("model/")).unwrap(), 2);
    let thin = run.find(&id).unwrap().unwrap();
    assert!(!thin.is_whole() && thin.has("model/config.json") && thin.removed_bytes() == 2);
    thin.verify().unwrap();
    assert!(thin.read("model/config.json").unwrap_err().to_string().contains("was removed"));
    assert_eq!(thin.thin(|name| name.starts_with("model/")).unwrap(), 0);
    let health = run.verify(&mut |_, _| {}).unwrap();
    assert_eq!((health.damaged, health.thinned[&id], health.bytes), (vec![], 2, 4));
    // A process that was killed between the list and the files left more than the list says, and no damage.
    fs::write(stage.path().join("model/config.json"), "{}").unwrap();
    let thin = run.find(&id).unwrap().unwrap();
    thin.verify().unwrap();
    assert_eq!(thin.thin(|name| name.starts_with("model/")).unwrap(), 2, "the next one removes it");
    let whole = run.make(&id, fill).unwrap();
    assert!(whole.is_whole());
    assert_eq!(whole.read("model/config.json").unwrap(), b"{}");
    assert_eq!(run.sweep().unwrap(), 0);
}

#[test]
fn every_part_that_is_damaged_is_named() {
    let (_folder, run) = new_run();
    let claim = run.lock(&mut |_| {}).unwrap();
    claim.write_info(&RunInfo::new("collapse", Build::default(), "flex", "CPU")).unwrap();
    claim.write_metrics(&rundir::Schema::default(), Vec::new()).unwrap();
    let ids = [1, 2, 3].map(|key| StageId::of(StageKind::Train, 1, &key).unwrap());
    ids.iter().for_each(|id| drop(run.make(id, fill).unwrap()));
    let chain = ChainId::new("replace", 0).unwrap();
    let missing = StageId::of(StageKind::Score, 1, &1).unwrap();
    run.write_generation(&chain, 0, &GenerationRecord::done([ids[0], missing])).unwrap();
    run.write_generation(&chain, 1, &GenerationRecord::done([ids[1]])).unwrap();
    let health = run.verify(&mut |_, _| {}).unwrap();
    assert_eq!((health.damaged.len(), health.stages, health.bytes), (0, 3, 18));
    assert_eq!(health.missing[&missing], (chain.clone(), 0));

    fs::write(run.stage_path(&ids[0]).join("train.jsonl"), "1\n3\n").unwrap();
    fs::remove_file(run.stage_path(&ids[1]).join("SEAL")).unwrap();
    fs::write(run.path().join("metrics.csv"), "").unwrap();
    fs::remove_file(run.experiment_path()).unwrap();
    fs::write(run.generation_path(&chain, 1).join("generation.json"), "{").unwrap();
    let damaged = run.verify(&mut |_, _| {}).unwrap().damaged;
    let mut parts: Vec<rundir::Part> = damaged.iter().map(|damage| damage.part.clone()).collect();
    parts.sort();
    use rundir::Part;
    let mut expected =
        [Part::Stage(ids[0]), Part::Stage(ids[1]), Part::Record(chain, 1), Part::Experiment, Part::Metrics];
    expected.sort();
    assert_eq!(parts, expected);
    assert!(damaged.iter().all(|damage| damage.how.lines().count() == 1), "{damaged:?}");
}

#[test]
fn sweep_takes_leftovers_and_spares_the_living() {
    let (_folder, run) = new_run();
    let (kept, living) = (StageId::of(StageKind::Train, 1, &1).unwrap(), StageId::of(StageKind::Train, 1, &2).unwrap());
    run.make(&kept, fill).unwrap();
    // What `kill -9` leaves: a folder and a lock that nobody holds; and a folder whose lock was never made.
    let stages = run.path().join("stages");
    fs::create_dir_all(stages.join(".making-train-0000000000000000-1-0/model")).unwrap();
    fs::write(stages.join(".making-train-0000000000000000-1-0.lock"), "").unwrap();
    fs::create_dir(stages.join(".making-train-0000000000000000-1-1")).unwrap();
    fs::write(stages.join(".making-train-0000000000000000-1-2.lock"), "").unwrap();
    run.make(&living, |dir| -> Result<(), Error> {
        assert_eq!(run.sweep()?, 2);
        assert!(dir.is_dir(), "a stage in the making was swept");
        fill(dir)
    })
    .unwrap();
    assert_eq!(stage_names(&run), BTreeSet::from([kept.to_string(), living.to_string()]));
    assert_eq!(run.sweep().unwrap(), 0);
}

#[test]
fn generations_are_recorded_and_resolved() {
    let (_folder, run) = new_run();
    let id = StageId::of(StageKind::Train, 1, &1).unwrap();
    run.make(&id, fill).unwrap();
    let chain = ChainId::new("replace", 10).unwrap();
    assert_eq!(run.resolve(&chain, 0).unwrap(), None);
    let (done, failed) = (GenerationRecord::done([id]), GenerationRecord::failed("the loss is not finite", []));
    run.write_generation(&chain, 0, &failed).unwrap();
    run.write_generation(&chain, 0, &done).unwrap();
    run.write_generation(&chain, 11, &failed).unwrap();
    run.write_generation(&ChainId::new("replace", 9).unwrap(), 2, &done).unwrap();
    run.write_generation(&ChainId::new("accumulate", 10).unwrap(), 2, &done).unwrap();
    fs::create_dir_all(run.path().join("chains/replace/seed-10/gen-3")).unwrap(); // begun, nothing recorded
    fs::write(run.path().join("chains/notes.txt"), "a person's").unwrap();

    let shown: Vec<String> = run.chains().unwrap().iter().map(ChainId::to_string).collect();
    assert_eq!(shown, ["accumulate/seed-10", "replace/seed-9", "replace/seed-10"]);
    assert_eq!(run.generations(&chain).unwrap(), [0, 11]);
    assert_eq!(run.resolve(&chain, 0).unwrap(), Some(done));
    assert_eq!(run.resolve(&chain, 11).unwrap().unwrap().failure(), Some("the loss is not finite"));
    if cfg!(unix) {
        let linked = run.generation_path(&chain, 0).join("train/train.jsonl");
        assert_eq!(fs::read_to_string(linked).unwrap(), "1\n2\n");
    }
}

#[test]
fn what_is_no_run_directory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (none, file) = (folder.path().join("none"), folder.path().join("file"));
    fs::write(&file, "x").unwrap();
    for (path, word) in
        [(&none, "does not exist"), (&file, "is a file"), (&folder.path().to_owned(), "neither a folder `stages`")]
    {
        let said = RunDir::open(path).unwrap_err().to_string();
        assert!(said.contains(word) && said.contains("not a run directory"), "{said}");
    }
    assert!(RunDir::create(folder.path()).unwrap_err().to_string().contains("is not empty"));
    assert!(RunDir::create(&file).unwrap_err().to_string().starts_with("cannot write "));
    assert!(RunDir::create(&file.join("below")).unwrap_err().to_string().starts_with("cannot write "));
    assert_eq!(names(folder.path()), BTreeSet::from(["file".to_owned()]), "nothing is left behind");
}

#[test]
fn a_run_directory_is_created_once_and_keeps_its_format() {
    let (_folder, run) = new_run();
    assert_eq!(run.info().unwrap(), None);
    let mut info = RunInfo::new("collapse", Build::default(), "flex", "16 threads");
    let write = |info: &RunInfo| run.lock(&mut |_| {}).unwrap().write_info(info).unwrap();
    write(&info);
    assert_eq!(RunDir::create(run.path()).unwrap(), run);
    assert_eq!(RunDir::open(run.path()).unwrap().info().unwrap(), Some(info.clone()));
    info.format = 99;
    write(&info);
    let said = RunDir::open(run.path()).unwrap_err().to_string();
    assert!(said.contains("has format 99"), "{said}");
}
