//! Lines read in batches: all threads have work and little of a file is in memory.

use std::io::{self, BufRead, Read};

use rayon::prelude::*;

/// Bytes after which a batch is full: some thousands of lines.
const BATCH: usize = 4 << 20;

/// One line.
pub(crate) struct Line<'a> {
    /// Without the line feed.
    pub(crate) bytes: &'a [u8],
    /// From 1.
    pub(crate) number: u64,
    /// Where it begins in the file, after decompression.
    pub(crate) offset: u64,
    /// Whether a line feed ends it.
    pub(crate) ended: bool,
}

/// A line of more bytes than are read, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("line {line} is longer than {longest} bytes")]
pub(crate) struct TooLong {
    pub(crate) line: u64,
    pub(crate) longest: u64,
}

/// Applies `work` to every line on all threads and gives the results on in the order of the lines; ends at the first
/// `Err` of `take`.
///
/// # Errors
/// What the reader says, as `Err` of the outer result; `InvalidData` for a line of more than `longest` bytes. What `take`
/// says, as `Err` of the inner one.
pub(crate) fn for_each<T: Send, E>(
    mut reader: impl BufRead,
    longest: u64,
    work: impl Fn(Line) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    let (mut number, mut offset) = (0, 0);
    let mut bytes = Vec::new();
    loop {
        // Where the batch's lines end, their line feeds included.
        let mut ends = vec![0];
        bytes.clear();
        while bytes.len() < BATCH {
            let read = reader.by_ref().take(longest.saturating_add(1)).read_until(b'\n', &mut bytes)? as u64;
            if read == 0 {
                break;
            }
            if read > longest && bytes.last() != Some(&b'\n') {
                let line = number + ends.len() as u64;
                return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong { line, longest }));
            }
            ends.push(bytes.len());
        }
        let results: Vec<T> = (ends.par_windows(2).enumerate())
            .map(|(index, ends)| {
                let line = &bytes[ends[0]..ends[1]];
                let text = line.strip_suffix(b"\n").unwrap_or(line);
                let ended = text.len() < line.len();
                work(Line { bytes: text, number: number + index as u64 + 1, offset: offset + ends[0] as u64, ended })
            })
            .collect();
        if results.is_empty() {
            return Ok(Ok(()));
        }
        number += results.len() as u64;
        offset += bytes.len() as u64;
        for result in results {
            if let Err(error) = take(result) {
                return Ok(Err(error));
            }
        }
    }
}
