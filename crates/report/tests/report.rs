//! Reports of a run directory that these tests build: three arms, one of which broke off, and hostile text.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use evaluation::Dimension::{Order, Reference, Sample, Source, Unit};
use rundir::{Build, ChainId, GenerationRecord, Row, RunDir, RunInfo, StageId, StageKind};
use support::By;

const HOSTILE: &str = "<script>alert('x')</script> & \"quoted\" \u{1b}[2J\u{1b}]0;title\u{7} \u{202e}drawkcab\u{202c} \
                       \u{200f}עברית\u{0} nul \u{fffd} \u{9b}31m </div><!--";

struct Run {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Run {
    fn runs(&self) -> &[PathBuf] {
        std::slice::from_ref(&self.path)
    }
}

const ARMS: [(&str, f64); 3] = [("replace", 0.30), ("accumulate", 0.05), ("human-refit", 0.0)];
const GENERATIONS: u32 = 6;

/// A number in ±1 that stands for the scatter of seeds.
fn scatter(seed: u64, salt: u32) -> f64 {
    ((seed as f64 + 1.0) * 12.9898 + f64::from(salt) * 78.233).sin()
}

fn rows(seeds: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (arm, climb) in ARMS {
        for seed in 0..seeds {
            for generation in 0..GENERATIONS {
                let g = f64::from(generation);
                let loss = 3.2 + climb * g + 0.12 * scatter(seed, generation);
                let damage = climb * g / 2.0;
                let mut push = |set: &str, metric: &str, by: By, value: f64| {
                    rows.push(support::row(("x", arm, seed, generation), set, metric, by, value));
                };
                push("test", "loss", &[], loss);
                push("test", "perplexity", &[], loss.exp());
                push("test", "bits-per-byte", &[], loss / 3.1);
                let survives = 0.62 * (-damage).exp() + 0.01 * scatter(seed, 7);
                push("generated", "vocabulary-survival", &[(Reference, "human"), (Sample, "equal")], 0.65);
                push("generated", "vocabulary-survival", &[], 0.7 * (-damage).exp());
                push("generated", "vocabulary-survival", &[(Sample, "equal")], survives);
                push("generated", "unigram-entropy", &[], 6.5 - damage);
                push("generated", "tail-token-rate", &[(Reference, "human"), (Unit, "words")], 0.045);
                push("generated", "tail-token-rate", &[(Unit, "words")], 0.05 * (-2.0 * damage).exp());
                for n in 1..=4 {
                    let (order, distinct) = (n.to_string(), (0.2 * f64::from(n)) * (-damage / 2.0).exp());
                    push("generated", "distinct", &[(Sample, "equal"), (Order, &order)], distinct);
                    if n > 1 {
                        push("generated", "repetition", &[(Order, &order)], 1.0 - distinct);
                    }
                }
                push("training", "unique-tokens", &[], 400_000.0);
                push("training", "steps", &[], 400.0);
                let (human, synthetic) = if generation == 0 { (400_000.0, 0.0) } else { (100_000.0, 300_000.0) };
                push("training", "tokens-by-origin", &[(Source, "human")], human);
                push("training", "tokens-by-origin", &[(Source, "synthetic")], synthetic);
                push("novel-set", "novel<metric>", &[], 0.125);
            }
        }
    }
    rows
}

fn build(seeds: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let build = Build { version: "0.1.0".to_owned(), ..Build::default() };
    let mut info = RunInfo::new("replace-or-accumulate", build, "flex", "processor <model>");
    (info.started, info.threads) = ("2026-01-31T12:00:00Z".to_owned(), 2);
    info.question = Some("Does <replacing> hurt?".to_owned());
    info.arms = ["replace", "accumulate", "never-ran", "human-refit"].map(support::named).to_vec();
    // Shown as it stands, and read by nothing.
    info.resolved = "[[arm]]\nname = \"<\n".to_owned();
    support::write_info(&run, &info);
    for (arm, _) in ARMS {
        for generation in 0..GENERATIONS {
            let id = StageId::of(StageKind::Generate, 1, &(arm, generation)).unwrap();
            run.make(&id, |dir| documents(dir, arm, generation)).unwrap();
            run.write_generation(&ChainId::new(arm, 0).unwrap(), generation, &GenerationRecord::done([id])).unwrap();
        }
    }
    let broken = GenerationRecord::failed("the loss is not finite <NaN> \u{1b}[31m", []);
    run.write_generation(&ChainId::new("replace", 1).unwrap(), 3, &broken).unwrap();
    support::write_rows(&run.metrics_path(), rows(seeds));
    Run { _folder: folder, path }
}

fn documents(dir: &Path, arm: &str, generation: u32) -> Result<(), rundir::Error> {
    let long = "The state of the Union is, in the words of my predecessor, strong. ".repeat(30);
    let texts = [format!("{arm} {generation}: {HOSTILE}"), long, String::new(), "the fourth is not shown".to_owned()];
    let lines: Vec<String> = (texts.iter().enumerate())
        .map(|(i, text)| serde_json::json!({"id": format!("{i}"), "text": text, "truncated": i == 0, "provenance": {"origin": "synthetic"}}))
        .map(|line| format!("{line}\n"))
        .collect();
    let bytes = zstd::encode_all(lines.concat().as_bytes(), 3).unwrap();
    fs::write(dir.join("documents.jsonl.zst"), bytes).unwrap();
    Ok(())
}

/// Tags other than those that the page is made of would be text that got through.
fn assert_no_foreign_markup(page: &str) {
    for tag in
        ["<script", "<img", "<iframe", "<link", "<!--", "<replacing", "<model>", "<nan>", "<metric>", "javascript:"]
    {
        assert!(!page.to_lowercase().contains(tag), "{tag} got through");
    }
    let bad =
        page.chars().find(|c| (c.is_control() && *c != '\n' && *c != '\t') || ('\u{202a}'..='\u{202e}').contains(c));
    assert_eq!(bad, None, "a control character got through");
}

#[test]
fn the_page_holds_everything_and_nothing_hostile() {
    let run = build(3);
    let written = report::write(run.runs(), None).unwrap();
    let page = fs::read_to_string(&written.page).unwrap();
    assert_no_foreign_markup(&page);
    for expected in [
        "<h1>replace-or-accumulate</h1>",
        "Does &lt;replacing&gt; hurt?",
        "<b>replace/seed-1</b> ended at generation 3: the loss is not finite &lt;NaN&gt; ⟨U+001B⟩[31m",
        "&lt;script&gt;alert('x')&lt;/script&gt;",
        "⟨U+001B⟩[2J",
        "⟨U+202E⟩drawkcab",
        "more characters",
        "reached the context’s end",
        "novel&lt;metric&gt;",
        "[[arm]]\nname = &quot;&lt;",
        "Human share of tokens",
        "<td>0.250</td>",
        "share of the human vocabulary that it used: first 0.6",
        "(other human text: 0.650)",
        "other human text",
    ] {
        assert!(page.contains(expected), "{expected} is missing");
    }
    assert!(!page.contains("fourth is not shown") && !page.contains("never-ran</b>"));
    // Nothing is fetched: the only addresses are the names of namespaces.
    assert_eq!(
        page.matches("http").count(),
        page.matches("http://www.w3.org/2000/svg").count() + page.matches("http-equiv").count()
    );
    assert!(page.find("<b>replace</b>").unwrap() < page.find("<b>accumulate</b>").unwrap(), "arms in the file's order");
}

#[test]
fn baselines_stand_beside_the_curves() {
    let run = build(3);
    let mut all = rows(3);
    for (arm, _) in ARMS {
        for (metric, loss) in [("unigram-loss", 7.9), ("bigram-loss", 3.6), ("fourgram-loss", 3.05)] {
            all.extend((0..3).map(|seed| support::row(("x", arm, seed, 0), "test", metric, &[], loss)));
        }
    }
    support::write_rows(&run.path.join("metrics.csv"), all);
    let written = report::write(run.runs(), None).unwrap();
    let page = fs::read_to_string(&written.page).unwrap();
    for expected in [
        "<th scope=\"row\">bigram: Kneser-Ney</th><td>3.600</td><td>36.60</td>",
        "<b>generation 0</b> of all arms (above 4-gram)",
        "Beyond the axis: unigram 7.90",
        "Thin lines are models that count the human training text",
    ] {
        assert!(page.contains(expected), "{expected} is missing");
    }
    let figure = |name: &str| fs::read_to_string(run.path.join("figures").join(name)).unwrap();
    let (loss, perplexity) = (figure("test-loss.svg"), figure("test-perplexity.svg"));
    assert!(loss.contains("bigram 3.60") && loss.contains("4-gram 3.05") && !loss.contains("unigram"), "{loss}");
    assert!(perplexity.contains("bigram 36.6") && perplexity.contains("4-gram 21.1"), "{perplexity}");
    let table = report::terminal_table(run.runs()).unwrap();
    let cells = |name: &str| {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((cells("(bigram)")[1].as_str(), cells("(unigram)")[1].as_str()), ("36.60", "2697"));
}

#[test]
fn figures_exist_and_everything_is_deterministic() {
    let run = build(3);
    let first = report::write(run.runs(), None).unwrap();
    let names: Vec<_> = first.figures.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let expected = [
        "perplexity-against-diversity",
        "test-perplexity",
        "test-loss",
        "bits-per-byte",
        "vocabulary-survival",
        "tail-token-rate",
        "unigram-entropy",
        "distinct",
        "repetition",
    ];
    assert_eq!(names, expected.map(|name| format!("{name}.svg")));
    for path in &first.figures[1..] {
        let svg = fs::read_to_string(path).unwrap();
        assert!(
            svg.starts_with("<svg ") && svg.contains("generation") && svg.contains("human-refit"),
            "{}",
            path.display()
        );
    }
    let out = run.path.join("elsewhere/page.html");
    let second = report::write(run.runs(), Some(&out)).unwrap();
    assert_eq!(second.page, out);
    assert_eq!(second.results, run.path.join("elsewhere/page-figures/results.csv"));
    let files = |written: &report::Written| {
        let all = [&written.page, &written.results].into_iter().chain(&written.figures);
        all.map(|path| fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(files(&first) == files(&second), "two reports of one run differ");
}

#[test]
fn intervals_are_those_computed_by_hand() {
    let run = build(3);
    let written = report::write(run.runs(), None).unwrap();
    let results = fs::read_to_string(&written.results).unwrap();
    let head = "experiment,arm,generation,set,metric,member,reference,sample,order,unit,band,source,defence,part,n_seeds,mean,low,high\n";
    assert!(results.starts_with(head));
    let line = results
        .lines()
        .find(|line| line.starts_with("replace-or-accumulate,replace,5,test,perplexity,,,,,,,,,,3,"))
        .unwrap();
    let fields: Vec<f64> = line.split(',').skip(15).map(|field| field.parse().unwrap()).collect();
    // On the log scale: the mean of three losses, and t(2) = 4.302653 standard errors.
    let losses: Vec<f64> = (0..3).map(|seed| 3.2 + 0.30 * 5.0 + 0.12 * scatter(seed, 5)).collect();
    let mean = losses.iter().sum::<f64>() / 3.0;
    let error = (losses.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2.0 / 3.0).sqrt();
    for (found, expected) in fields.iter().zip([mean, mean - 4.302_652_73 * error, mean + 4.302_652_73 * error]) {
        assert!((found.ln() - expected).abs() < 1e-8, "{line}: {expected}");
    }
    let share = results.lines().find(|line| line.contains(",replace,0,novel-set,")).unwrap();
    assert!(share.ends_with(",3,0.125,0.125,0.125"), "{share}");
}

#[test]
fn two_seeds_are_dots_without_a_band() {
    let svg = |seeds| {
        let run = build(seeds);
        let written = report::write(run.runs(), None).unwrap();
        fs::read_to_string(&written.figures[1]).unwrap()
    };
    let (one, two, three) = (svg(1), svg(2), svg(3));
    let bands = |svg: &str| svg.matches("opacity=\"0.15\"").count();
    let dots = |svg: &str| svg.matches("<circle").count();
    assert_eq!([&one, &two, &three].map(|svg| bands(svg)), [0, 0, 3]);
    assert_eq!([&one, &two, &three].map(|svg| dots(svg)), [0, 2 * 3 * GENERATIONS as usize, 0]);
}

#[test]
fn any_subset_of_the_metrics_will_do() {
    let run = build(1);
    let metrics = run.path.join("metrics.csv");
    let all = rows(1);
    let subsets: [fn(&Row) -> bool; 5] = [
        |_| false,
        |row| row.set == "novel-set",
        |row| row.set == "training",
        |row| row.generation == 0,
        |row| row.metric == "perplexity" && row.arm == "replace",
    ];
    for keep in subsets {
        let mut rows = all.clone();
        rows.retain(keep);
        support::write_rows(&metrics, rows);
        let page = fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap();
        assert_no_foreign_markup(&page);
        assert!(page.ends_with("</html>\n") && !report::terminal_table(run.runs()).unwrap().is_empty());
    }
    let mut rows = all;
    (rows[0].value, rows[1].value) = (f64::NAN, f64::INFINITY);
    support::write_rows(&metrics, rows);
    let page = fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap();
    assert!(page.contains("replace/seed-0, generation 0: test perplexity is no finite number"));
}

/// Sizes are compared only where all are equal: one generation too short for that, and all of the text is shown instead,
/// without the human text that was measured at the equal size.
#[test]
fn the_view_that_covers_most_is_shown() {
    let run = build(1);
    let mut rows = rows(1);
    let short = |row: &Row| {
        row.arm == "replace"
            && row.generation == 5
            && row.dimensions.get("sample").is_some_and(|sample| sample == "equal")
    };
    rows.retain(|row| !short(row));
    support::write_rows(&run.path.join("metrics.csv"), rows);
    let page = fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap();
    // 0.7·exp(−0.75) = 0.331.
    assert!(page.contains("share of the human vocabulary that it used: first 0.700, last 0.331."));
}

#[test]
fn damaged_documents_are_not_shown_and_removed_ones_are_named() {
    let run = build(1);
    let id = StageId::of(StageKind::Generate, 1, &("replace", 0u32)).unwrap();
    let stage = RunDir::open(&run.path).unwrap().find(&id).unwrap().unwrap();
    stage.thin(|name| name == "documents.jsonl.zst").unwrap();
    let page = fs::read_to_string(report::write(run.runs(), None).unwrap().page).unwrap();
    assert!(page.contains("the documents were removed, as `keep` says"));

    let id = StageId::of(StageKind::Generate, 1, &("accumulate", 0u32)).unwrap();
    let file = run.path.join(format!("stages/{id}/documents.jsonl.zst"));
    let mut bytes = fs::read(&file).unwrap();
    bytes[20] ^= 1;
    fs::write(&file, bytes).unwrap();
    let said = report::write(run.runs(), None).unwrap_err().to_string();
    assert!(
        said.contains(&format!("{id}/documents.jsonl.zst has another checksum")) && said.contains("--repair"),
        "{said}"
    );
}

#[test]
fn tables_for_a_terminal() {
    let run = build(3);
    let table = report::terminal_table(run.runs()).unwrap();
    println!("{table}");
    assert!(!table.chars().any(|c| c.is_control() && c != '\n'));
    let head: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(head.join(" "), "arm seeds gen 0 gen 1 gen 2 gen 3 gen 4 gen 5 last/first");
    let row: Vec<_> = table.lines().nth(2).unwrap().split_whitespace().collect();
    // exp(3.2 + scatter) and a ratio near exp(1.5).
    assert_eq!((row[0], row[1], row.len()), ("replace", "3", 9));
    assert!(
        row[2].parse::<f64>().unwrap() > 23.0 && (row[8].parse::<f64>().unwrap() - 1.5f64.exp()).abs() < 0.3,
        "{row:?}"
    );
    assert!(table.contains("failed: replace/seed-1 at generation 3: the loss is not finite <NaN> ⟨U+001B⟩[31m"));

    let compared = report::compare(&[run.path.clone(), run.path.clone()]).unwrap();
    println!("{compared}");
    assert_eq!(compared.lines().count(), 1 + 2 * ARMS.len());
    assert!(!compared.chars().any(|c| c.is_control() && c != '\n'));
}

/// A run of `arms`, with its own name, whose losses are so much higher in every seed.
fn shifted(folder: &Path, name: &str, arms: &[&str], by: f64) -> PathBuf {
    let path = folder.join(name);
    let run = RunDir::create(&path).unwrap();
    support::state(&run, "replace-or-accumulate", arms.iter().map(|arm| support::named(arm)).collect());
    let mut rows = rows(3);
    rows.retain(|row| arms.contains(&row.arm.as_str()));
    for row in rows.iter_mut().filter(|row| row.metric == "loss") {
        row.value += by;
    }
    support::write_rows(&run.metrics_path(), rows);
    path
}

#[test]
fn runs_are_compared_on_one_page() {
    let folder = tempfile::tempdir().unwrap();
    let before = shifted(folder.path(), "before", &["replace", "human-refit"], 0.0);
    let after = shifted(folder.path(), "<script>after", &["replace", "accumulate"], 0.25);
    let out = folder.path().join("pages/compared.html");
    let figures = report::write_comparison(&[before.clone(), after], &out).unwrap();

    let svg = fs::read_to_string(figures.iter().find(|path| path.ends_with("compared-figures/test-loss.svg")).unwrap())
        .unwrap();
    let names = [
        "replace (before)",
        "replace (&lt;script&gt;after)",
        "human-refit (before)",
        "accumulate (&lt;script&gt;after)",
    ];
    let places: Vec<usize> = names.iter().map(|name| svg.find(name).unwrap_or_else(|| panic!("no {name}"))).collect();
    assert!(places.is_sorted(), "the first run's arms come first, each with its namesake: {places:?}");

    let page = fs::read_to_string(&out).unwrap();
    assert_no_foreign_markup(&page);
    let section = &page[page.find("What differs").unwrap()..page.find("<h2>Figures").unwrap()];
    assert_eq!(section.matches("class=\"begins\"").count(), 1, "one arm is in both: {section}");
    let loss = section.split("<tr").find(|row| row.contains("Test loss")).unwrap();
    assert!(loss.contains("<td>5</td>") && loss.contains("<td>0.250<small>0.250 to 0.250</small></td>"), "{loss}");
    // Of what was left as it was there is no difference: zero, with certainty.
    let bits = section.split("<tr").find(|row| row.contains("Test bits per byte")).unwrap();
    assert!(bits.contains("<td>0<small>0 to 0</small></td>"), "{bits}");

    // One seed has one generation less: the last that most seeds reached is compared, and of all three of them.
    let mut short = rows(3);
    short.retain(|row| row.arm == "replace" && (row.seed > 0 || row.generation + 2 < GENERATIONS));
    let path = folder.path().join("short");
    let run = RunDir::create(&path).unwrap();
    support::write_rows(&run.metrics_path(), short);
    support::state(&run, "replace-or-accumulate", vec![support::named("replace")]);
    report::write_comparison(&[before.clone(), path.clone()], &out).unwrap();
    let page = fs::read_to_string(&out).unwrap();
    let loss = page.split("<tr").find(|row| row.contains("Test loss")).unwrap();
    assert!(loss.contains("<td>3</td>") && loss.contains("0 to 0") && !loss.contains(" seeds"), "{loss}");
    let table = report::compare(&[before.clone(), path]).unwrap();
    assert_eq!(table.lines().count(), 4);

    // The same run twice: told apart by number.
    report::write_comparison(&[before.clone(), before], &out).unwrap();
    let page = fs::read_to_string(&out).unwrap();
    assert!(page.contains("before #1)") && page.contains("before #2)"));
}

#[test]
fn what_cannot_be_reported_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let said = report::write(&[folder.path().to_owned()], None).unwrap_err().to_string();
    assert!(said.contains("is not a run directory"), "{said}");
    let path = folder.path().join("run");
    let run = RunDir::create(&path).unwrap();
    let said = report::terminal_table(std::slice::from_ref(&path)).unwrap_err().to_string();
    assert!(said.contains("has no metrics.csv yet"), "{said}");
    support::write_rows(&run.metrics_path(), rows(1));
    let said = report::terminal_table(std::slice::from_ref(&path)).unwrap_err().to_string();
    assert!(said.contains("has no run.json"), "{said}");
    let mut arm = support::named("replace");
    arm.recipe = serde_json::json!({"latest": "some"});
    support::state(&run, "x", vec![arm]);
    let said = report::terminal_table(&[path]).unwrap_err().to_string();
    assert!(said.contains("run.json: arm `replace`: "), "{said}");
}
