//! The documents of a corpus as a manifest lists them: an id, a hash, a line.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::Path;

use corpus::files::{Source, Text, open, read_text, text_files};
use corpus::{Limits, ReadError, json_fault};
use rayon::prelude::*;

use crate::canonical::{canonical, of_text};
use crate::lines::{self, Line, TooLong};
use crate::merkle::Hash;

/// An id may take so many bytes; longer ones are no names, and a manifest's lines stay short.
pub(crate) const LONGEST_ID: usize = 4096;

/// A document in a list; its number there counts from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its own id, if it has one.
    pub(crate) id: Option<Box<str>>,
    /// The SHA-256 of its canonical form: see [`crate`].
    pub(crate) hash: Hash,
    /// Its line, in JSON lines.
    pub(crate) line: Option<NonZeroU64>,
}

/// The documents of a corpus, in its order.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// Documents that cannot be read, by their index, with why. Their entries hold the hash of their raw bytes, which is
    /// that of no canonical form.
    pub(crate) faults: Vec<(usize, ReadError)>,
}

impl Listing {
    /// Reads `data` as [`corpus::read`] does: a text file, a folder of them, JSON lines. Line by line, a batch at a time on
    /// all threads.
    ///
    /// # Errors
    /// Files that are not there, cannot be read, or are beyond `limits`. Documents that make no sense are
    /// [`Listing::faults`].
    pub(crate) fn of(data: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let metadata = std::fs::metadata(data).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ReadError::Missing(data.to_owned()),
            _ => ReadError::File { path: data.to_owned(), source },
        })?;
        if metadata.is_dir() {
            return Self::of_folder(data, limits);
        }
        match open(data, limits)? {
            Text::Lines(source) => Self::of_json_lines(data, source, limits),
            Text::Whole(source) => {
                let mut listing = Self::default();
                listing.push(None, hashed(source, data).map(|(hash, _)| hash))?;
                Ok(listing)
            }
        }
    }

    fn of_folder(data: &Path, limits: &Limits) -> Result<Self, ReadError> {
        /// Files that are read at once.
        const TOGETHER: usize = 256;
        let files: Vec<_> = text_files(data, limits)?.into_iter().collect();
        let mut listing = Self::default();
        let mut total = 0u64;
        for files in files.chunks(TOGETHER) {
            let read = |path: &Path| hashed(Source::open(path, limits, total)?, path);
            let read: Vec<_> = files.par_iter().map(|(_, path)| read(path)).collect();
            let before = total;
            for ((id, _), file) in files.iter().zip(read) {
                if let Ok((_, so_far)) = &file {
                    total = total.saturating_add(so_far - before);
                }
                listing.push(Some(id), file.map(|(hash, _)| hash))?;
            }
        }
        Ok(listing)
    }

    /// Adds a text file, or the fault that it is not UTF-8.
    fn push(&mut self, id: Option<&str>, hash: Result<Hash, ReadError>) -> Result<(), ReadError> {
        let hash = match hash {
            Ok(hash) => hash,
            Err(fault @ ReadError::NotUtf8 { .. }) => {
                self.faults.push((self.entries.len(), fault));
                Hash::of(b"")
            }
            Err(error) => return Err(error),
        };
        self.entries.push(Entry { id: id.map(Box::from), hash, line: None });
        Ok(())
    }

    fn of_json_lines(data: &Path, source: Source, limits: &Limits) -> Result<Self, ReadError> {
        let mut listing = Self::default();
        let read = lines::for_each(
            source,
            limits.line_bytes,
            |line| entry(&line, data),
            |entry| {
                if let Some((entry, fault)) = entry {
                    listing.faults.extend(fault.map(|fault| (listing.entries.len(), fault)));
                    listing.entries.push(entry);
                }
                Ok::<(), std::convert::Infallible>(())
            },
        );
        match read {
            Ok(Ok(())) => Ok(listing),
            Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<TooLong>()) {
                Some(&TooLong { line, longest }) => ReadError::too_long(data, line, longest),
                None => ReadError::of(data, error),
            }),
        }
    }

    /// Refuses what readers refuse: nothing at all, what makes no sense, two documents with one id.
    pub(crate) fn check(mut self, data: &Path) -> Result<Vec<Entry>, ReadError> {
        if !self.faults.is_empty() {
            return Err(self.faults.swap_remove(0).1);
        }
        if self.entries.is_empty() {
            return Err(ReadError::Empty(data.to_owned()));
        }
        match repeated(&self.entries) {
            None => Ok(self.entries),
            Some((first, second)) => {
                let line = |index: usize| {
                    let entry: &Entry = &self.entries[index];
                    entry.line.map_or(index + 1, |line| line.get() as usize)
                };
                Err(ReadError::Duplicate {
                    place: format!("{}, line {}", data.display(), line(second)),
                    id: self.entries[second].id.as_deref().unwrap_or_default().to_owned(),
                    first: line(first),
                })
            }
        }
    }
}

/// The hash of a text file, and what was read of the corpus so far.
fn hashed(source: Source, path: &Path) -> Result<(Hash, u64), ReadError> {
    let (text, total) = read_text(source, path)?;
    Ok((Hash::of(&of_text(&text)), total))
}

/// The first entry whose id an earlier one has, with that one: indices, the earlier first.
pub(crate) fn repeated(entries: &[Entry]) -> Option<(usize, usize)> {
    let mut seen = HashMap::with_capacity(entries.len());
    entries.iter().enumerate().find_map(|(index, entry)| {
        let id = entry.id.as_deref()?;
        seen.insert(id, index).map(|first| (first, index))
    })
}

/// The document of a line, with what is wrong with it; none if the line is blank.
fn entry(line: &Line, data: &Path) -> Option<(Entry, Option<ReadError>)> {
    let place = || format!("{}, line {}", data.display(), line.number);
    let parsed = match std::str::from_utf8(line.bytes) {
        Ok(text) => {
            let text = if line.offset == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
            if text.trim().is_empty() {
                return None;
            }
            match canonical(text) {
                Ok(canonical) if canonical.id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) => {
                    let what = format!("an id of more than {LONGEST_ID} bytes");
                    Err(ReadError::Json { place: place(), what })
                }
                Ok(canonical) => Ok(canonical),
                Err(error) => Err(ReadError::Json { place: place(), what: json_fault(&error) }),
            }
        }
        Err(error) => Err(ReadError::NotUtf8 { place: place(), offset: line.offset + error.valid_up_to() as u64 }),
    };
    let (id, hash, fault) = match parsed {
        Ok(canonical) => (canonical.id.map(Box::from), Hash::of(&canonical.bytes), None),
        Err(fault) => (None, Hash::of(line.bytes), Some(fault)),
    };
    Some((Entry { id, hash, line: NonZeroU64::new(line.number) }, fault))
}
