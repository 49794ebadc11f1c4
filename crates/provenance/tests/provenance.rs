//! Sealing and verifying files as people have them, and as an adversary would have them.

use std::io::Write;
use std::path::{Path, PathBuf};

use corpus::{Document, Origin, ReadError, write_jsonl_zst};
use proptest::prelude::*;
use provenance::{Difference, Error, PublicKey, Report, SecretKey, Signed, make_key, manifest_path, seal, verify};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn key(&self, name: &str) -> (SecretKey, PublicKey) {
        let path = self.path(name);
        let public = make_key(&path).unwrap();
        (SecretKey::load(&path).unwrap(), public)
    }
}

fn reported(report: &Report) -> Vec<String> {
    report.differences.iter().map(Difference::to_string).collect()
}

/// Seals without a key and gives the manifest's place.
fn sealed(data: &Path) -> PathBuf {
    let manifest = manifest_path(data).unwrap();
    seal(data, None, &manifest).unwrap();
    manifest
}

const CORPUS: &str = r#"{"id":"ö/1","text":"Call me Ishmael.\r\n\u0007","provenance":{"origin":"human","source":"s"}}

 {"text":"no id", "title" : "x"}
{"provenance":{"sampler":{"temperature":0.7},"generation":2,"origin":"synthetic"},"text":"the the","id":70,"truncated":true}
"#;

/// The example key of RFC 8410, section 10.3.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

/// The manifest of `CORPUS` by Python's json and hashlib and OpenSSL:
///
/// ```text
/// def canon(o): return json.dumps(o, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
/// for i, d in enumerate(map(json.loads, lines), 1):
///     id = str(d.pop("id")) if "id" in d else i
///     rows.append(canon({"id": id, "hash": hashlib.sha256(canon(d)).hexdigest()}))
/// root = mth(rows)         # as in merkle.rs
/// openssl pkeyutl -sign -rawin -inkey KEY -in STATEMENT
/// ```
const MANIFEST: &str = r#"{"format":"habsburg-provenance","version":1,"algorithm":"sha256-rfc8785-rfc6962","count":3,"root":"80ef2ec9a8a0cdd31c4da9e0ee975229fb012ef7e9b2885a4e0b498c0ff63dc8","key":"19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1","signature":"8bf1c6d4a2733754a8563167d900a7946dc87bbfcaf94dbe7d10cf4e5760c20bf7d53f6afce2071ea032b2e012a70932e62a88be5ae37716524c046bec472d04"}
{"hash":"5dba1f71d9ce806043548279e3fa8cfb50bc5260d2c9a382386453302e25567b","id":"ö/1"}
{"hash":"2b675f3c85207995a8ad99daad53e8201d22646b77b84c6fb34b4805706d4f38","id":2}
{"hash":"a27b3085db3e2165de6a384f545763c4becac53731c5a3eff039b85bb0491548","id":"70"}
"#;

#[test]
fn the_manifest_is_the_one_that_other_tools_make() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let key = SecretKey::load(&folder.file("key", KEY)).unwrap();
    let manifest = manifest_path(&data).unwrap();
    assert_eq!(manifest, folder.path("c.jsonl.manifest.jsonl"));
    seal(&data, Some(&key), &manifest).unwrap();
    assert_eq!(std::fs::read_to_string(&manifest).unwrap(), MANIFEST);
    let report = verify(&data, &manifest, Some(key.public())).unwrap();
    assert!(report.is_ok() && report.fault().is_none());
    assert_eq!(report.documents(), "3 documents sealed, 3 found: all as sealed");
}

#[test]
fn other_ways_of_writing_the_same_are_no_change() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let manifest = sealed(&data);
    let anew: String = (CORPUS.lines().filter(|line| !line.is_empty()))
        .map(|line| {
            let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            object.sort_keys();
            let ascii: String = (serde_json::to_string(&object).unwrap().chars())
                .map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04X}", u32::from(c)) })
                .collect();
            format!("{ascii}\r\n")
        })
        .collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(anew.as_bytes()).unwrap();
    let files = [
        ("other.ndjson", anew.clone().into_bytes()),
        ("marked.jsonl", format!("\u{feff}{anew}").into_bytes()),
        ("c.jsonl.gz", gzip.finish().unwrap()),
        ("c.jsonl.zst", zstd::encode_all(anew.as_bytes(), 3).unwrap()),
    ];
    for (name, bytes) in files {
        let report = verify(&folder.file(name, bytes), &manifest, None).unwrap();
        assert!(report.is_ok(), "{name}: {:?}", reported(&report));
    }
}

#[test]
fn text_and_every_field_of_provenance_count() {
    let folder = Folder::new();
    let line = r#"{"id":"d","text":"text","provenance":
        {"origin":"synthetic","generation":1,"sampler":{"temperature":1.0,"top_p":0.9}}}"#;
    let document: Document = serde_json::from_str(line).unwrap();
    let write = |document: &Document| {
        let mut bytes = Vec::new();
        write_jsonl_zst(&mut bytes, [document]).unwrap();
        folder.file("d.jsonl.zst", bytes)
    };
    let data = write(&document);
    let manifest = sealed(&data);
    let changes: [fn(&mut Document); 7] = [
        |d| d.text.push(' '),
        |d| d.truncated = true,
        |d| d.provenance.origin = Origin::Human,
        |d| d.provenance.source = Some(String::new()),
        |d| d.provenance.generation = Some(2),
        |d| d.provenance.sampler.as_mut().unwrap().top_p = Some(0.900_000_000_000_000_1),
        |d| d.provenance.parent = Some("0".into()),
    ];
    for change in changes {
        let mut changed = document.clone();
        change(&mut changed);
        let report = verify(&write(&changed), &manifest, None).unwrap();
        assert_eq!(reported(&report), ["changed  \"d\", line 1"], "{changed:?}");
    }
    assert!(verify(&write(&document), &manifest, None).unwrap().is_ok());
}

/// What a line says, by a parser of its own; numbers with all their digits, the id as its text.
fn says(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    if let Some(serde_json::Value::Number(id)) = object.get("id") {
        object["id"] = id.to_string().into();
    }
    object.sort_keys();
    Some(format!("{object:?}"))
}

#[test]
fn every_changed_byte_is_found_and_its_document_named() {
    let lines = [
        r#"{"id":"a","text":"Call é.","provenance":{"origin":"human"}}"#,
        r#"{"id":7,"text":"\u00e9\n","truncated":true}"#,
        r#"{"text":"the the"}"#,
    ];
    let bytes = format!("{}\n", lines.join("\n")).into_bytes();
    let folder = Folder::new();
    let data = folder.file("c.jsonl", &bytes);
    let manifest = sealed(&data);
    let names = ["\"a\"", "\"7\"", "document 3"];
    let (mut found, mut same) = (0, 0);
    for place in 0..bytes.len() {
        let owner = bytes[..place].iter().filter(|&&byte| byte == b'\n').count();
        // Any other byte: a bit at a time, and what means something in JSON.
        let others = (0..8).map(|bit| bytes[place] ^ 1 << bit).chain(*b"\"\\{}:, \n\r0EX");
        for other in others.filter(|&other| other != bytes[place]) {
            let mut changed = bytes.clone();
            changed[place] = other;
            std::fs::write(&data, &changed).unwrap();
            let report = verify(&data, &manifest, None).unwrap();
            let now: Vec<_> =
                changed.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
            let equal = now.len() == 3 && (0..3).all(|i| says(now[i]) == says(lines[i].as_bytes()));
            assert_eq!(report.is_ok(), equal, "byte {place} as {other:#04x}: {:?}", reported(&report));
            if equal {
                same += 1;
                continue;
            }
            found += 1;
            let named = reported(&report).iter().any(|line| line.contains(names[owner]));
            assert!(named, "byte {place} as {other:#04x}: {:?}", reported(&report));
        }
    }
    // What is another way of writing the same: hexadecimal digits of an escape, a line end as CR, the like.
    assert!(found > 2000 && (1..40).contains(&same), "{found} {same}");
}

#[test]
fn lost_added_moved_and_doubled_documents_are_named() {
    let folder = Folder::new();
    let line = |i: usize| format!("{{\"id\":\"d{i}\",\"text\":\"text {i}\"}}\n");
    let lines: Vec<String> = (0..100).map(line).collect();
    let data = folder.file("c.jsonl", lines.concat());
    let manifest = sealed(&data);
    let reported = |lines: &[String]| {
        std::fs::write(&data, lines.concat()).unwrap();
        reported(&verify(&data, &manifest, None).unwrap())
    };
    let mut lost = lines.clone();
    lost.remove(40);
    assert_eq!(reported(&lost), ["lost     \"d40\", from place 41"]);
    let mut added = lines.clone();
    added.insert(10, line(500));
    assert_eq!(reported(&added), ["added    \"d500\", line 11"]);
    let mut moved = lines.clone();
    let one = moved.remove(90);
    moved.insert(3, one);
    assert_eq!(reported(&moved), ["moved    \"d90\", line 4: from place 91 to 4"]);
    let mut doubled = lines.clone();
    doubled.push(line(7));
    assert_eq!(reported(&doubled), ["added    \"d7\", line 101, with the id of line 8"]);
    assert_eq!(reported(&lines[..98]), ["lost     \"d98\", from place 99", "lost     \"d99\", from place 100"]);
    assert_eq!(reported(&[]).len(), 100);
    // A corpus with an id twice is reported as all readers see it, and not sealed.
    std::fs::write(&data, doubled.concat()).unwrap();
    let error = seal(&data, None, &manifest).unwrap_err().to_string();
    assert!(
        error.ends_with("line 101: the id \"d7\" was already used at line 8: give every document its own"),
        "{error}"
    );
}

#[test]
fn folders_and_text_files() {
    let folder = Folder::new();
    for (name, text) in [("texts/a.txt", "A\r\n"), ("texts/b/c.txt", "C"), ("texts/notes.md", "no")] {
        folder.file(name, text);
    }
    let data = folder.path("texts");
    let manifest = sealed(&data);
    assert_eq!(manifest, folder.path("texts.manifest.jsonl"));
    folder.file("texts/a.txt", "A\n");
    assert!(verify(&data, &manifest, None).unwrap().is_ok());
    folder.file("texts/b/c.txt", "c");
    folder.file("texts/z.txt", b"\xff");
    let report = verify(&data, &manifest, None).unwrap();
    let reported = reported(&report);
    assert_eq!(reported[0], "changed  \"b/c.txt\"");
    assert!(
        reported[1].starts_with("added    \"z.txt\": ") && reported[1].contains("not UTF-8 at byte 0"),
        "{reported:?}"
    );
    assert_eq!(report.documents(), "2 documents sealed, 3 found: 1 changed, 1 added");

    // One text has no id of its own: its file may get another name, or be compressed.
    let manifest = sealed(&folder.file("book.txt", "It was."));
    let again = folder.file("tome.txt.zst", zstd::encode_all(&b"It was."[..], 3).unwrap());
    assert!(verify(&again, &manifest, None).unwrap().is_ok());
}

#[test]
fn signatures_say_who() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let manifest = manifest_path(&data).unwrap();
    let ((mine, me), (theirs, them)) = (folder.key("me"), folder.key("them"));
    let check = |key| {
        let report = verify(&data, &manifest, key).unwrap();
        assert!(report.differences.is_empty());
        (report.signed, report.is_ok())
    };
    seal(&data, None, &manifest).unwrap();
    assert_eq!((check(None), check(Some(me))), ((Signed::No, true), (Signed::No, false)));
    seal(&data, Some(&theirs), &manifest).unwrap();
    assert_eq!((check(None), check(Some(me))), ((Signed::By(them), true), (Signed::ByAnother(them), false)));
    seal(&data, Some(&mine), &manifest).unwrap();
    assert_eq!((check(None), check(Some(me))), ((Signed::By(me), true), (Signed::By(me), true)));
    // Another's name over my signature.
    let text = std::fs::read_to_string(&manifest).unwrap().replace(&me.to_string(), &them.to_string());
    std::fs::write(&manifest, text).unwrap();
    assert_eq!((check(None), check(Some(me))), ((Signed::Broken(them), false), (Signed::Broken(them), false)));
}

#[test]
fn no_changed_byte_of_a_manifest_passes() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let (key, me) = folder.key("me");
    let manifest = manifest_path(&data).unwrap();
    seal(&data, Some(&key), &manifest).unwrap();
    let bytes = std::fs::read(&manifest).unwrap();
    for position in 0..bytes.len() {
        for other in [bytes[position] ^ 1, bytes[position] ^ 0x20, b' ', b'\n'] {
            if other == bytes[position] {
                continue;
            }
            let mut changed = bytes.clone();
            changed[position] = other;
            std::fs::write(&manifest, changed).unwrap();
            match verify(&data, &manifest, Some(me)) {
                Ok(report) => assert!(!report.is_ok(), "byte {position} as {other:#04x}"),
                Err(error) => assert!(!error.to_string().contains('\n')),
            }
        }
    }
}

#[test]
fn truncated_manifests_are_refused() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let manifest = sealed(&data);
    let bytes = std::fs::read(&manifest).unwrap();
    for length in 0..bytes.len() {
        std::fs::write(&manifest, &bytes[..length]).unwrap();
        let error = verify(&data, &manifest, None).unwrap_err();
        let says = matches!(error, Error::NoManifest(_) | Error::Damaged { .. } | Error::Count { .. } | Error::Root(_));
        assert!(says && !error.to_string().contains('\n'), "{length}: {error}");
    }
}

#[test]
fn hostile_manifests_are_one_clear_line() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let manifest = sealed(&data);
    let whole = std::fs::read_to_string(&manifest).unwrap();
    let root = &whole[whole.find("\"root\":\"").unwrap() + 8..][..64];
    let fault = |text: &str| {
        std::fs::write(&manifest, text).unwrap();
        let error = verify(&data, &manifest, None).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.len() < 400, "{error}");
        error
    };
    let last = whole.trim_end().rfind('\n').unwrap() + 1;
    for (text, words) in [
        (whole.replace("\"version\":1", "\"version\":2"), "version 2, which this build does not know"),
        (whole.replace("sha256-", "md5-"), "algorithm \"md5-rfc8785-rfc6962\", which this build does not know"),
        (whole.replace("habsburg-", "x-"), "not a manifest; its first line"),
        (CORPUS.to_owned(), "not a manifest; its first line"),
        (" ".repeat(10_000_000), "not a manifest; its first line"),
        ("[".repeat(4000) + "\n", "not a manifest; its first line"),
        (whole.replace("\"count\":3", "\"count\":18446744073709551615"), "and there are fewer"),
        (whole.replace("\"count\":3", "\"count\":2"), "and there are more"),
        (whole.replace("\"count\":3", "\"count\":-3"), "line 1: column"),
        (whole.replace("\"version\":1", "\"version\":1,\"note\":0"), "unknown field `note`"),
        (whole.replace(root, &"0".repeat(64)), "Merkle root mismatch"),
        (whole.replace(root, &root.to_uppercase()), "line 1: column"),
        (whole.replace("\"id\":\"70\"", "\"id\":\"71\""), "Merkle root mismatch"),
        (whole.replace("\"id\":2", "\"id\":3"), "line 3: document 2 has the number 3"),
        (whole.replace("\"id\":2", "\"id\":[2]"), "line 3: column"),
        (whole[..last].to_owned() + &"x".repeat(100_000) + "\n", "line 3 is longer than"),
        (
            whole[..last].to_owned() + &format!("{{\"hash\":\"{root}\",\"id\":\"{}\"}}\n", "x".repeat(5000)),
            "an id of more than",
        ),
        (whole.replacen("\"root\"", "\"key\":\"00\",\"root\"", 1), "`key` is no Ed25519 public key"),
        (whole.trim_end().to_owned(), "line 4: the file ends within this line"),
    ] {
        let error = fault(&text);
        assert!(error.contains(words), "{words}: {error}");
    }
    std::fs::remove_file(&manifest).unwrap();
    let error = verify(&data, &manifest, None).unwrap_err();
    assert!(matches!(error, Error::Missing(_)));
}

/// A manifest whose root and count are right, and that says an id twice all the same.
#[test]
fn a_manifest_with_an_id_twice_is_refused() {
    use provenance::{Hash, leaf, root};
    let folder = Folder::new();
    let row = format!("{{\"hash\":\"{}\",\"id\":\"a\"}}", Hash::of(b""));
    let root = root(&[leaf(row.as_bytes()), leaf(row.as_bytes())]);
    let header = format!(
        r#"{{"format":"habsburg-provenance","version":1,"algorithm":"sha256-rfc8785-rfc6962","count":2,"root":"{root}"}}"#
    );
    let manifest = folder.file("m.jsonl", format!("{header}\n{row}\n{row}\n"));
    let error = verify(&folder.file("c.jsonl", CORPUS), &manifest, None).unwrap_err().to_string();
    assert!(error.contains("line 3: the id of line 2 is repeated"), "{error}");
}

#[test]
fn sealing_overwrites_no_other_file() {
    let folder = Folder::new();
    let data = folder.file("c.jsonl", CORPUS);
    let other = folder.file("thesis.tex", "years of work");
    assert!(matches!(seal(&data, None, &data), Err(Error::Inside { .. })));
    assert!(matches!(seal(&data, None, &other), Err(Error::Occupied(_))));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "years of work");
    folder.file("texts/a.txt", "A");
    let within = folder.path("texts/m.txt");
    assert!(matches!(seal(&folder.path("texts"), None, &within), Err(Error::Inside { .. })));
    assert!(matches!(manifest_path(Path::new("..")), Err(Error::NoName(_))));
    // What fails leaves the older manifest, and nothing else.
    let manifest = sealed(&data);
    let before = std::fs::read(&manifest).unwrap();
    folder.file("c.jsonl", "{\"id\":1}\nnonsense\n");
    let error = seal(&data, None, &manifest).unwrap_err().to_string();
    assert!(error.contains("line 2: column 2"), "{error}");
    folder.file("c.jsonl", "\n");
    assert!(seal(&data, None, &manifest).unwrap_err().to_string().contains("there is no text in it"));
    assert_eq!(std::fs::read(&manifest).unwrap(), before);
    let names: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn a_corpus_that_ends_too_soon_is_told_from_one_that_is_not_there() {
    let folder = Folder::new();
    let mut bytes = zstd::encode_all(CORPUS.as_bytes(), 3).unwrap();
    let data = folder.file("c.jsonl.zst", &bytes);
    let manifest = sealed(&data);
    bytes.truncate(bytes.len() - 9);
    std::fs::write(&data, bytes).unwrap();
    let ended = verify(&data, &manifest, None).unwrap_err();
    let ReadError::File { source, .. } = (match ended {
        Error::Data(error) => error,
        other => panic!("{other}"),
    }) else {
        panic!("it was read")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::UnexpectedEof);
    let missing = verify(&folder.path("none.jsonl"), &manifest, None).unwrap_err();
    assert!(matches!(missing, Error::Data(ReadError::Missing(_))), "{missing}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Any texts and ids: sealed, they verify; and two corpora have one root only if they say the same.
    #[test]
    fn roots_tell_corpora_apart(
        ours in prop::collection::vec((any::<Option<String>>(), any::<String>()), 1..8),
        theirs in prop::collection::vec((any::<Option<String>>(), any::<String>()), 1..8),
    ) {
        let folder = Folder::new();
        let write = |name: &str, documents: &[(Option<String>, String)]| {
            let mut seen = std::collections::BTreeSet::new();
            let documents: Vec<_> =
                documents.iter().filter(|(id, _)| id.is_none() || seen.insert(id.clone())).cloned().collect();
            let lines: String = (documents.iter())
                .map(|(id, text)| match id {
                    Some(id) => serde_json::json!({"id": id, "text": text}).to_string() + "\n",
                    None => serde_json::json!({"text": text}).to_string() + "\n",
                })
                .collect();
            (folder.file(name, lines), documents)
        };
        let (ours, a) = write("ours.jsonl", &ours);
        let (theirs, b) = write("theirs.jsonl", &theirs);
        let (p, q) = (manifest_path(&ours).unwrap(), manifest_path(&theirs).unwrap());
        let (first, second) = (seal(&ours, None, &p).unwrap(), seal(&theirs, None, &q).unwrap());
        prop_assert_eq!(first.root == second.root, a == b);
        prop_assert!(verify(&ours, &p, None).unwrap().is_ok());
        prop_assert_eq!(verify(&theirs, &p, None).unwrap().is_ok(), a == b);
    }
}
