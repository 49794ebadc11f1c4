//! The same documents of several generations, for reading side by side.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use rundir::{ChainId, StageKind};
use serde::Deserialize;

use crate::data::Data;

/// Documents shown of each generation.
pub(crate) const DOCUMENTS: usize = 3;
/// Characters shown of each document.
pub(crate) const CHARACTERS: usize = 700;
/// A line longer than this is no document of ours; it bounds what a broken file can take of memory.
const LONGEST_LINE: u64 = 64 << 20;

/// Text of the first, middle and last generation of one chain.
pub(crate) struct Excerpts {
    pub(crate) chain: ChainId,
    pub(crate) columns: Vec<Column>,
}

pub(crate) struct Column {
    pub(crate) generation: u32,
    /// The documents 0, 1, ... or why they cannot be read.
    pub(crate) documents: Result<Vec<Shown>, String>,
}

#[derive(Deserialize)]
pub(crate) struct Shown {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) truncated: bool,
}

/// The excerpts of an arm: of its chain that came farthest, the one with the smallest seed among those.
pub(crate) fn of_arm(data: &Data, arm: &str) -> Option<Excerpts> {
    let mut best: Option<(Vec<u32>, &ChainId)> = None;
    for chain in data.chains.iter().filter(|chain| chain.arm == arm) {
        let written: Vec<u32> = written(data, chain);
        if best.as_ref().is_none_or(|(most, _)| written.len() > most.len()) {
            best = Some((written, chain));
        }
    }
    let (generations, chain) = best?;
    let &last = generations.last()?;
    let mut chosen = vec![generations[0], generations[generations.len() / 2], last];
    chosen.dedup();
    let column = |generation| Column { generation, documents: read(data, chain, generation) };
    Some(Excerpts { chain: chain.clone(), columns: chosen.into_iter().map(column).collect() })
}

/// The generations of a chain that wrote.
fn written(data: &Data, chain: &ChainId) -> Vec<u32> {
    let generations = data.run.generations(chain).unwrap_or_default();
    let wrote = |generation: &u32| {
        let record = data.run.resolve(chain, *generation).ok().flatten();
        record.is_some_and(|record| record.stages.contains_key(&StageKind::Write))
    };
    generations.into_iter().filter(wrote).collect()
}

fn read(data: &Data, chain: &ChainId, generation: u32) -> Result<Vec<Shown>, String> {
    let record = data.run.resolve(chain, generation).map_err(|e| e.to_string())?.ok_or("it has no record")?;
    let id = record.stages.get(&StageKind::Write).ok_or("it wrote nothing")?;
    let path = data.run.stage_path(id).join("documents.jsonl.zst");
    let named = |why: String| format!("{id}/documents.jsonl.zst: {why}");
    let open = || -> std::io::Result<Vec<String>> {
        let decoder = zstd::Decoder::new(File::open(&path)?)?;
        let lines = BufReader::new(decoder.take(LONGEST_LINE)).lines();
        lines.take(DOCUMENTS).collect()
    };
    let lines = open().map_err(|e| named(e.to_string()))?;
    lines.iter().map(|line| serde_json::from_str(line).map_err(|e| named(e.to_string()))).collect()
}

impl Shown {
    /// The beginning of the text, and how many characters were cut.
    pub(crate) fn beginning(&self) -> (&str, usize) {
        match self.text.char_indices().nth(CHARACTERS) {
            Some((end, _)) => (&self.text[..end], self.text[end..].chars().count()),
            None => (&self.text, 0),
        }
    }
}
