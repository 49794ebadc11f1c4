//! Files that are meant to fill the memory, or are no files.

use std::io::Write;
use std::path::{Path, PathBuf};

use corpus::{Limits, ReadError, TokenSet, Tokenizer};

fn limits() -> Limits {
    Limits { line_bytes: 1000, text_bytes: 100_000, files: 10, ..Limits::default() }
}

fn refused(path: &Path, limits: &Limits) -> String {
    let message = corpus::read(path, "text", limits).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.len() < 1000, "{message}");
    message
}

fn write(folder: &tempfile::TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// One line, in each container.
#[test]
fn a_long_line_is_refused_and_the_setting_named() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{{\"text\":\"a\"}}\n{{\"text\":\"{}\"}}", "a".repeat(3000));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(line.as_bytes()).unwrap();
    let files = [
        ("l.jsonl", line.clone().into_bytes()),
        ("l.jsonl.gz", gzip.finish().unwrap()),
        ("l.jsonl.zst", zstd::encode_all(line.as_bytes(), 19).unwrap()),
        ("l.txt", line.into_bytes()),
    ];
    for (name, bytes) in files {
        let path = write(&folder, name, bytes);
        let message = refused(&path, &limits());
        let expected = format!(
            "{name}: line 2 is longer than 1000 bytes; if it is meant to be, raise limits.line_bytes (--limit \
             line_bytes=1KiB, or limits.line_bytes in an experiment file)"
        );
        assert!(message.ends_with(&expected), "{message}");
        assert!(corpus::read(&path, "text", &Limits { line_bytes: 4000, ..limits() }).is_ok());
    }
    // As long as the bound is no longer than it.
    let exact = write(&folder, "e.txt", format!("{}\n{}", "a".repeat(1000), "b".repeat(1000)));
    assert!(corpus::read(&exact, "text", &limits()).is_ok());
}

#[test]
fn much_text_is_refused_in_whatever_pieces_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let long = write(&folder, "long.txt", "word word\n".repeat(20_000));
    assert!(refused(&long, &limits()).contains("long.txt: the text is longer than 100000 bytes"));
    // Short documents take memory by their number.
    let many = write(&folder, "many.jsonl", "{\"text\":\"a\"}\n".repeat(300));
    assert!(refused(&many, &limits()).contains("raise limits.text_bytes"));
    let parts = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt", "c.txt"] {
        write(&parts, name, "word word\n".repeat(4000));
    }
    assert!(refused(parts.path(), &limits()).contains("c.txt: the text is longer than"));
    assert!(corpus::read(parts.path(), "text", &Limits { text_bytes: 200_000, ..limits() }).is_ok());
}

#[test]
fn a_folder_of_too_many_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    (0..11).for_each(|number| drop(write(&folder, &format!("{number}.txt"), "a")));
    let message = refused(folder.path(), &limits());
    assert!(message.contains("the folder has more than 10 entries") && message.contains("limits.files"), "{message}");
}

/// 36 kB that hold a gigabyte, one line of them or many.
#[test]
fn bombs_are_refused_before_they_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    for (name, chunk) in
        [("one.jsonl.zst", "a".repeat(1 << 20)), ("many.jsonl.zst", "{\"text\":\"a\"}\n".repeat(80_000))]
    {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        (0..256).for_each(|_| encoder.write_all(chunk.as_bytes()).unwrap());
        let path = write(&folder, name, encoder.finish().unwrap());
        assert!(path.metadata().unwrap().len() < 200_000);
        let message = refused(&path, &Limits::default());
        assert!(
            message.contains("longer than 64 MiB") || message.contains("expands more than 1000 times"),
            "{message}"
        );
    }
    // No documents at all, only blank lines.
    let blank = write(&folder, "blank.jsonl.zst", zstd::encode_all(&vec![b'\n'; 100 << 20][..], 3).unwrap());
    assert!(refused(&blank, &Limits::default()).contains("limits.expansion"));
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_without_a_writer_are_refused() {
    for device in ["/dev/zero", "/dev/random", "/dev/null"] {
        assert!(refused(Path::new(device), &Limits::default()).contains("this is a device or a terminal, not a file"));
        assert!(Tokenizer::load(Path::new(device)).unwrap_err().to_string().contains("a device"));
        assert!(TokenSet::load(Path::new(device)).unwrap_err().to_string().contains("a device"));
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(Tokenizer::load(folder.path()).unwrap_err().to_string().contains("this is a folder"));
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(refused(&socket, &Limits::default()).contains("this is a socket"));
    let fifo = fifo(&folder);
    let error = corpus::read(&fifo, "text", &Limits::default()).unwrap_err();
    assert!(matches!(error, ReadError::NoWriter(_)), "{error}");
}

#[cfg(unix)]
fn fifo(folder: &tempfile::TempDir) -> PathBuf {
    let fifo = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fifo
}

#[cfg(unix)]
#[test]
fn pipes_with_a_writer_are_read_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = fifo(&folder);
    let written = |text: String| {
        let path = fifo.clone();
        // It blocks until somebody reads; a reader that has seen enough ends it.
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
            text.as_bytes().chunks(10_000).all(|chunk| pipe.write_all(chunk).is_ok())
        })
    };
    let text = "It is not down in any map.\n".repeat(20_000);
    let writer = written(text.clone());
    let documents = corpus::read(&fifo, "text", &Limits::default()).unwrap();
    assert_eq!((documents.len(), &documents[0].text), (1, &text));
    writer.join().unwrap();
    let writer = written("{\"text\":\"a\"}\n{\"text\":\"b\"}\n".to_owned());
    assert_eq!(corpus::read(&fifo, "text", &Limits::default()).unwrap().len(), 2, "JSON lines by their first byte");
    writer.join().unwrap();
    let writer = written("a".repeat(2_000_000));
    assert!(refused(&fifo, &limits()).contains("line 1 is longer"));
    assert!(!writer.join().unwrap());
}

/// Objects that parsers have stumbled over: an error each, and a short one.
#[test]
fn hostile_json_is_an_error_of_one_short_line() {
    let folder = tempfile::tempdir().unwrap();
    let nested =
        |open: &str, close: &str| format!("{{\"text\":\"a\",\"x\":{}{}}}", open.repeat(100_000), close.repeat(100_000));
    let many: String = (0..10_000).map(|number| format!("\"k{number}\":0,")).collect();
    for (line, why) in [
        (nested("[", "]"), "recursion"),
        (nested("{\"a\":", "0}"), "recursion"),
        ("[".repeat(100_000), "expected an object"),
        (format!("{{\"text\":{}", "[".repeat(100_000)), "recursion"),
        ("{\"text\":\"a\",\"score\":NaN}".to_owned(), "NaN is no JSON"),
        ("{\"text\":\"a\",\"score\":-Infinity}".to_owned(), "-Infinity is no JSON"),
        ("{\"text\":\"\\ud83d\"}".to_owned(), "hex escape"),
        ("{\"text\":\"\\udc00\"}".to_owned(), "hex escape"),
        ("{\"text\":\"a\",\"x\":1e999}".to_owned(), "out of range"),
        ("{\"text\":null}".to_owned(), "the field \"text\" is null"),
        ("{\"text\":\"a\",\"text\":\"b\"}".to_owned(), "\"text\" occurs twice"),
        (format!("{{{many}\"body\":\"a\"}}"), "the fields are k0, k1"),
        (format!("{{\"{}\":0}}", "k".repeat(1 << 20)), "kkk..."),
        (
            format!("{{\"id\":\"{0}\",\"text\":\"a\"}}\n{{\"id\":\"{0}\",\"text\":\"b\"}}", "i".repeat(1 << 20)),
            "iii...\"",
        ),
    ] {
        let message = refused(&write(&folder, "l.jsonl", &line), &Limits::default());
        assert!(message.contains(why), "{why}: {message}");
    }
}

#[test]
fn token_files_with_a_lying_header_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let with = |header: &str, length: Option<u64>, data: usize| {
        let mut bytes = length.unwrap_or(header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    };
    let tensor = |shape: &str, end: u64| {
        format!(
            "{{\"__metadata__\":{{\"tokenizer\":\"300 x\"}},\"ids\":{{\"dtype\":\"U16\",\"shape\":[{shape}],\"data_offsets\":[0,{end}]}}}}"
        )
    };
    for bytes in [
        with("{}", Some(u64::MAX), 0),
        with("{}", Some(1 << 40), 64),
        with(&"[".repeat(100_000), None, 0),
        with(&format!("{{\"a\":{}", "{\"a\":".repeat(100_000)), None, 0),
        with(&tensor("4294967296,4294967296", 8), None, 8),
        with(&tensor("9223372036854775807", 8), None, 8),
        with(&tensor("4", 1 << 60), None, 8),
        with(&tensor("4", 8), None, 4),
        with(&tensor("4", 8), None, 8),
        Vec::new(),
    ] {
        let message = TokenSet::load(&write(&folder, "tokens.safetensors", bytes)).unwrap_err().to_string();
        assert!(message.contains("this is no token file") && message.len() < 500, "{message}");
    }
}
