//! `SHA256SUMS`: checksums of the files beside it, in the form that `sha256sum -c SHA256SUMS` reads.
//!
//! A run directory has one for the files that change while the run goes on; a model's folder has one, so that a model that
//! was copied elsewhere can still be checked. Stages have a seal instead, which says more.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::atomic::read_plain;
use crate::error::Context;
use crate::{Error, Result, write_atomic};

/// Name of the file.
pub const SUMS: &str = "SHA256SUMS";

/// Checksums by the names of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(BTreeMap<String, String>);

impl Sums {
    /// The checksums in the file `name` of `folder`; none if there is no such file.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is something else.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Option<Self>> {
        let path = folder.join(name);
        let Some(bytes) = read_plain(&path)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let line = |line: &str| {
            let (sum, name) = line.split_once("  ")?;
            let is_sum = sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            (is_sum && !name.is_empty()).then(|| (name.to_owned(), sum.to_owned()))
        };
        let sums: Option<BTreeMap<_, _>> = text.lines().map(line).collect();
        match sums {
            Some(sums) => Ok(Some(Self(sums))),
            None => Err(Error::Damaged { path, how: "is not a list of checksums".to_owned() }),
        }
    }

    /// Adds or replaces the checksum of a file with this content.
    pub(crate) fn insert(&mut self, name: &str, bytes: &[u8]) {
        self.0.insert(name.to_owned(), sha256(bytes));
    }

    /// Whether a file is listed with this checksum.
    pub(crate) fn lists(&self, name: &str, sum: &str) -> bool {
        self.0.get(name).is_some_and(|listed| listed == sum)
    }

    /// Takes a file off the list.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether a file has this content; none if it is not listed.
    pub(crate) fn has(&self, name: &str, bytes: &[u8]) -> Option<bool> {
        self.0.get(name).map(|sum| *sum == sha256(bytes))
    }

    /// The files that are listed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn to_text(&self) -> String {
        self.0.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect()
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Writes [`SUMS`] for the files of a folder.
///
/// # Errors
/// [`Error::Io`].
pub fn write_sums(folder: &Path) -> Result<()> {
    let mut sums = Sums::default();
    for entry in fs::read_dir(folder).context("read", folder)? {
        let path = entry.context("read", folder)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| *name != SUMS && path.is_file());
        if let Some(name) = name {
            sums.insert(name, &fs::read(&path).context("read", &path)?);
        }
    }
    write_atomic(&folder.join(SUMS), sums.to_text().as_bytes())
}

/// Compares the files of a folder with its [`SUMS`]. A folder without that file is not ours, and is taken as it is.
///
/// # Errors
/// [`Error::Damaged`] names the first file that differs or is missing.
pub fn check_sums(folder: &Path) -> Result<()> {
    let Some(sums) = Sums::read(folder, SUMS)? else { return Ok(()) };
    for name in sums.names() {
        let path = folder.join(name);
        let damaged = |how: String| Err(Error::Damaged { path: path.clone(), how });
        if path.exists() && !path.is_file() {
            return damaged("is no regular file".to_owned());
        }
        match fs::read(&path) {
            Ok(bytes) if sums.has(name, &bytes) == Some(true) => {}
            Ok(_) => return damaged(format!("has another checksum than {SUMS} says")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return damaged(format!("is missing: {SUMS} lists it"));
            }
            Err(error) => return Err(error).context("read", &path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_sha256sum_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b"), "").unwrap();
        fs::write(folder.path().join("a"), "{}").unwrap();
        write_sums(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(SUMS)).unwrap();
        // What `sha256sum a b` prints.
        let expected = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  a\n\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n";
        assert_eq!(text, expected);
        check_sums(folder.path()).unwrap();
    }

    #[test]
    fn every_difference_is_found() {
        let folder = tempfile::tempdir().unwrap();
        check_sums(folder.path()).unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        write_sums(folder.path()).unwrap();
        fs::write(&path, "onf").unwrap();
        let said = || check_sums(folder.path()).unwrap_err().to_string();
        assert!(said().contains("another checksum"), "{}", said());
        fs::remove_file(&path).unwrap();
        assert!(said().contains("is missing"), "{}", said());
        fs::write(folder.path().join(SUMS), "44136f  a\n").unwrap();
        assert!(said().contains("not a list of checksums"), "{}", said());
    }
}
