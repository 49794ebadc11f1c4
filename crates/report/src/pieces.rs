//! Run directories as pieces of one experiment: seeds or arms that were made apart.
//!
//! A piece is a folder with `metrics.csv` and `run.json`; `experiment.toml` is shown, and `chains` and `stages` are read where
//! they are there. So what an experiment commits of a run is a piece too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rundir::{ChainId, Role, Row, RunDir, RunInfo};

use crate::error::{Error, Result};

/// A run directory as read.
pub(crate) struct Piece {
    pub(crate) run: RunDir,
    pub(crate) info: RunInfo,
    /// `experiment.toml` as it stands.
    pub(crate) settings: Option<String>,
    pub(crate) chains: Vec<ChainId>,
    pub(crate) rows: Vec<Row>,
}

impl Piece {
    /// Reads the run directory `path`.
    ///
    /// # Errors
    /// [`Error::Run`], [`Error::NoMetrics`], [`Error::NoInfo`].
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let run = RunDir::open(path)?;
        let rows = run.metrics()?.ok_or_else(|| Error::NoMetrics(path.to_owned()))?;
        let info = run.info()?.ok_or_else(|| Error::NoInfo(path.to_owned()))?;
        let settings = run.experiment()?;
        let chains = run.chains()?;
        Ok(Self { run, info, settings, chains, rows })
    }

    fn path(&self) -> PathBuf {
        self.run.path().to_owned()
    }

    /// Why two pieces are not of one experiment, whatever their rows say; none if they are.
    fn differs(&self, other: &Self) -> Option<String> {
        let (ours, theirs) = (&self.info.experiment, &other.info.experiment);
        if ours != theirs {
            return Some(format!("they are of `{ours}` and of `{theirs}`"));
        }
        let states = |arm: &str| other.info.arms.iter().find(|other| other.name == arm);
        let unlike = self.info.arms.iter().find(|arm| states(&arm.name).is_some_and(|other| other != *arm));
        if let Some(arm) = unlike {
            return Some(format!("arm `{}` has other settings or another role", arm.name));
        }
        let both = [Role::Control, Role::Base]
            .into_iter()
            .find_map(|role| Some((self.named(role)?, other.named(role)?)).filter(|(a, b)| a != b));
        both.map(|(ours, theirs)| format!("`{ours}` and `{theirs}` have one role, which one arm has"))
    }

    /// Name of the arm that has a role.
    fn named(&self, role: Role) -> Option<&str> {
        self.info.arms.iter().find(|arm| arm.role == role).map(|arm| arm.name.as_str())
    }

    /// Arms and seeds that have rows.
    fn measured(&self) -> BTreeSet<(&str, u64)> {
        self.rows.iter().map(|row| (row.arm.as_str(), row.seed)).collect()
    }
}

/// Refuses pieces of different experiments.
///
/// # Errors
/// [`Error::Apart`] with the first two that differ.
pub(crate) fn check(pieces: &[Piece]) -> Result<()> {
    for (number, other) in pieces.iter().enumerate() {
        for first in &pieces[..number] {
            if let Some(why) = first.differs(other) {
                return Err(Error::Apart { first: first.path(), other: other.path(), why });
            }
        }
    }
    Ok(())
}

/// Which pieces say different things of one row: an error that names both, and how the row reads.
pub(crate) fn conflict(pieces: &[Piece], row: &Row, other: &Piece) -> Error {
    let same = |found: &&Row| found.value.to_bits() != row.value.to_bits() && of_one_cell(found, row);
    let (first, value) = (pieces.iter())
        .find_map(|piece| Some((piece.path(), piece.rows.iter().find(same)?.value)))
        .expect("a value that differs was read from one of these pieces");
    let (arm, seed, generation) = (&row.arm, row.seed, row.generation);
    let dimensions = row.dimensions.iter().map(|(name, value)| format!(", {name} {value}")).collect::<String>();
    let why = format!(
        "{arm}/seed-{seed}, generation {generation}: {} {}{dimensions} is {} in one and {} in the other",
        row.set,
        row.metric,
        rundir::format_value(value),
        rundir::format_value(row.value)
    );
    Error::Apart { first, other: other.path(), why }
}

fn of_one_cell(a: &Row, b: &Row) -> bool {
    (a.seed, a.generation) == (b.seed, b.generation)
        && (&a.arm, &a.set, &a.metric, &a.dimensions) == (&b.arm, &b.set, &b.metric, &b.dimensions)
}

/// The run directories that are pieces of one experiment, together: those of the same settings that have no arm with a seed
/// in common. Two runs of the same chains are compared and not joined.
pub(crate) fn grouped(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        let joins = |group: &&mut Vec<Piece>| {
            group.iter().all(|of| of.differs(&piece).is_none() && of.measured().is_disjoint(&piece.measured()))
        };
        match groups.iter_mut().find(joins) {
            Some(group) => group.push(piece),
            None => groups.push(vec![piece]),
        }
    }
    groups
}
