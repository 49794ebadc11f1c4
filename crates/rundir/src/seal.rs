use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::atomic::{read_plain, sync_folder};
use crate::checked::Checked;
use crate::error::Context;
use crate::{Error, FORMAT, Result, StageId, write_atomic};

/// Name of the file that seals a stage.
pub const SEAL: &str = "SEAL";

/// One line of a seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedFile {
    /// Path within the stage, parts joined by `/`.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, 64 hexadecimal digits.
    pub sha256: String,
}

/// What a finished stage holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seal {
    format: u32,
    pub(crate) stage: StageId,
    /// How long the stage took to make, by the wall clock.
    pub(crate) milliseconds: u64,
    /// Sorted by name.
    pub(crate) files: Vec<SealedFile>,
}

impl Seal {
    /// Syncs every file and folder under `folder`, which took so long to fill, then writes its seal.
    pub(crate) fn apply(folder: &Path, stage: StageId, took: Duration) -> Result<()> {
        let mut files = Vec::new();
        list(folder, "", &mut files)?;
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let milliseconds = took.as_millis() as u64;
        let seal = Self { format: FORMAT, stage, milliseconds, files };
        write_atomic(&folder.join(SEAL), Checked::text(&seal, "").as_bytes())
    }

    /// The seal in `folder`, or nothing if there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(SEAL);
        let Some(bytes) = read_plain(&path)? else { return Ok(None) };
        if let Some(found) = other_format(&bytes) {
            return Err(Error::Format { path, found });
        }
        Checked::read(&bytes, "", "a seal").map(Some).map_err(|how| Error::Damaged { path, how })
    }

    /// Compares the sizes of the files of `folder`, those `removed` left out, with the seal.
    pub(crate) fn check_sizes(&self, folder: &Path, removed: &BTreeSet<String>) -> Result<()> {
        for sealed in self.files.iter().filter(|file| !removed.contains(&file.name)) {
            let path = folder.join(&sealed.name);
            let damaged = |how: String| Err(Error::Damaged { path: path.clone(), how });
            match fs::metadata(&path) {
                Ok(metadata) if metadata.len() == sealed.bytes => {}
                Ok(metadata) => {
                    return damaged(format!("has {} bytes, its seal says {}", metadata.len(), sealed.bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return damaged("is missing".to_owned()),
                Err(error) => return Err(error).context("read", &path),
            }
        }
        Ok(())
    }

    /// Compares the files of `folder`, those `removed` left out, with the seal.
    pub(crate) fn check(&self, folder: &Path, removed: &BTreeSet<String>) -> Result<()> {
        self.check_sizes(folder, removed)?;
        for sealed in self.files.iter().filter(|file| !removed.contains(&file.name)) {
            let path = folder.join(&sealed.name);
            match digest(&path) {
                Ok(sum) if sum == sealed.sha256 => {}
                Ok(_) => {
                    return Err(Error::Damaged { path, how: "has another checksum than its seal says".to_owned() });
                }
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    return Err(Error::Damaged { path, how: "is missing".to_owned() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The format of a seal, if another version wrote it.
fn other_format(bytes: &[u8]) -> Option<u32> {
    let seal: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    // Earlier formats had no checksum around it.
    seal.get("content")
        .unwrap_or(&seal)
        .get("format")?
        .as_u64()
        .and_then(|format| u32::try_from(format).ok())
        .filter(|format| *format != FORMAT)
}

/// Syncs what is under `folder` and lists its files.
fn list(folder: &Path, prefix: &str, files: &mut Vec<SealedFile>) -> Result<()> {
    for entry in fs::read_dir(folder).context("read", folder)? {
        let entry = entry.context("read", folder)?;
        let path = entry.path();
        let content = |why: &str| Error::Content { path: path.clone(), why: why.to_owned() };
        let name = entry.file_name().into_string().map_err(|_| content("a stage's files have UTF-8 names"))?;
        let name = format!("{prefix}{name}");
        let kind = entry.file_type().context("read", &path)?;
        if kind.is_dir() {
            list(&path, &format!("{name}/"), files)?;
        } else if kind.is_file() {
            crate::atomic::sync_file(&path)?;
            let bytes = entry.metadata().context("read", &path)?.len();
            files.push(SealedFile { name, bytes, sha256: digest(&path)? });
        } else {
            return Err(content("a stage holds files and folders only, so that its seal covers all"));
        }
    }
    sync_folder(folder)
}

/// SHA-256 of a file, read in pieces.
pub(crate) fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).context("read", path)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece).context("read", path)? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}
