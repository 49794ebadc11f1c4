//! `laws` and `forecast`.

use crate::lab::Lab;
use serde_json::Value;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_law_is_held_against_the_loop() {
    let lab = Lab::new();
    let table = lab.works("laws --law top-p").stdout;
    assert!(table.contains("top-p") && table.contains("agrees") && !table.contains("survival"), "{table}");
    let rows = lines(&lab.works("laws --law top-p --law labels --json").stdout);
    assert!(rows.iter().all(|row| row["holds"] == true));
    assert_eq!(rows.last().unwrap()["law"], "labels");
    // The seed changes what is drawn and nothing else.
    let [one, other] = [0, 1].map(|seed| lines(&lab.works(&format!("laws --law labels --json --seed {seed}")).stdout));
    assert_eq!(one[0]["closed_form"], other[0]["closed_form"]);
    assert_ne!(one[0]["simulated"], other[0]["simulated"]);
    assert_eq!(lab.call("laws --law gravity").code, Some(2));
}

#[test]
fn a_forecast_is_a_line_for_each_generation() {
    let lab = Lab::new();
    let rows = lines(&lab.works("forecast corpus.jsonl --generations 4 --hold 0.9 --json").stdout);
    assert_eq!(rows.len(), 4 + 3);
    // Three hundred documents of some thirty words: the human sample has nearly all of them.
    let types = |at: usize| rows[at]["types"].as_f64().unwrap();
    assert!(types(0) > 30.0 && types(3) < types(0));
    assert!(rows[4..].iter().all(|row| row["share"].is_number()));
    let shown = lab.works("forecast --types 1e9 --tokens 1e10 --human pool --synthetic 0.8 --hold 0.7").stdout;
    assert!(shown.contains("1000000000 words") && shown.contains("Taken for granted"), "{shown}");
}

#[test]
fn a_forecast_of_nothing_is_refused() {
    let lab = Lab::new();
    for (words, why) in [
        ("--synthetic 0.5", "say which with --human"),
        ("--human pool --synthetic 2", "a share lies between 0 and 1"),
        ("--human accumulate --synthetic 0.5", "leave it out"),
        ("--types 0", "Zipf's types = 0"),
        ("--exponent nan", "Zipf's exponent = NaN"),
        ("--run 0", "--run 0: a run has at least one token"),
        ("--tokens 0", "0 draws a generation"),
        ("--hold 2", "a share of 2"),
        ("nowhere.txt", "nowhere.txt"),
    ] {
        lab.refuses(&format!("forecast {words}"), why);
    }
}
