//! The over-represented n-grams of a chain's last generation on the page of a run that this test builds.

mod support;

use std::fs;

use rundir::{ChainId, GenerationRecord, RunDir, StageId, StageKind};

#[test]
fn n_grams_of_the_last_generation_with_their_course() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let files = [
        r#"{"documents": 10, "ngrams": [{"ngram": "never shown", "z": 5.0, "human_share": 0.0, "shares": [0.1]}]}"#
            .to_owned(),
        serde_json::json!({"documents": 10, "ngrams": [{
            "ngram": "a <b>rich</b>\u{1b}[2J tapestry", "documents": 3, "human": 0, "log_odds": 5.0, "z": 6.25,
            "human_share": 0.001, "shares": [0.01, 0.3]
        }]})
        .to_string(),
    ];
    for (arm, files) in [("replace", &files[..]), ("broken", &["{".to_owned()][..])] {
        for (generation, file) in files.iter().enumerate() {
            let id = StageId::of(StageKind::Score, 1, &(arm, generation)).unwrap();
            let fill = |dir: &std::path::Path| {
                fs::write(dir.join("over-represented.json"), file).unwrap();
                Ok::<_, rundir::Error>(())
            };
            run.make(&id, fill).unwrap();
            let chain = ChainId::new(arm, 0).unwrap();
            run.write_generation(&chain, generation as u32, &GenerationRecord::done([id])).unwrap();
        }
    }
    let row = |arm: &str| support::row(("x", arm, 0, 0), "test", "loss", &[], 1.0);
    support::write_rows(&run.metrics_path(), vec![row("replace"), row("broken")]);
    support::state(&run, "x", Vec::new());
    let page = fs::read_to_string(report::write(&[path], None).unwrap().page).unwrap();
    let at = page.find("<h2>Over-represented n-grams</h2>").unwrap();
    let section = &page[at..];
    for said in
        ["a &lt;b&gt;rich&lt;/b&gt;⟨U+001B⟩[2J tapestry", "<td>6.2</td><td>0.1 %</td><td>1.0 %</td><td>30.0 %</td>"]
    {
        assert!(section.contains(said), "no {said}");
    }
    assert!(!page.contains("never shown") && !page.contains('\u{1b}'));
    assert!(section.contains("over-represented.json: EOF"), "a broken file is named");
}
