//! Readers against files as people have them.

use std::io::Write;
use std::path::{Path, PathBuf};

use corpus::{Document, JsonLines, Limits, Origin, Provenance, ReadError, write_jsonl_zst};
use sampling::Sampling;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn read(path: &Path, field: &str) -> Result<Vec<Document>, ReadError> {
    corpus::read(path, field, &Limits::default())
}

fn texts(path: &Path) -> Vec<(String, String)> {
    read(path, "text").unwrap().into_iter().map(|document| (document.id, document.text)).collect()
}

fn pair(id: &str, text: &str) -> (String, String) {
    (id.to_owned(), text.to_owned())
}

#[test]
fn text_files_lose_marks_and_carriage_returns() {
    let folder = Folder::new();
    let path = folder.file("book.txt", "\u{feff}One\r\n\r\nTwo\rthree");
    assert_eq!(texts(&path), [pair("book.txt", "One\n\nTwo\rthree")]);
}

#[test]
fn folders_are_read_in_order() {
    let folder = Folder::new();
    folder.file("b.txt", "B");
    folder.file("a/z.TXT", "Z");
    folder.file("a/notes.md", "no");
    folder.file("a.txt", "A");
    assert_eq!(texts(folder.0.path()), [pair("a.txt", "A"), pair("a/z.TXT", "Z"), pair("b.txt", "B")]);
}

#[test]
fn json_lines_plain_and_compressed() {
    let lines = "\u{feff}{\"id\":\"x\",\"text\":\"a\\r\\nb\"}\r\n\n{\"id\":7,\"text\":\"c\"}\n{\"text\":\"d\"}";
    let folder = Folder::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    let files = [
        ("l.jsonl", lines.as_bytes().to_vec()),
        ("l.jsonl.gz", gzip.finish().unwrap()),
        ("l.json.zst", zstd::encode_all(lines.as_bytes(), 3).unwrap()),
    ];
    for (name, bytes) in files {
        let path = folder.file(name, bytes);
        assert_eq!(texts(&path), [pair("x", "a\nb"), pair("7", "c"), pair(&format!("{name}:4"), "d")]);
    }
}

#[test]
fn documents_come_back_with_their_history() {
    let mut written = Document::human("k1/0", "\u{1b}[31m<b>\u{202e}\r\n\u{0}", "s");
    written.truncated = true;
    written.provenance = Provenance {
        generation: Some(1),
        chain: Some("replace/seed-0".into()),
        sampler: Some(Sampling { top_p: Some(0.9), ..Sampling::default() }),
        ..Provenance::of(Origin::Synthetic)
    };
    let documents = [Document::human("h", "human", "s"), written];
    let mut bytes = Vec::new();
    write_jsonl_zst(&mut bytes, &documents).unwrap();
    let mut again = Vec::new();
    write_jsonl_zst(&mut again, &documents).unwrap();
    assert_eq!(bytes, again);
    let folder = Folder::new();
    let path = folder.file("documents.jsonl.zst", bytes);
    assert_eq!(read(&path, "text").unwrap(), documents);
    assert_eq!(JsonLines::open(&path).unwrap().collect::<Result<Vec<_>, _>>().unwrap(), documents);
}

#[test]
fn every_fault_is_one_clear_line() {
    let folder = Folder::new();
    let fault = |path: &Path, field: &str| {
        let error = read(path, field).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    };
    let missing = fault(&folder.0.path().join("none.txt"), "text");
    assert!(missing.contains("none.txt: there is no such file"), "{missing}");
    for (name, text) in [("e.txt", " \n"), ("e.jsonl", "\n"), ("blank.jsonl", "{\"text\":\" \"}")] {
        assert!(fault(&folder.file(name, text), "text").contains("there is no text in it"));
    }
    std::fs::create_dir(folder.0.path().join("empty")).unwrap();
    assert!(fault(&folder.0.path().join("empty"), "text").contains("there is no text in it"));
    let latin = fault(&folder.file("latin.txt", b"caf\xe9!"), "text");
    assert!(latin.contains("latin.txt: not UTF-8 at byte 3"), "{latin}");
    let latin = fault(&folder.file("latin.jsonl", b"{\"text\":\"a\"}\n{\"text\":\"\xe9\"}"), "text");
    assert!(latin.contains("latin.jsonl, line 2: not UTF-8 at byte 22"), "{latin}");
    let bad = fault(&folder.file("bad.jsonl", "{\"text\":\"a\"}\n{\"text\": oops}"), "text");
    assert!(bad.contains("bad.jsonl, line 2: column 10: expected value"), "{bad}");
    let list = fault(&folder.file("list.jsonl", "[1]"), "text");
    assert!(list.contains("line 1: column 1: invalid type: sequence, expected an object"), "{list}");
    let field = fault(&folder.file("field.jsonl", "{\"title\":\"a\",\"body\":\"b\"}"), "content");
    assert!(field.contains("line 1") && field.contains("\"content\"") && field.contains("title, body"), "{field}");
    let twice = fault(&folder.file("twice.jsonl", "{\"id\":1,\"text\":\"a\"}\n{\"id\":\"1\",\"text\":\"b\"}"), "text");
    assert!(twice.contains("line 2: the id \"1\" was already used at line 1"), "{twice}");
    assert!(fault(&folder.file("junk.jsonl.gz", "junk"), "text").contains("junk.jsonl.gz"));
}

#[test]
fn another_field_can_hold_the_text() {
    let folder = Folder::new();
    let path = folder.file("f.jsonl", "{\"content\":\"a\",\"text\":\"b\"}");
    assert_eq!(read(&path, "content").unwrap()[0].text, "a");
}
