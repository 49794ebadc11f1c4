//! Targeted synthesis in the loop: what it writes, what it says of it, what is refused.

use crate::curated::{RUN, documents, lab, rows, stage};
use crate::lab::Done;
use corpus::Origin;

/// What only a target says.
fn is_of_a_target(row: &str) -> bool {
    let is = |set: &str, metrics: &[&str]| {
        let of_set = row.split_once(set);
        of_set.is_some_and(|(_, rest)| metrics.iter().any(|metric| rest.starts_with(metric)))
    };
    is(",generated,", &["gap", "rounds", "prompt-tokens", "human-supervision"]) || is(",training,", &["human-tokens"])
}

#[test]
fn a_target_of_no_share_or_without_a_gap_changes_no_byte() {
    let lab = lab(&[
        ("plain", ""),
        ("none", "sample.target = { share = 0.0 }"),
        ("closed", "sample.target = { tolerance = 1000.0 }"),
    ]);
    lab.works(RUN);
    let (plain, none, closed) = (rows(&lab, "plain"), rows(&lab, "none"), rows(&lab, "closed"));
    assert_eq!(plain, none);
    for kind in ["compose", "train", "generate", "score"] {
        assert_eq!(stage(&lab, "plain", 1, kind), stage(&lab, "none", 1, kind), "{kind}");
    }
    // Where nothing is missing the rest is written as it would have been: another stage, the same text and models.
    let of_text = |rows: std::collections::BTreeMap<String, f64>| -> Vec<(String, f64)> {
        rows.into_iter().filter(|(row, _)| !is_of_a_target(row)).collect()
    };
    assert_eq!((closed["1,generated,rounds,"], closed["1,generated,prompt-tokens,"]), (0.0, 0.0));
    assert_eq!(closed["0,generated,human-supervision,part human-text"], 1.0);
    assert!(
        closed["1,generated,gap,defence coverage, part 0"] > 0.0
            && closed["1,generated,gap,defence coverage, part 4"] > 0.0
    );
    // The finder has read all human text to see that nothing is missing.
    let human = |rows: &std::collections::BTreeMap<String, f64>| rows["1,training,human-tokens,part distinct"];
    assert!(human(&plain) == 0.0 && human(&closed) > 0.0, "{} {}", human(&plain), human(&closed));
    assert_eq!(of_text(plain), of_text(closed));
    assert_eq!(stage(&lab, "plain", 1, "train"), stage(&lab, "closed", 1, "train"));
}

#[test]
fn rounds_are_written_from_human_prompts_that_lead_to_gaps() {
    let finds = ["coverage", "facts", "frequency", "contexts", "even"];
    let keys: Vec<String> = (finds.iter())
        .map(|find| {
            let target = format!("{{ find = \"{find}\", rounds = 3, share = 0.6, size = 2, tolerance = 0.0 }}");
            format!("sample.prompt_tokens = 6\nsample.target = {target}")
        })
        .collect();
    let arms: Vec<(&str, &str)> = finds.iter().copied().zip(keys.iter().map(String::as_str)).collect();
    let lab = lab(&arms);
    let words = format!("{RUN} --set sample.tokens=3000");
    let done = Done::of(lab.command(&words).env("RAYON_NUM_THREADS", "1").output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    for find in finds {
        let rows = rows(&lab, find);
        let written = documents(&lab, &format!("out/stages/{}/documents.jsonl.zst", stage(&lab, find, 1, "generate")));
        let prompts: Vec<&corpus::Document> = written.iter().filter(|d| d.provenance.prompt.is_some()).collect();
        assert_eq!(rows["1,generated,prompt-tokens,"], 6.0 * prompts.len() as f64, "{find}");
        // Measured is what the model wrote itself.
        let own: usize = written.iter().map(|document| evaluation::words(document.continuation()).count()).sum();
        let all: usize = written.iter().map(|document| evaluation::words(&document.text).count()).sum();
        assert!(
            own < all && rows["1,generated,words,"] == own as f64,
            "{find}: {} {own} {all}",
            rows["1,generated,words,"]
        );
        assert!(rows["1,generated,rounds,"] >= 1.0 && !prompts.is_empty(), "{find}");
        // The first two fifths are from nothing, and what is prompted says by whom.
        assert!(written[0].provenance.prompt.is_none() && written[0].provenance.origin == Origin::Synthetic);
        for document in prompts {
            assert_eq!(document.provenance.origin, Origin::Assisted);
            assert_eq!(document.provenance.spans[0].end, document.provenance.prompt.as_ref().unwrap().bytes);
        }
        let share = rows["1,generated,human-supervision,part prompt"];
        assert!(share > 0.02 && share < 0.6, "{find}: {share}");
        // What was drawn from the model alone is still laid beside the truth.
        assert!(rows.contains_key("1,generated,parses,"), "{find}");
        assert_eq!(rows.contains_key("1,generated,human-supervision,part human-text"), find != "even");
        assert_eq!(rows.contains_key("1,generated,human-supervision,part truth"), find == "facts");
        assert_eq!(rows.contains_key("1,generated,human-supervision,part first-model"), find == "contexts");
        let gaps: Vec<f64> =
            (0..=3).filter_map(|r| rows.get(&format!("1,generated,gap,defence {find}, part {r}")).copied()).collect();
        match find {
            "even" => {
                assert!(gaps.is_empty() && rows["1,generated,rounds,"] == 3.0 && rows["0,generated,rounds,"] == 3.0)
            }
            // Generation 0 has no losses beyond its own.
            "contexts" => {
                assert!(rows["0,generated,rounds,"] == 0.0 && rows["0,generated,gap,defence contexts, part 3"] == 0.0)
            }
            _ => {
                assert_eq!(gaps.len(), 4, "{find}");
                let honest = rows[&format!("1,generated,gap,reference expected, defence {find}")];
                assert!(gaps.iter().chain([&honest]).all(|gap| (0.0..=1.0).contains(gap)), "{find}: {gaps:?} {honest}");
            }
        }
    }
    // Other finds, other prompts; and the same bits with two threads.
    assert_ne!(stage(&lab, "even", 0, "generate"), stage(&lab, "coverage", 0, "generate"));
    assert_ne!(rows(&lab, "even")["1,test,loss,"], rows(&lab, "coverage")["1,test,loss,"]);
    let again = words.replace("--out out", "--out again --jobs 1");
    let done = Done::of(lab.command(&again).env("RAYON_NUM_THREADS", "2").output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(lab.read("out/metrics.csv") == lab.read("again/metrics.csv"));
}

/// A seed has human text that only some recipes ask for; what another arm needs must not reach this one by its prompts.
#[test]
fn human_prompts_are_of_the_training_set() {
    let prompted = ("prompted", "sample.prompt = \"human\"\nsample.prompt_tokens = 3");
    let (alone, beside) = (lab(&[prompted]), lab(&[prompted, ("fresh", "recipe = { fresh = 1.0 }")]));
    for lab in [&alone, &beside] {
        lab.works(RUN);
        let composed = format!("out/stages/{}/training-set.json", stage(lab, "prompted", 0, "compose"));
        let set: chain::Listing = serde_json::from_str(&lab.read(&composed)).unwrap();
        let known: Vec<String> = set.ids().map(|(id, ..)| id).collect();
        let written =
            documents(lab, &format!("out/stages/{}/documents.jsonl.zst", stage(lab, "prompted", 1, "generate")));
        assert!(written.len() > 20);
        for document in written {
            let from = document.provenance.prompt.expect("each began with a prompt").document;
            assert!(known.contains(&from), "{from} is of no training document");
        }
    }
    assert_eq!(rows(&alone, "prompted"), rows(&beside, "prompted"));
}

#[test]
fn members_aim_on_their_own() {
    let lab = lab(&[("two", "members = 2\nsample.prompt_tokens = 6\nsample.target = { find = \"even\", rounds = 1 }")]);
    lab.works(&format!("{RUN} --set sample.tokens=2000"));
    let two = rows(&lab, "two");
    for member in 0..2 {
        assert_eq!(two[&format!("1,generated,rounds,member {member}")], 1.0);
    }
    let written = documents(&lab, &format!("out/stages/{}/documents.jsonl.zst", stage(&lab, "two", 1, "pool")));
    let prompted = |member: &str| {
        let of_member = written.iter().filter(|d| d.id.ends_with("/member-1") == (member == "second"));
        of_member.filter(|d| d.provenance.prompt.is_some()).count()
    };
    assert!(prompted("first") > 0 && prompted("second") > 0);
    assert_eq!(two["1,generated,prompt-tokens,"], 6.0 * (prompted("first") + prompted("second")) as f64);
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let lab = lab(&[("replace", "")]);
    for (assignment, why) in [
        ("sample.target=covrage", "arm `replace`.sample.target: unknown variant `covrage`, expected one of `coverage`"),
        ("sample.target={shar=0.5}", "sample.target.shar: unknown key; did you mean `share`?"),
        ("sample.target={share=1.0}", "arm `replace`: sample.target.share = 1: from 0.0 to below 1.0"),
        ("sample.target={rounds=0}", "sample.target.rounds = 0: from 1"),
        ("sample.target=coverage --set sample.greedy=true", "sample.greedy generates one document again and again"),
        ("sample.target=coverage --set sample.prompt=human", "draws prompts of its own; leave sample.prompt out"),
        ("sample.target=coverage --set sample.prompt_tokens=128", "sample.prompt_tokens = 128: from 1 to 127"),
        ("sample.target=coverage --set sample.prompt_tokens=127", "no human document is longer; take fewer"),
    ] {
        lab.refuses(&format!("plan curated.toml --device flex --set {assignment}"), why);
    }
    let of = "--set sample.target=facts";
    lab.refuses(&format!("plan experiment.toml --device flex {of}"), "needs a corpus whose truth is known");
    lab.works("plan experiment.toml --device flex --set sample.target=coverage --set sample.prompt_tokens=4");
    lab.write("solvable.toml", "name = \"x\"\nmodel.kind = \"categorical\"\n[[arm]]\nname = \"a\"\n");
    lab.refuses(
        "run solvable.toml --out out --set sample.target=coverage",
        "sample.target: unknown key for model.kind",
    );
}
