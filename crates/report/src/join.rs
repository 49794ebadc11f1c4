//! Pieces of one experiment as one, and several runs beside each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use rundir::ChainId;

use crate::arm::Arm;
use crate::data::{Chain, Data, Failure, Measured, Origin, Table, Values};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::pieces::{self, Piece};
use crate::unfinished::{self, Unfinished};

/// One of several runs that are read together.
pub(crate) struct Part {
    /// Its name in the names of its arms.
    pub(crate) name: String,
    pub(crate) data: Data,
}

impl Part {
    /// Name of an arm of this run among those of several.
    pub(crate) fn arm(&self, arm: &str) -> String {
        format!("{arm} ({})", self.name)
    }
}

/// Reads run directories as pieces of one experiment.
///
/// # Errors
/// As [`Piece::open`]; [`Error::Apart`] if they are of different experiments or say different things of one row.
///
/// # Panics
/// If there are none.
pub(crate) fn load(runs: &[PathBuf]) -> Result<Data> {
    join(runs.iter().map(|run| Piece::open(run)).collect::<Result<_>>()?)
}

/// Pieces of one experiment, together.
///
/// # Errors
/// [`Error::Apart`], and [`Error::Content`] of what cannot be read.
///
/// # Panics
/// If there are none.
pub(crate) fn join(pieces: Vec<Piece>) -> Result<Data> {
    pieces::check(&pieces)?;
    let (experiment, question) = (pieces[0].info.experiment.clone(), pieces[0].info.question.clone());
    let (values, measured) = (values(&pieces)?, measured(&pieces));
    let chains = chains(&pieces)?;
    let mut names: BTreeSet<String> = measured.keys().cloned().collect();
    names.extend(chains.iter().map(|chain| chain.id.arm.clone()));
    let references = names.clone();
    let arms = arms(&pieces, names)?;
    let failures = failures(&chains);
    let unfinished = unfinished::of(&pieces, &measured, &failures);
    let origin = |piece: Piece| Origin { run: piece.run, info: piece.info, settings: piece.settings };
    let origins = pieces.into_iter().map(origin).collect();
    Ok(Data { origins, experiment, question, arms, references, chains, failures, unfinished, measured, values })
}

/// What was measured in several runs as if it were one, whose arms are named with their runs: the first run's arms in its
/// order, each followed by those of its name in the others. It has no chains, so nothing is read of documents, and no
/// control, as each run has its own.
///
/// # Panics
/// If there are no runs.
pub(crate) fn side_by_side(runs: &[Part]) -> Data {
    let mut values = Table::new();
    for part in runs {
        for (key, arms) in &part.data.values {
            let renamed = arms.iter().map(|(arm, series)| (part.arm(arm), series.clone()));
            values.entry(key.clone()).or_default().extend(renamed);
        }
    }
    let mut names: Vec<&str> = runs.iter().flat_map(|part| &part.data.arms).map(|arm| arm.name.as_str()).collect();
    let mut met = BTreeSet::new();
    names.retain(|name| met.insert(*name));
    let of_name = |name: &str| -> Vec<Arm> {
        let named = runs.iter().filter_map(|part| Some((part, part.data.arms.iter().find(|arm| arm.name == name)?)));
        named.map(|(part, arm)| arm.among_others(part.arm(name))).collect()
    };
    let failed = |part: &Part| -> Vec<Failure> {
        let chain = |chain: &ChainId| ChainId { arm: part.arm(&chain.arm), ..chain.clone() };
        let of_run = |failure: &Failure| Failure { chain: chain(&failure.chain), ..failure.clone() };
        part.data.failures.iter().map(of_run).collect()
    };
    let unfinished = |part: &Part| -> Vec<Unfinished> {
        part.data.unfinished.iter().map(|one| one.renamed(part.arm(&one.arm))).collect()
    };
    let measured = runs.iter().flat_map(|part| part.data.measured.iter().map(|(arm, seeds)| (part.arm(arm), seeds)));
    let titles: Vec<&str> = runs.iter().map(|part| part.name.as_str()).collect();
    Data {
        origins: Vec::new(),
        experiment: titles.join(" beside "),
        question: None,
        arms: names.into_iter().flat_map(of_name).collect(),
        references: runs[0].data.arms.iter().map(|arm| runs[0].arm(&arm.name)).collect(),
        chains: Vec::new(),
        failures: runs.iter().flat_map(failed).collect(),
        unfinished: runs.iter().flat_map(unfinished).collect(),
        measured: measured.map(|(arm, seeds)| (arm, seeds.clone())).collect(),
        values,
    }
}

/// Set, metric, dimensions and arm of rows, as a file has them.
type Series<'a> = (&'a str, &'a str, &'a BTreeMap<String, String>, &'a str);

/// The rows of all pieces.
fn values(pieces: &[Piece]) -> Result<Table> {
    // Rows are many and keys few: a key and an arm's name are made once for all of their rows.
    let mut series: HashMap<Series<'_>, Values> = HashMap::new();
    for (number, piece) in pieces.iter().enumerate() {
        for row in &piece.rows {
            let of = series.entry((&row.set, &row.metric, &row.dimensions, &row.arm)).or_default();
            let before = of.entry(row.generation).or_default().insert(row.seed, row.value);
            if before.is_some_and(|before| before.to_bits() != row.value.to_bits()) {
                return Err(pieces::conflict(&pieces[..=number], row, piece));
            }
        }
    }
    let mut table = Table::new();
    for ((set, metric, dimensions, arm), values) in series {
        let key = Key::of_row(set, metric, dimensions).map_err(|column| {
            let has = |piece: &&Piece| piece.rows.iter().any(|row| row.dimensions.contains_key(&column));
            let piece = pieces.iter().find(has).expect("a column was read from one of these pieces");
            let why = format!("unknown column `{column}`: this build knows no such dimension");
            Error::Content { path: piece.run.metrics_path(), why }
        })?;
        table.entry(key).or_default().insert(arm.to_owned(), values);
    }
    Ok(table)
}

/// Which generations have rows.
fn measured(pieces: &[Piece]) -> Measured {
    let mut measured = Measured::new();
    let mut last = None;
    for row in pieces.iter().flat_map(|piece| &piece.rows) {
        let chain = (row.arm.as_str(), row.seed, row.generation);
        // Rows are sorted, so those of a generation follow each other.
        if last.replace(chain) != Some(chain) {
            measured.entry(row.arm.clone()).or_default().entry(row.seed).or_default().insert(row.generation);
        }
    }
    measured
}

/// Each chain once, from the piece in which it came farthest; sorted within a piece.
fn chains(pieces: &[Piece]) -> Result<Vec<Chain>> {
    let mut chains: Vec<(usize, Chain)> = Vec::new();
    for piece in pieces {
        for id in &piece.chains {
            let mut records = BTreeMap::new();
            for generation in piece.run.generations(id)? {
                records.extend(piece.run.resolve(id, generation)?.map(|record| (generation, record)));
            }
            let reached = records.len();
            let chain = Chain { id: id.clone(), run: piece.run.clone(), records };
            match chains.iter_mut().find(|(_, known)| known.id == *id) {
                None => chains.push((reached, chain)),
                Some(known) if reached > known.0 => *known = (reached, chain),
                Some(_) => {}
            }
        }
    }
    Ok(chains.into_iter().map(|(_, chain)| chain).collect())
}

/// The arms that were measured: in the order in which the pieces state them, then the others.
fn arms(pieces: &[Piece], mut measured: BTreeSet<String>) -> Result<Vec<Arm>> {
    let mut arms = Vec::new();
    for piece in pieces {
        for info in piece.info.arms.iter().filter(|info| measured.remove(&info.name)) {
            let why = |error| format!("arm `{}`: {error}", info.name);
            let arm = Arm::stated(info).map_err(|e| Error::Content { path: piece.run.info_path(), why: why(e) })?;
            arms.push(arm);
        }
    }
    arms.extend(measured.into_iter().map(Arm::unstated));
    Ok(arms)
}

fn failures(chains: &[Chain]) -> Vec<Failure> {
    let of_chain = |Chain { id, records, .. }: &Chain| {
        let failed = records.iter().filter_map(|(&generation, record)| Some((generation, record.failure()?)));
        let failure =
            |(generation, reason): (u32, &str)| Failure { chain: id.clone(), generation, reason: reason.to_owned() };
        // What stands behind the end of a chain is of an earlier build.
        failed.map(failure).next()
    };
    chains.iter().flat_map(of_chain).collect()
}
