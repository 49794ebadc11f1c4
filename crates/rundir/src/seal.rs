use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::atomic::sync_folder;
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
        let mut text = serde_json::to_string_pretty(&seal).expect("a seal has text keys and no floats");
        text.push('\n');
        write_atomic(&folder.join(SEAL), text.as_bytes())
    }

    /// The seal in `folder`, or nothing if there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(SEAL);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("read", &path),
        };
        let damaged = |how: String| Error::Damaged { path: path.clone(), how };
        let seal: Self = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("is not a seal ({e})")))?;
        if seal.format != FORMAT {
            return Err(Error::Format { path, found: seal.format });
        }
        Ok(Some(seal))
    }

    /// Compares the files of `folder` with the seal.
    pub(crate) fn check(&self, folder: &Path) -> Result<()> {
        for sealed in &self.files {
            let path = folder.join(&sealed.name);
            let damaged = |how: String| Err(Error::Damaged { path: path.clone(), how });
            let bytes = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return damaged("is missing".to_owned());
                }
                Err(error) => return Err(error).context("read", &path),
            };
            if bytes != sealed.bytes {
                return damaged(format!("has {bytes} bytes, its seal says {}", sealed.bytes));
            }
            if digest(&path)? != sealed.sha256 {
                return damaged("has another checksum than its seal says".to_owned());
            }
        }
        Ok(())
    }
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
fn digest(path: &Path) -> Result<String> {
    let mut file = File::open(path).context("read", path)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece).context("read", path)? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}
