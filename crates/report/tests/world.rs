//! Reports of a run on a generated world that these tests build: four arms, false facts that are passed on, hostile words.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use evaluation::Dimension::{self, Band, Part, Reference};
use rundir::{ChainId, GenerationRecord, Row, RunDir, StageId, StageKind};

const GENERATIONS: u32 = 6;
const SEEDS: u64 = 3;
/// Arms, and how much of each generation's damage stays.
const ARMS: [(&str, f64); 4] =
    [("replace", 1.0), ("accumulate", 0.25), ("ten-percent-human", 0.45), ("human-refit", 0.0)];
const BANDS: [(&str, f64); 4] = [("0", 0.02), ("1-9", 1.0), ("10-99", 0.4), ("100-999", 0.08)];
const HOSTILE: &str = "Ada <script>alert(1)</script> & \u{1b}[2J\u{202e}Venn, birthplace: \"Elmford\", not Ashwick";

struct Run {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Run {
    fn runs(&self) -> &[PathBuf] {
        std::slice::from_ref(&self.path)
    }
}

fn scatter(seed: u64, salt: u32) -> f64 {
    ((seed as f64 + 1.0) * 12.9898 + f64::from(salt) * 78.233).sin()
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (arm, stays) in ARMS {
        for seed in 0..SEEDS {
            for generation in 0..GENERATIONS {
                for (set, metric, by, value) in measured(f64::from(generation) * stays, seed, generation) {
                    let by: Vec<(Dimension, &str)> = by.iter().map(|(of, value)| (*of, value.as_str())).collect();
                    rows.push(support::row(("quick", arm, seed, generation), set, metric, &by, value));
                }
            }
        }
    }
    rows
}

type Measured = (&'static str, &'static str, Vec<(Dimension, String)>, f64);

/// What is measured after so many generations' worth of damage.
fn measured(damage: f64, seed: u64, generation: u32) -> Vec<Measured> {
    let noise = scatter(seed, generation);
    let keeps = (-0.5 * damage).exp();
    let mut rows = vec![
        ("test", "loss", vec![], 1.9 + 0.12 * damage),
        ("test", "perplexity", vec![], (1.9 + 0.12 * damage).exp()),
        ("test", "floor", vec![], 1.27),
        ("test", "excess", vec![], 0.09 + 0.11 * damage + 0.01 * noise),
        ("test", "excess-per-document", vec![], 3.0 + 3.5 * damage + 0.3 * noise),
        ("generated", "parses", vec![], 0.93 * keeps),
        ("generated", "divergence", vec![], 2.0 + 1.5 * damage + 0.2 * noise),
        ("generated", "grammatical-documents", vec![], 0.93 - 0.03 * damage + 0.01 * noise),
        ("generated", "false-fact-share", vec![], 0.12 + 0.09 * damage + 0.01 * noise),
        ("generated", "invented-persons", vec![], 30.0 - 3.0 * damage + 2.0 * noise),
        ("generated", "false-facts", vec![], 300.0 + 40.0 * damage),
        ("generated", "bias", vec![], 0.7 + 0.02 * damage + 0.01 * noise),
        ("generated", "bias", vec![(Reference, "expected")], 0.7),
        ("generated", "tic", vec![], 0.002 + 0.0004 * damage),
        ("generated", "tic", vec![(Reference, "expected")], 0.002),
        ("asked", "calibration-error", vec![], 0.05 + 0.03 * damage + 0.005 * noise),
        ("asked", "recall-questions", vec![], 2400.0),
    ];
    if generation > 0 {
        let repeated = 0.1 + 0.12 * damage;
        let shared = 0.06 + 0.01 * damage;
        rows.extend([
            ("generated", "inheritance", vec![(Part, "repeated")], repeated + 0.01 * noise),
            ("generated", "inheritance", vec![(Part, "shared")], shared),
            ("generated", "inheritance", vec![(Part, "inherited")], repeated - shared + 0.01 * noise),
        ]);
    }
    let owned = |by: Vec<(Dimension, &str)>| by.into_iter().map(|(of, value)| (of, value.to_owned())).collect();
    let mut rows: Vec<Measured> = rows.into_iter().map(|(s, m, by, v)| (s, m, owned(by), v)).collect();
    for (band, fades) in BANDS {
        let known = (1.0 - 0.6 * fades) * (-fades * damage / 2.0).exp() * if band == "0" { 0.1 } else { 1.0 };
        let known = known + 0.015 * noise;
        rows.push(("asked", "recall", owned(vec![(Band, band)]), known));
        rows.push(("asked", "recall-top", owned(vec![(Band, band)]), (known * 1.1).min(1.0)));
        rows.push(("asked", "recall-lift", owned(vec![(Band, band)]), (known.max(0.01) / 0.08).ln()));
    }
    for (kind, decades) in [("persons", &[-1, -2, -3][..]), ("facts", &[-1, -2, -3, -4]), ("forms", &[0, -1, -2])] {
        for &decade in decades {
            let (all, rare) = (10f64.powi(1 - decade), f64::from(-decade) / 4.0);
            let expected = all * (1.0 - 0.5 * rare * rare);
            let present = (expected * (-rare * damage / 2.0).exp() * (1.0 + 0.01 * noise)).min(all).floor();
            let band = format!("1e{decade}");
            let part = |of, value: &str| vec![(Band, band.clone()), (of, value.to_owned())];
            rows.push(("generated", kind, vec![(Band, band.clone())], present));
            rows.push(("generated", kind, part(Reference, "expected"), expected));
            rows.push(("generated", kind, part(Part, "all"), all));
        }
    }
    rows
}

/// A run with what was measured and, as making stages takes time, with what it wrote only where a test reads it.
fn build(stages: bool) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    for (arm, _) in ARMS {
        for generation in (0..GENERATIONS).filter(|_| stages) {
            let id = |kind| StageId::of(kind, 1, &(arm, generation)).unwrap();
            let (wrote, scored) = (id(StageKind::Generate), id(StageKind::Score));
            run.make(&wrote, |dir| documents(dir, generation)).unwrap();
            run.make(&scored, |dir| false_facts(dir, arm, generation)).unwrap();
            let record = GenerationRecord::done([wrote, scored]);
            run.write_generation(&ChainId::new(arm, 0).unwrap(), generation, &record).unwrap();
        }
    }
    support::state(&run, "quick", ARMS.map(|(arm, _)| support::named(arm)).to_vec());
    support::write_rows(&run.metrics_path(), rows());
    Run { _folder: folder, path }
}

fn documents(dir: &Path, generation: u32) -> Result<(), rundir::Error> {
    let text = match generation {
        0 => {
            "Thava Roth was born in Elmford in 1244. She was a mason by trade. Judges praised the White Stair. So the \
              river runs. Ola Marberden worked in the river style. His master was Gera Unward."
                .to_owned()
        }
        _ => format!(
            "Thava Roth was born in Kingdale in 12{generation}4. She was a mason. She was a mason \u{1b}[31mred."
        ),
    };
    let line = serde_json::json!({"id": "0", "text": text, "provenance": {"origin": "synthetic"}}).to_string() + "\n";
    fs::write(dir.join("documents.jsonl.zst"), zstd::encode_all(line.as_bytes(), 3).unwrap()).unwrap();
    Ok(())
}

/// `replace` tells one false fact from generation 1 on, ever more often, and a more frequent one in generation 0 alone;
/// the control tells others each time.
fn false_facts(dir: &Path, arm: &str, generation: u32) -> Result<(), rundir::Error> {
    let fact = |person: u32, value: u32, count: u32, words: &str| serde_json::json!({"person": person, "fact": 1, "value": value, "count": count, "words": words});
    let mut facts = vec![fact(900 + generation, 3, 3, "Bo Lam, craft: smith, not dyer")];
    match (arm, generation) {
        ("replace", 0) => facts.push(fact(4, 4, 90, "Edi Kelward, born: 1201, not 1230")),
        ("replace", told) => facts.push(fact(3, 17, 4 * told, HOSTILE)),
        ("accumulate", 2..=4) => facts.push(fact(3, 17, 2, "Isa Unlock, master: Ald Noren, not Sim Garser")),
        _ => {}
    }
    fs::write(dir.join("false-facts.json"), serde_json::to_vec(&facts).unwrap()).unwrap();
    Ok(())
}

fn page(run: &Run) -> String {
    fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap()
}

#[test]
fn figures_of_a_world_come_first() {
    let run = build(true);
    let written = report::write(run.runs(), None).unwrap();
    let names: Vec<_> = written.figures.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    let expected = [
        "excess",
        "grammatical-documents",
        "forgetting",
        "forgetting-lift",
        "survivors-facts",
        "survivors-persons",
        "survivors-forms",
        "false-fact-share",
        "invented-persons",
        "inheritance",
        "genealogy",
        "divergence",
        "planted",
        "calibration-error",
        "universal-survival",
        "test-perplexity",
        "test-loss",
    ];
    assert_eq!(names, expected);
    for path in &written.figures {
        let svg = fs::read_to_string(path).unwrap();
        let bad = svg.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>") && bad.is_none(), "{}", path.display());
        assert!(!svg.contains("<script") && !svg.contains("NaN"), "{}", path.display());
    }
}

#[test]
fn the_forgetting_curve_has_a_panel_for_each_arm_and_the_control_in_all() {
    let run = build(false);
    let svg = |name: &str| fs::read_to_string(run.path.join(format!("figures/{name}.svg"))).unwrap();
    let page = page(&run);
    let forgetting = svg("forgetting");
    for said in ["never stated", "stated 1–9 times", "stated 10–99 times", "stated 100–999 times", "accumulate"] {
        assert!(forgetting.contains(said), "{said} is missing");
    }
    // Four bands in each of four panels have an interval.
    assert_eq!(forgetting.matches("opacity=\"0.15\"").count(), 16);
    assert!(page.contains("Dashed, in the same colours: human-refit, which is trained on no model’s text."));
    let persons = svg("survivors-persons");
    for said in ["1 in 1–10 documents: 100", "1 in 100–1000 documents: 10\u{202f}000", "a reference sample"] {
        assert!(persons.contains(said), "{said} is missing");
    }
}

/// Three seeds decide nothing, and the page says so once; the table stands all the same.
#[test]
fn verdicts_are_on_the_page() {
    let run = build(false);
    let page = page(&run);
    let said = "<b>This run has 3: nothing is determined.</b>";
    assert_eq!(page.matches(said).count(), 1);
    assert!(!page.contains("of the 5 seeds"));
    for expected in
        ["Any increase of risk<small>above 0.0100</small>", "Lost tail<small>below 0.900</small>", "Unmeasured here: "]
    {
        assert!(page.contains(expected), "{expected} is missing");
    }
    assert!(page.contains("human-refit<small>control</small>") && page.contains("What each generation adds"));
    assert!(!report::terminal_table(run.runs()).unwrap().contains("Collapsed?"));

    let mut more = Vec::new();
    for row in rows() {
        for twin in [0, SEEDS] {
            let nudged = row.value * (1.0 + 1e-3 * twin as f64);
            more.push(Row { seed: row.seed + twin, value: nudged, ..row.clone() });
        }
    }
    support::write_rows(&run.path.join("metrics.csv"), more);
    let page = self::page(&run);
    assert!(page.contains("<td class=\"yes\"><b>yes</b> from generation 1<small>0.6") && !page.contains(said));
    let table = report::terminal_table(run.runs()).unwrap();
    println!("{table}");
    let head = table.lines().position(|line| line.starts_with("Collapsed?")).unwrap();
    let replace: Vec<&str> = table.lines().nth(head + 2).unwrap().split("  ").filter(|cell| !cell.is_empty()).collect();
    assert_eq!((replace[0], replace[1].trim()), ("replace", "yes, 1"));
}

#[test]
fn a_false_fact_has_a_genealogy() {
    let run = build(true);
    let page = page(&run);
    let svg = fs::read_to_string(run.path.join("figures/genealogy.svg")).unwrap();
    let said = "replace, seed 0: Ada &lt;script&gt;alert(1)&lt;/script&gt; &amp; ⟨U+001B⟩[2J⟨U+202E⟩Venn, birthplace: \
                &quot;Elmford&quot;";
    assert!(svg.contains(said) && page.contains(said), "not the fact that was stated for longest, or not escaped");
    assert!(svg.contains("accumulate, seed 0: Isa Unlock, master: Ald Noren, not Sim Garser"));
    assert!(!page.contains("Edi Kelward") && !page.contains("<script") && !page.contains('\u{1b}'));
    assert!(page.contains("human-refit trains on no model’s text: what recurs there recurs by chance."));

    let id = StageId::of(StageKind::Score, 1, &("replace", 2u32)).unwrap();
    fs::write(run.path.join(format!("stages/{id}/false-facts.json")), "junk").unwrap();
    let said = report::write(std::slice::from_ref(&run.path), None).unwrap_err().to_string();
    assert!(said.contains(&format!("{id}/false-facts.json has 4 bytes, its seal says")), "{said}");
}

#[test]
fn values_are_in_the_units_that_are_said() {
    let run = build(false);
    let page = page(&run);
    assert!(page.contains("The floor is 1.832 bits per token."), "1.27 nats");
    assert!(page.contains("<b>replace</b>: bits per token above the floor: first 0.140, last 0.93"), "0.097 nats");
    let results = fs::read_to_string(run.path.join("results.csv")).unwrap();
    assert!(results.contains("quick,replace,0,test,floor,,,,,,,,,,3,1.27,"), "the file keeps nats");
}

#[test]
fn a_terminal_shows_tables_a_plot_and_two_texts() {
    let run = build(true);
    let text = report::terminal_table(run.runs()).unwrap();
    println!("{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Above the floor (bits per token), mean over seeds; the floor is 1.832");
    let cells: Vec<&str> = lines[2].split_whitespace().collect();
    let noise = (0..SEEDS).map(|seed| scatter(seed, 5)).sum::<f64>() / SEEDS as f64;
    let last = format!("{:.3}", (0.09 + 0.11 * 5.0 + 0.01 * noise) / std::f64::consts::LN_2);
    assert_eq!((cells[0], cells[1], cells[7]), ("replace", "3", &last[..]));
    // The rarest of which the first models knew half: of those stated 1 to 9 times they knew less.
    assert!(text.contains("Rare facts still known (of those stated 10-99 times at first), mean over seeds"), "{text}");
    assert!(text.contains("o replace\n") && text.contains("x accumulate\n"));
    let texts = text.find("First text of generation 0, replace, seed 0\n  Thava Roth was born in Elmford").unwrap();
    let last = text.find("First text of generation 5, replace, seed 0\n  Thava Roth was born in Kingdale").unwrap();
    assert!(texts < last && text.contains("⟨U+001B⟩[31mred"));
    let plot = lines.iter().skip_while(|line| !line.contains(" |")).take_while(|line| !line.is_empty());
    assert!(plot.chain(&lines[lines.len() - 5..]).all(|line| line.chars().count() <= 76));
}

/// One band, one decade, one generation, or none of them: what is not measured is left out.
/// Laws of arms are their recipes', hostile devices and failures are told, and many differences fold.
#[test]
fn worlds_are_compared() {
    let (a, b) = (build(false), build(false));
    for (run, corpus) in [(&a, "1"), (&b, "2")] {
        let run = RunDir::open(&run.path).unwrap();
        let mut info = run.info().unwrap().unwrap();
        info.device = "a <script>card</script> \u{1b}[2J".to_owned();
        info.corpus = Some(corpus.to_owned());
        support::write_info(&run, &info);
        let broken = GenerationRecord::failed("loss <NaN>", []);
        run.write_generation(&ChainId::new("replace", 1).unwrap(), 3, &broken).unwrap();
    }
    let out = a.path.with_file_name("both.html");
    let figures = report::write_comparison(&[a.path.clone(), b.path.clone()], &out).unwrap();
    let universal = figures.iter().find(|path| path.ends_with("both-figures/universal-survival.svg")).unwrap();
    let universal = fs::read_to_string(universal).unwrap();
    // Two arms of each run refit human text or take the last text alone; both have those laws, and no other.
    assert_eq!(universal.matches(", law of one text").count(), 2, "{universal}");
    assert_eq!(universal.matches(", law of replace").count(), 6);
    assert!(out.with_file_name("both-figures").join("results.csv").is_file());
    let page = fs::read_to_string(&out).unwrap();
    for told in [
        "not one corpus and tokenizer",
        "&lt;script&gt;card",
        "ended at generation 3: loss &lt;NaN&gt;",
        "differences</summary>",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert!(!page.contains("<script") && !page.contains('\u{1b}'));
    // No genealogy and no text: those are of one run.
    assert!(!page.contains("Generated text") && !page.contains("genealogy"));
}

#[test]
fn any_subset_will_do() {
    let run = build(false);
    let subsets: [fn(&Row) -> bool; 5] = [
        |row| row.metric == "excess" && row.generation == 0,
        |row| row.set == "asked" && row.dimensions.is_empty(),
        |row| row.metric == "recall" && row.dimensions["band"] == "1-9" && row.arm == "replace",
        |row| row.metric == "persons" && !row.dimensions.contains_key("part"),
        |row| row.metric == "facts" && row.dimensions["band"] == "1e-2",
    ];
    for keep in subsets {
        let mut rows = rows();
        rows.retain(keep);
        support::write_rows(&run.path.join("metrics.csv"), rows);
        assert!(page(&run).ends_with("</html>\n"));
        assert!(!report::terminal_table(run.runs()).unwrap().is_empty());
    }
}
