//! The same documents of several generations, for reading side by side.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use rundir::ChainId;
use serde::Deserialize;

use crate::data::Data;
use crate::stages::{self, Made};

/// File of a stage with its documents.
const FILE: &str = "documents.jsonl.zst";
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
    let (chain, _) = stages::farthest(data, arm, stages::DOCUMENTS)?;
    let column = |made: Made| Column { generation: made.generation, documents: read(&made) };
    Some(Excerpts { chain: chain.id.clone(), columns: chosen(data, arm).into_iter().map(column).collect() })
}

/// The stages that excerpts of an arm are taken from: of its first, middle and last generation.
pub(crate) fn chosen(data: &Data, arm: &str) -> Vec<Made> {
    let Some((_, stages)) = stages::farthest(data, arm, stages::DOCUMENTS) else { return Vec::new() };
    let mut chosen = vec![0, stages.len() / 2, stages.len() - 1];
    chosen.dedup();
    chosen.into_iter().map(|at| stages[at].clone()).collect()
}

fn read(made: &Made) -> Result<Vec<Shown>, String> {
    let stage = made.run.find(&made.id).map_err(|error| error.to_string())?;
    match &stage {
        None => return Err(format!("{} is not there any more", made.id)),
        Some(stage) if !stage.is_whole() => return Err("the documents were removed, as `keep` says".to_owned()),
        Some(_) => {}
    }
    let path = made.run.stage_path(&made.id).join(FILE);
    let named = |why: String| format!("{}/{FILE}: {why}", made.id);
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
