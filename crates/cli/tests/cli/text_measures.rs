//! Measures of generated text (perplexity under generation 0, step divergence, over-represented n-grams): rows, files, the page.

use crate::lab::Lab;
use crate::world;
use std::collections::BTreeMap;

/// Rows of an arm's first seed.
fn rows(lab: &Lab, arm: &str) -> BTreeMap<String, f64> {
    lab.rows("out", arm, 0)
}

/// A file of a generation's score stage.
fn scored(lab: &Lab, arm: &str, generation: u32, file: &str) -> serde_json::Value {
    let path = format!("out/chains/{arm}/seed-0/gen-{generation}/score/{file}");
    serde_json::from_str(&lab.read(&path)).unwrap()
}

#[test]
fn generations_are_read_by_the_first_model() {
    let lab = world::lab();
    let settings = "--set chain.seeds=[0] --set chain.generations=3 --set corpus.test_tokens=4000 \
        --set sample.tokens=8000 --set follow=[{these=[\"lives\"],those=[\"calls\"]}]";
    lab.works(&format!("run world.toml --out out --device flex {settings}"));
    let rows = rows(&lab, "replace");
    let at = |generation: u32, row: &str| rows.get(&format!("{generation},{row}")).copied();
    // The first model is its own author, but for the rounding of two kernels: it reads what the sampler has drawn. The others
    // have others.
    let [read, own] =
        ["generation-0", "own-model"].map(|part| at(0, &format!("generated,perplexity,part {part}")).unwrap());
    assert!((read / own - 1.0).abs() < 1e-6, "{read} is not {own}");
    assert!(at(2, "generated,perplexity,part generation-0") != at(2, "generated,perplexity,part own-model"));
    for generation in 0..3 {
        let value = |row: &str| at(generation, row).unwrap_or_else(|| panic!("no {row} in generation {generation}"));
        // The grammar says three to one.
        assert!((0.6..0.9).contains(&value("generated,word-ratio,reference human, part lives/calls")));
        assert!((0.4..=1.0).contains(&value("generated,word-ratio,part lives/calls")));
        // What is of human text is the same throughout.
        for human in ["perplexity,reference human, part generation-0", "document-perplexity,reference human, band 50"] {
            let row = format!("generated,{human}");
            assert_eq!(at(generation, &row), at(0, &row), "{row}");
        }
        let documents = value("generated,documents-read,");
        assert!(documents >= 100.0, "{documents}");
        for row in ["generated,mauve,", "generated,mauve,reference human", "test,calibration-error,part equal-mass"] {
            assert!((0.0..=1.0).contains(&value(row)), "{row}: {}", value(row));
        }
        assert!((1.0..100.0).contains(&value("generated,vendi,")));
        let quantiles =
            ["05", "25", "50", "75", "95"].map(|at| value(&format!("generated,document-perplexity,band {at}")));
        assert!(quantiles.is_sorted() && quantiles[0] >= 1.0, "{quantiles:?}");
        assert_eq!(at(generation, "generated,step-divergence,").is_some(), generation > 0);
        // Followed if generation 1 had any.
        let has_ngrams = !scored(&lab, "replace", 1, "over-represented.json")["ngrams"].as_array().unwrap().is_empty();
        assert_eq!(at(generation, "generated,over-represented-coverage,").is_some(), has_ngrams && generation > 0);

        let bins = scored(&lab, "replace", generation, "perplexities.json");
        let count = |side: &str| bins.as_array().unwrap().iter().map(|bin| bin[side].as_u64().unwrap()).sum::<u64>();
        assert!(count("generated") == count("human") && count("human") >= 100, "{bins}");
        assert_eq!(value("generated,documents-read,part compared"), count("human") as f64);
        let tables = scored(&lab, "replace", generation, "reliability.json");
        let predictions: u64 =
            tables[0]["equal_mass"].as_array().unwrap().iter().map(|bin| bin["count"].as_u64().unwrap()).sum();
        assert!(predictions > 3000, "{predictions}");
        for ngram in scored(&lab, "replace", generation, "over-represented.json")["ngrams"].as_array().unwrap() {
            assert_eq!(ngram["shares"].as_array().unwrap().len(), generation as usize + 1);
        }
    }
    // A divergence is not below zero but for its scatter, and a new model is not its parent.
    assert!(at(1, "generated,step-divergence,").unwrap() > 0.005, "{:?}", at(1, "generated,step-divergence,"));
    for figure in ["generated-perplexity", "mauve", "vendi", "calibration", "step-divergence", "perplexity-histogram"] {
        assert!(lab.path(&format!("out/figures/{figure}.svg")).exists(), "{figure}");
    }
    assert!(lab.read("out/report.html").contains("<h2>Over-represented n-grams</h2>"));
}

#[test]
fn a_pool_is_asked_too() {
    let lab = world::lab();
    lab.write("pool.toml", lab.read("world.toml").replace("\"replace\"\n", "\"replace\"\nmembers = 2\n"));
    lab.works("run pool.toml --out out --device flex --set chain.seeds=[0]");
    let rows = rows(&lab, "replace");
    for generation in [0, 1] {
        let valid = |member: &str| rows[&format!("{generation},asked,recall-valid,{member}")];
        let mean = (valid("member 0") + valid("member 1")) / 2.0;
        // The mass of all answers of a mean of probabilities is the mean of their masses.
        assert!((valid("") - mean).abs() < 1e-9, "{} {mean}", valid(""));
        assert_eq!(rows[&format!("{generation},asked,recall-questions,")], 4.0);
        assert!(rows.contains_key(&format!("{generation},test,calibration-error,member 1, part equal-mass")));
    }
    assert!(rows["1,generated,step-divergence,"].is_finite());
}

#[test]
fn prompted_text_has_no_step() {
    let lab = Lab::new();
    lab.works("run experiment.toml --out out --device flex --set chain.seeds=[0] --set sample.prompt=\"human\"");
    assert!(!lab.read("out/metrics.csv").contains("step-divergence"));
}
