use super::*;
use proptest::prelude::*;

const TEXT: &str = "It is not down in any map; true places never are. It isn't, it isn't — 1851 whales, 1851 maps.";

fn trained() -> Tokenizer {
    Tokenizer::train_bpe(&[TEXT; 3], 300).unwrap()
}

#[test]
fn training_does_not_depend_on_order_or_threads() {
    let texts: Vec<String> =
        (0..400).map(|i| format!("{TEXT} {} whale{} sea{i}", "ab".repeat(i % 7), i % 11)).collect();
    let reversed: Vec<&String> = texts.iter().rev().collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Tokenizer::train_bpe(&texts, 512).unwrap().to_bytes().to_vec())
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, Tokenizer::train_bpe(&reversed, 512).unwrap().to_bytes());
}

#[test]
fn merges_learn_what_repeats() {
    let tokenizer = trained();
    assert_eq!((tokenizer.vocabulary(), tokenizer.separator()), (300, 0));
    assert!(tokenizer.encode(TEXT).len() < TEXT.len() * 2 / 3);
    // Nothing repeats: bytes and the separator are all there is.
    assert_eq!(Tokenizer::train_bpe(&["a"], 1000).unwrap().vocabulary(), SMALLEST_VOCABULARY);
}

#[test]
fn bytes_are_bytes() {
    let tokenizer = Tokenizer::bytes();
    assert_eq!((tokenizer.vocabulary(), tokenizer.separator()), (257, 0));
    assert_eq!(tokenizer.encode("é a\u{0}"), [0xC3 + 1, 0xA9 + 1, 33, 98, 1]);
    assert_eq!(tokenizer.decode(&[0xC3 + 1, 98, 0, 999]), "\u{fffd}a");
}

#[test]
fn a_separator_spelled_out_is_text() {
    for tokenizer in [trained(), Tokenizer::bytes()] {
        let text = format!("a{SEPARATOR}b {SEPARATOR}");
        let ids = tokenizer.encode(&text);
        assert!(!ids.contains(&tokenizer.separator()));
        assert_eq!(tokenizer.decode(&ids), text);
    }
}

#[test]
fn files_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    for tokenizer in [trained(), Tokenizer::bytes()] {
        tokenizer.save(&path).unwrap();
        let loaded = Tokenizer::load(&path).unwrap();
        assert_eq!((loaded.hash(), loaded.encode(TEXT)), (tokenizer.hash(), tokenizer.encode(TEXT)));
        // White space in the file changes nothing.
        let value: serde_json::Value = serde_json::from_slice(tokenizer.to_bytes()).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        assert_eq!(Tokenizer::from_bytes(&pretty).unwrap().hash(), tokenizer.hash());
    }
    assert_ne!(trained().hash(), Tokenizer::bytes().hash());
}

#[test]
fn gpt2_files_make_a_tokenizer() {
    let characters = byte_characters();
    let mut encoder: BTreeMap<String, u32> = (0..256).map(|b| (characters[b].to_string(), b as u32)).collect();
    encoder.extend([("he".to_owned(), 256), ("\u{120}he".to_owned(), 257), (SEPARATOR.to_owned(), 258)]);
    let encoder = serde_json::to_vec(&encoder).unwrap();
    let tokenizer = Tokenizer::gpt2(&encoder, "#version: 0.2\nh e\n\u{120} he\n").unwrap();
    assert_eq!((tokenizer.vocabulary(), tokenizer.separator()), (259, 258));
    assert_eq!(tokenizer.encode("he he"), [256, 257]);
    assert!(Tokenizer::gpt2(&encoder, "he").unwrap_err().to_string().contains("line 1"));
    assert!(Tokenizer::gpt2(b"[]", "").is_err());
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(matches!(Tokenizer::train_bpe(&[TEXT], 256), Err(TokenizerError::TooSmall(256))));
    assert!(matches!(Tokenizer::train_bpe(&["", ""], 300), Err(TokenizerError::NoText)));
    assert!(matches!(Tokenizer::from_bytes(b"{}"), Err(TokenizerError::Unreadable(_))));
    let changed = |from: &str, to: &str| {
        let text = String::from_utf8(Tokenizer::bytes().to_bytes().to_vec()).unwrap();
        assert!(text.contains(from));
        Tokenizer::from_bytes(text.replacen(from, to, 1).as_bytes())
    };
    let normal = changed("\"normalizer\":null", "\"normalizer\":{\"type\":\"Lowercase\"}");
    assert!(matches!(normal, Err(TokenizerError::Unfit(_))));
    let prefix = changed("\"add_prefix_space\":false", "\"add_prefix_space\":true");
    assert!(matches!(prefix, Err(TokenizerError::Unfit(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn texts_come_back_and_the_crate_agrees(text in any::<String>(), english in r"([a-z' ]|n't|'ll|\n|\s|[0-9]|\PC){0,40}") {
        for tokenizer in [trained(), Tokenizer::bytes()] {
            for text in [&text, &english] {
                let ids = tokenizer.encode(text);
                prop_assert_eq!(&tokenizer.decode(&ids), text);
                let theirs = tokenizer.inner.encode(text.as_str(), false).unwrap();
                prop_assert_eq!(theirs.get_ids(), ids);
            }
        }
    }

    #[test]
    fn decoded_text_is_a_fixed_point(ids in prop::collection::vec(0u32..300, 0..60)) {
        let tokenizer = trained();
        let text = tokenizer.decode(&ids);
        let again = tokenizer.decode(&tokenizer.encode(&text));
        prop_assert_eq!(tokenizer.encode(&again), tokenizer.encode(&text));
        prop_assert_eq!(again, text);
    }
}

/// The bytes' tokenizer with something of its file changed.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Result<Tokenizer, TokenizerError> {
    let mut file: serde_json::Value = serde_json::from_slice(Tokenizer::bytes().to_bytes()).unwrap();
    change(&mut file);
    Tokenizer::from_bytes(&serde_json::to_vec(&file).unwrap())
}

#[test]
fn what_the_library_panics_at_is_refused() {
    for decoder in [json!({"x": 1}), json!({"type": "Fuse", "x": {}}), json!([]), json!(7), json!({"type": "x"})] {
        let shown = decoder.to_string();
        let found = changed(|file| file["decoder"] = decoder);
        // The decoder is not used, so one that can be read does no harm.
        assert!(
            found.as_ref().err().is_none_or(|error| matches!(error, TokenizerError::Unreadable(_))),
            "{shown}: {found:?}"
        );
    }
    let text = String::from_utf8(Tokenizer::bytes().to_bytes().to_vec()).unwrap();
    let from = text.find("\"decoder\":").unwrap();
    let broken = format!("{}\"decoder\":{{\"x\"}}}}", &text[..from]);
    assert!(matches!(Tokenizer::from_bytes(broken.as_bytes()), Err(TokenizerError::Unreadable(_))));
    let nested = format!("{}\"decoder\":{}", &text[..from], "[".repeat(100_000));
    assert!(matches!(Tokenizer::from_bytes(nested.as_bytes()), Err(TokenizerError::Unreadable(_))));
}

#[test]
fn what_does_not_come_back_is_refused() {
    let message = |found: Result<Tokenizer, TokenizerError>| found.unwrap_err().to_string();
    assert!(message(changed(|file| file["model"]["dropout"] = json!(0.5))).contains("model.dropout is 0.5"));
    assert!(changed(|file| file["model"]["dropout"] = json!(0.0)).is_ok());
    let huge = message(changed(|file| {
        file["model"]["vocab"]["zz"] = json!(4_000_000_000u32);
    }));
    assert!(huge.contains("it has 258 ids, and 4000000000 is one of them"), "{huge}");
    assert!(changed(|file| file["model"]["vocab"]["zz"] = json!(5_000_000_000u64)).is_err());
    assert!(changed(|file| file["model"]["end_of_word_suffix"] = json!("</w>")).is_err());
    assert!(changed(|file| file["model"]["continuing_subword_prefix"] = json!("##")).is_err());
}

#[test]
fn a_file_of_absurd_size_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    // Sparse: it takes no room on the disk.
    std::fs::File::create(&path).unwrap().set_len(LARGEST_FILE + 1).unwrap();
    let message = Tokenizer::load(&path).unwrap_err().to_string();
    assert!(message.contains("tokenizer.json: the file has more than 256 MiB"), "{message}");
}
