//! Bytes of a file that somebody named: what kind of file it is, and how much of it is read.

use std::cell::Cell;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crate::files::file_name;
use crate::limits::{Limits, RECORD, in_bytes};
use crate::read_error::{Bound, Excess, ReadError};

/// Bytes that may be of any expansion.
const FREE: u64 = 64 << 20;
/// How long a pipe may be without a writer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A file's bytes, decompressed, as far as [`Limits`] let them through. Beyond, reading is an error.
pub struct Source {
    reader: Box<dyn BufRead>,
    /// Bytes that were taken out of the file itself.
    raw: Rc<Cell<u64>>,
    is_compressed: bool,
    is_pipe: bool,
    /// What each line counts beside its bytes.
    record: u64,
    limits: Limits,
    /// What was let through, of this file and those before it.
    total: u64,
    /// The same, of this file.
    own: u64,
    /// Bytes that were counted and are not consumed.
    ahead: usize,
}

impl Source {
    /// Opens a file, decompressed if its name ends in `.gz` or `.zst`. `before` is what was read of the corpus before.
    ///
    /// # Errors
    /// A file that is not there, is no file, or cannot be opened.
    pub fn open(path: &Path, limits: &Limits, before: u64) -> Result<Self, ReadError> {
        let error = |source| ReadError::File { path: path.to_owned(), source };
        let (file, metadata) = open_file(path)?;
        let raw = Rc::new(Cell::new(0));
        let file =
            BufReader::new(Raw::new(file, &metadata, Rc::clone(&raw)).map_err(|error| ReadError::of(path, error))?);
        let name = file_name(path).to_lowercase();
        let (is_gzip, is_zstd) = (name.ends_with(".gz"), name.ends_with(".zst"));
        let reader: Box<dyn BufRead> = if is_gzip {
            Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
        } else if is_zstd {
            Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(error)?))
        } else {
            Box::new(file)
        };
        let is_compressed = is_gzip || is_zstd;
        let is_pipe = !metadata.is_file();
        Ok(Self {
            reader,
            raw,
            is_compressed,
            is_pipe,
            record: 0,
            limits: limits.clone(),
            total: before,
            own: 0,
            ahead: 0,
        })
    }

    /// The same, each line counting as a document.
    #[must_use]
    pub fn of_documents(mut self) -> Self {
        self.record = RECORD;
        self
    }

    /// True of a pipe, whose name does not say what it holds.
    pub(crate) fn is_pipe(&self) -> bool {
        self.is_pipe
    }

    /// The first byte, which stays to be read; none of an empty file.
    pub(crate) fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.fill_buf()?.first().copied())
    }

    /// Bytes that were taken out of the file itself.
    #[cfg(test)]
    pub(crate) fn raw(&self) -> u64 {
        self.raw.get()
    }

    /// What was let through, of this file and those before it.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Appends the next line with its line feed; 0 at the end.
    ///
    /// # Errors
    /// What the file says; [`Excess`] inside the error where a line is too long.
    pub(crate) fn line(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let longest = self.limits.line_bytes;
        let read = self.by_ref().take(longest.saturating_add(1)).read_until(b'\n', bytes)?;
        let is_longer = read as u64 > longest && bytes.last() != Some(&b'\n');
        if is_longer { Err(Excess::new(Bound::LineBytes, longest, "is longer than").into()) } else { Ok(read) }
    }

    /// Counts what is about to be let through.
    fn count(&mut self, bytes: u64, lines: u64) -> io::Result<()> {
        let weight = bytes + lines * self.record;
        self.total = self.total.saturating_add(weight);
        self.own = self.own.saturating_add(weight);
        if self.total > self.limits.text_bytes {
            return Err(Excess::new(Bound::TextBytes, self.limits.text_bytes, "the text is longer than").into());
        }
        if self.is_compressed && self.own > FREE && self.own / self.limits.expansion.max(1) > self.raw.get() {
            return Err(Excess::new(Bound::Expansion, self.limits.expansion, "expands more than").into());
        }
        Ok(())
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead == 0 {
            let chunk = self.reader.fill_buf()?;
            let length = chunk.len();
            let lines = if self.record == 0 { 0 } else { chunk.iter().filter(|&&byte| byte == b'\n').count() };
            self.count(length as u64, lines as u64)?;
            self.ahead = length;
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.ahead = self.ahead.saturating_sub(bytes);
        self.reader.consume(bytes);
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let length = chunk.len().min(out.len());
        out[..length].copy_from_slice(&chunk[..length]);
        self.consume(length);
        Ok(length)
    }
}

/// A file's own bytes, counted. A regular file is read to where it ended when it was opened, and must still end there.
struct Raw {
    file: File,
    /// Its length when it was opened; none of a pipe.
    length: Option<u64>,
    left: u64,
    read: Rc<Cell<u64>>,
    /// A byte that was read to see whether a pipe has a writer.
    first: Option<u8>,
}

impl Raw {
    fn new(file: File, metadata: &Metadata, read: Rc<Cell<u64>>) -> io::Result<Self> {
        // Files of `/proc` have a length of 0 and hold something all the same.
        let length = (metadata.is_file() && metadata.len() > 0).then_some(metadata.len());
        let mut raw = Self { file, length, left: length.unwrap_or(u64::MAX), read, first: None };
        if length.is_none() && !metadata.is_file() {
            raw.first = raw.wait_for_writer()?;
        }
        Ok(raw)
    }

    /// The first byte of a pipe.
    fn wait_for_writer(&mut self) -> io::Result<Option<u8>> {
        const PAUSE: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        let mut byte = [0];
        loop {
            // A pipe without a writer is at its end; one whose writer has nothing yet would block.
            match self.file.read(&mut byte) {
                Ok(0) if waited >= PATIENCE => return Err(Excess::no_writer().into()),
                Ok(0) => {
                    std::thread::sleep(PAUSE);
                    waited += PAUSE;
                }
                Ok(_) => return Ok(Some(byte[0])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for whoever writes into a pipe, a little longer each time.
    fn read_when_ready(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut pause = Duration::from_micros(100);
        loop {
            match self.file.read(out) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(pause);
                    pause = (2 * pause).min(Duration::from_millis(20));
                }
                read => return read,
            }
        }
    }
}

impl Read for Raw {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if let Some(byte) = self.first.take() {
            out[0] = byte;
            self.read.set(self.read.get() + 1);
            return Ok(1);
        }
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = if most == 0 { 0 } else { self.read_when_ready(&mut out[..most])? };
        if read == 0
            && let Some(length) = self.length
            && (self.left > 0 || self.file.metadata()?.len() != length)
        {
            return Err(Excess::changed().into());
        }
        self.left -= read as u64;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// Opens a regular file or a pipe, to be read as it is. Nothing else is opened, and a pipe without a writer does not hold the
/// program up: it is at its end.
///
/// # Errors
/// A file that is not there, is no file, or cannot be opened.
pub fn open_file(path: &Path) -> Result<(File, Metadata), ReadError> {
    let error = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => ReadError::Missing(path.to_owned()),
        _ => ReadError::File { path: path.to_owned(), source },
    };
    let check = |metadata: &Metadata| match kind(metadata) {
        None => Ok(()),
        Some(what) => Err(ReadError::Kind { path: path.to_owned(), what }),
    };
    check(&std::fs::metadata(path).map_err(error)?)?;
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path).map_err(error)?;
    let metadata = file.metadata().map_err(error)?;
    check(&metadata)?;
    Ok((file, metadata))
}

/// The kind of a file that cannot be read to an end; none of one that can.
fn kind(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        for (is_one, what) in [
            (kind.is_char_device(), "a device or a terminal"),
            (kind.is_block_device(), "a disk"),
            (kind.is_socket(), "a socket"),
        ] {
            if is_one {
                return Some(what);
            }
        }
    }
    None
}

/// The bytes of a file that is small where it is what it should be: a tokenizer, a grammar, an experiment.
///
/// # Errors
/// A file that is not there, is no file, or has more than `most` bytes.
pub fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let (file, metadata) = open_file(path)?;
    let failed = |error| ReadError::of(path, error);
    let mut bytes = Vec::new();
    let raw = Raw::new(file, &metadata, Rc::default()).map_err(failed)?;
    raw.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(ReadError::Small { path: path.to_owned(), most: in_bytes(most) });
    }
    Ok(bytes)
}

/// The text of a file that [`read_small`] reads.
///
/// # Errors
/// As [`read_small`], and a file that is not UTF-8.
pub fn read_small_text(path: &Path, most: u64) -> Result<String, ReadError> {
    String::from_utf8(read_small(path, most)?).map_err(|error| ReadError::NotUtf8 {
        place: path.display().to_string(),
        offset: error.utf8_error().valid_up_to() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The reader stops where the bound is: neither the rest of the file nor what it expands to is read.
    #[test]
    fn no_more_is_read_than_the_bound_and_a_buffer() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { line_bytes: 10_000, ..Limits::default() };
        let plain = file(&folder, "long.jsonl", &vec![b'a'; 1 << 20]);
        let mut source = Source::open(&plain, &limits, 0).unwrap();
        let mut line = Vec::new();
        assert!(source.line(&mut line).is_err());
        assert!(line.len() <= 10_001 && source.raw() <= 10_001 + (64 << 10), "{} {}", line.len(), source.raw());
        let bomb = file(&folder, "bomb.jsonl.zst", &zstd::encode_all(&vec![b'\n'; 80 << 20][..], 3).unwrap());
        let mut source = Source::open(&bomb, &Limits::default(), 0).unwrap().of_documents();
        let mut lines = 0u64;
        let ended = loop {
            line.clear();
            match source.line(&mut line) {
                Ok(0) => break false,
                Ok(_) => lines += 1,
                Err(_) => break true,
            }
        };
        // Each line counts as the record of a document.
        assert!(ended && lines * RECORD <= FREE && source.total() <= FREE + (256 << 10) * (RECORD + 1), "{lines}");
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = |change: &dyn Fn(&mut File)| {
            let path = file(&folder, "log.txt", &b"line\n".repeat(10_000));
            let mut source = Source::open(&path, &Limits::default(), 0).unwrap();
            source.line(&mut Vec::new()).unwrap();
            change(&mut File::options().append(true).open(&path).unwrap());
            crate::files::read_text(source, &path).map(|(text, _)| text.len())
        };
        assert_eq!(read(&|_| ()).unwrap(), 49_995);
        let grows = |file: &mut File| io::Write::write_all(file, b"more\n").unwrap();
        assert!(matches!(read(&grows), Err(ReadError::Changed(_))));
        assert!(matches!(read(&|file| file.set_len(20_000).unwrap()), Err(ReadError::Changed(_))));
    }
}
