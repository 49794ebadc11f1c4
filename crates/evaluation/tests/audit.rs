//! What an audit finds, and how seldom it is wrong.

use evaluation::{Audit, AuditError, Doc, Flaw, audit};
use rayon::prelude::*;
use std::collections::BTreeMap;
use streams::{Purpose, Stream, Streams};

/// Documents of sentences. Words are Zipf's, and bursty: two or three documents have subjects that come again and again.
fn documents(seed: u64, count: usize, words: usize) -> Vec<String> {
    let mut stream = Streams::new(seed).stream(Purpose::Evaluation, 7, 0);
    let mut subjects = [1, 2, 3];
    let mut next = |_| {
        if stream.below(5) < 2 {
            subjects = [(); 3].map(|()| 50 + zipf(&mut stream));
        }
        document(&mut stream, subjects, words)
    };
    (0..count).map(&mut next).collect()
}

/// P(word) ~ 1 / word.
fn zipf(stream: &mut Stream) -> u64 {
    (stream.uniform() * 20_000_f64.ln()).exp() as u64
}

fn document(stream: &mut Stream, subjects: [u64; 3], words: usize) -> String {
    let length = words / 2 + stream.below(words as u64) as usize;
    let mut text = String::new();
    for place in 1..=length {
        let subject = stream.below(6) == 0;
        let word = if subject { subjects[stream.below(3) as usize] } else { zipf(stream) };
        text.push_str(&format!("w{word}"));
        text.push_str(if place == length || stream.below(9) == 0 { ". " } else { " " });
    }
    text
}

fn docs(texts: &[String]) -> Vec<Doc<'_>> {
    texts.iter().map(|text| Doc { text, ids: &[], truncated: false, reencoded_differs: false }).collect()
}

fn run(data: &[String], human: &[String]) -> Audit {
    audit(&docs(data), &docs(human), Streams::new(0)).unwrap()
}

fn flaws(data: &[String], human: &[String]) -> Vec<Flaw> {
    let audit = run(data, human);
    eprintln!("{}", audit.verdict().join("\n"));
    audit.findings().into_keys().collect()
}

#[test]
fn human_text_against_itself_is_clean() {
    let human = documents(1, 400, 60);
    assert_eq!(flaws(&human, &human), []);
    assert_eq!(flaws(&human[..200], &human[200..]), []);
}

#[test]
fn duplicates_are_found_and_nothing_else() {
    let human = documents(1, 400, 60);
    let mut data = documents(2, 300, 60);
    let mut near = data.clone();
    for i in 0..60 {
        data[i] = data[150 + i % 40].clone();
        // Another beginning.
        let own: Vec<&str> = near[i].split_inclusive(' ').take(6).collect();
        near[i] = format!("{}{}", own.concat(), near[150 + i % 40]);
    }
    assert_eq!(flaws(&data, &human), [Flaw::Duplicated]);
    let found = run(&near, &human);
    assert_eq!(found.findings().into_keys().collect::<Vec<_>>(), [Flaw::Duplicated]);
    let share = |name: &str| found.comparisons.iter().find(|c| c.name() == name).unwrap();
    assert!(share("duplicate-share near").found && share("duplicate-share exact").data < 0.1);
}

#[test]
fn truncation_is_found() {
    let human = documents(1, 400, 60);
    // A limit in words; one in characters; a third of the documents, anywhere.
    let words: Vec<String> = documents(2, 300, 60)
        .into_iter()
        .map(|text| text.split_whitespace().take(50).collect::<Vec<_>>().join(" "))
        .collect();
    let characters: Vec<String> =
        documents(2, 300, 60).into_iter().map(|text| text.chars().take(200).collect()).collect();
    let mut some = documents(2, 300, 60);
    for (i, text) in some.iter_mut().enumerate().filter(|(i, _)| i % 3 == 0) {
        let words: Vec<&str> = text.split_whitespace().collect();
        *text = words[..words.len() - 3 - i % 11].join(" ").trim_end_matches('.').to_owned();
    }
    for data in [words, characters, some] {
        let found = flaws(&data, &human);
        assert!(found.contains(&Flaw::Truncated), "{found:?}");
        assert!(!found.contains(&Flaw::Duplicated) && !found.contains(&Flaw::TailStripped), "{found:?}");
    }
}

#[test]
fn a_stripped_tail_is_found() {
    let human = documents(1, 400, 60);
    let data = documents(2, 300, 60);
    let mut counts = BTreeMap::<&str, u32>::new();
    let plain = |word: &'static str| word.trim_end_matches('.');
    let texts: &'static [String] = data.leak();
    for word in texts.iter().flat_map(|text| text.split_whitespace()) {
        *counts.entry(plain(word)).or_default() += 1;
    }
    // Words that occur once are left out; the ends of sentences stay.
    let stripped: Vec<String> = texts
        .iter()
        .map(|text| {
            let keep = |word: &&'static str| counts[plain(word)] > 1 || word.ends_with('.');
            text.split_whitespace().filter(keep).collect::<Vec<_>>().join(" ")
        })
        .collect();
    let found = flaws(&stripped, &human);
    assert!(found.contains(&Flaw::TailStripped), "{found:?}");
    assert!(!found.contains(&Flaw::Duplicated) && !found.contains(&Flaw::Truncated), "{found:?}");
}

#[test]
fn what_repeats_itself_is_found() {
    let human = documents(1, 400, 60);
    let looped: Vec<String> = documents(2, 300, 20).into_iter().map(|text| text.repeat(3)).collect();
    assert!(flaws(&looped, &human).contains(&Flaw::Repetitive));
}

/// Of all 200 audits of human text together, no more than ten may find anything.
#[test]
fn false_alarms_are_rare() {
    let alarms: Vec<Vec<String>> = (0..200u64)
        .into_par_iter()
        .filter_map(|split| {
            let texts = documents(1000 + split, 160, 40);
            let audit = run(&texts[..80], &texts[80..]);
            let found = audit.comparisons.iter().filter(|c| c.found).map(|c| c.name());
            Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty())
        })
        .collect();
    eprintln!("{} false alarms in 200: {alarms:?}", alarms.len());
    assert!(alarms.len() <= 10, "{alarms:?}");
}

#[test]
fn too_little_text_is_refused() {
    let (human, few) = (documents(1, 100, 60), documents(2, 10, 60));
    let error = audit(&docs(&few), &docs(&human), Streams::new(0)).unwrap_err();
    assert_eq!(error, AuditError::Documents { what: "the data", documents: 10, least: 20 });
    let short = vec!["One. ".to_owned(); 50];
    assert!(matches!(audit(&docs(&short), &docs(&human), Streams::new(0)), Err(AuditError::Words { .. })));
}

#[test]
fn an_audit_is_json() {
    let human = documents(1, 100, 40);
    let found = run(&human, &human);
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Audit>(&json).unwrap(), found);
}
