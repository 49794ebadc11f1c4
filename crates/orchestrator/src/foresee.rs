//! What a run will take of the disk and of the host's memory, as far as that can be foreseen.
//!
//! Sizes of text are taken from the prepare stage, which holds text of the same kind and in the same form; sizes of weights are
//! known; the rest are constants that were measured on runs of all presets. Weights and text make up most of it. What is
//! foreseen lies within a quarter of what runs take.

use crate::cost::{ChainPlan, StagePlan};
use crate::{Error, Human};
use chain::ByGeneration;
use experiment::{Arm, ArmSettings, Experiment, Retention};
use model::ModelConfig;
use ops::device::Chosen;
use rundir::{RunDir, StageKind};
use serde::Serialize;
use std::path::Path;

/// Bytes that a run takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Foreseen {
    /// Of the disk, when it takes most.
    pub disk: u64,
    /// Of the disk in the end, when what `keep` does not keep is removed.
    pub kept: u64,
    /// Of the host's memory, when it takes most.
    pub memory: u64,
}

/// What is foreseen of a run.
pub(crate) struct Asked<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) human: &'a Human,
    pub(crate) dir: &'a RunDir,
    /// By arm.
    pub(crate) configs: &'a [ByGeneration<ModelConfig>],
    pub(crate) plans: &'a [ChainPlan],
    pub(crate) device: &'a Chosen,
    pub(crate) jobs: usize,
    /// Tokens of the human documents that are in memory.
    pub(crate) human_tokens: u64,
}

/// Bytes of text, by token.
struct OfText {
    /// A generate stage's files.
    documents: f64,
    /// Documents.
    count: f64,
    /// The tokenizer, which lies beside each model.
    tokenizer: f64,
    /// The prepare stage.
    prepare: f64,
}

/// Bytes of a generation's small files: seals, records, logs, links and the folders themselves.
const SMALL_FILES: f64 = 8e3;
/// Bytes of a score stage without a world's false facts; those take so many by generated token, between none of a model that
/// has learnt little and three of one that has.
const SCORE: f64 = 38e3;
/// The same of a learner that counts, whose text states hardly a fact that is false.
const COUNTED_SCORE: f64 = 27e3;
const FALSE_FACTS: f64 = 1.5;
/// Bytes of the page, its figures and tables; of figures that only models have; and by generation of a chain.
const PAGE: f64 = 0.9e6;
const FIGURES: f64 = 0.3e6;
const ROWS: f64 = 40e3;
/// Bytes of the list of a training set, by human document; generated ones are ranges.
const LISTED: f64 = 75.0;

impl Asked<'_> {
    /// The bytes that the run takes.
    pub(crate) fn foresee(&self) -> Result<Foreseen, Error> {
        let text = self.text()?;
        let seeds = self.experiment.chain.seeds.len() as f64;
        let page = PAGE + if self.has_models() { FIGURES } else { 0.0 };
        let (mut disk, mut kept) = (text.prepare + page, text.prepare + page);
        for (index, arm) in self.experiment.arms.iter().enumerate() {
            let last = self.plans[index].generations.len() - 1;
            for (generation, stage) in self.plans[index].generations.iter().enumerate() {
                disk += seeds * ROWS;
                kept += seeds * ROWS;
                if generation == 0 && self.shares_the_first(index) {
                    continue;
                }
                let config = self.configs[index].at(generation as u32);
                let sizes = self.stages(arm, config, &text, generation, stage);
                for (kind, bytes) in sizes {
                    let retention = self.experiment.keep.of(kind);
                    // Weights that a chain has passed go while it goes on; everything else when all chains are complete.
                    let passes = kind == StageKind::Train && generation > 0 && generation + 1 < last;
                    disk += if retention != Retention::All && passes { 0.0 } else { seeds * bytes };
                    kept += match retention {
                        Retention::All => seeds * bytes,
                        Retention::Last if generation == last => seeds * bytes,
                        _ => 0.0,
                    };
                }
            }
        }
        Ok(Foreseen { disk: disk as u64, kept: kept as u64, memory: self.memory() as u64 })
    }

    fn stages(
        &self,
        arm: &Arm,
        config: &ModelConfig,
        text: &OfText,
        generation: usize,
        stage: &StagePlan,
    ) -> [(StageKind, f64); 4] {
        let members = f64::from(arm.members());
        let generated = stage.generated_tokens as f64;
        let weights = match arm.is_transformer() {
            true => 4.0 * config.parameters() as f64 + text.tokenizer + 110.0 * stage.steps as f64 / 10.0,
            // Counts, as text: far fewer than tokens.
            false => 0.5 * stage.training_tokens as f64,
        };
        let pooled = if arm.members() > 1 { 2.0 } else { 1.0 };
        let is_human =
            generation == 0 || arm.at(generation as u32).recipe.amounts().any(|(source, _)| source.is_human());
        let listed = if is_human { LISTED * text.count * stage.training_tokens as f64 } else { 0.0 };
        let has_model = arm.is_transformer();
        let world = if has_model && self.human.medium.world().is_some() { FALSE_FACTS * generated } else { 0.0 };
        let score = if has_model { SCORE } else { COUNTED_SCORE };
        [
            (StageKind::Train, members * weights),
            (StageKind::Generate, pooled * generated * text.documents),
            (StageKind::Compose, listed),
            (StageKind::Score, score + world + SMALL_FILES),
        ]
    }

    /// Whether an earlier arm's first generation is the same, which arms share.
    fn shares_the_first(&self, index: usize) -> bool {
        let first = |index: usize| {
            let arm = &self.experiment.arms[index];
            let first = arm.at(0);
            (
                self.configs[index].at(0),
                arm.kind(),
                first.train(),
                first.sampling(),
                first.sample_tokens(),
                arm.members(),
            )
        };
        (0..index).any(|earlier| first(earlier) == first(index))
    }

    fn has_models(&self) -> bool {
        self.experiment.arms.iter().any(Arm::is_transformer)
    }

    /// What the prepare stage says of text.
    fn text(&self) -> Result<OfText, Error> {
        let missing = || Error::Work(format!("{} is gone since it was made; run again", self.human.id));
        let stage = self.dir.find(&self.human.id)?.ok_or_else(missing)?;
        let bytes = |name: &str| -> f64 {
            stage.files().iter().filter(|file| file.name == name).map(|file| file.bytes as f64).sum()
        };
        let test = &self.human.test;
        let (tokens, count) = (test.tokens.tokens().max(1) as f64, test.documents.len() as f64);
        Ok(OfText {
            // And whether each was encoded again as it was sampled: `true,` or `false,`.
            documents: (bytes("test.jsonl.zst") + bytes("test.safetensors") + 6.5 * count) / tokens,
            count: count / tokens,
            tokenizer: bytes("tokenizer.json"),
            prepare: stage.files().iter().map(|file| file.bytes as f64).sum(),
        })
    }

    /// The host's memory at its fullest.
    fn memory(&self) -> f64 {
        /// The program itself, libraries and threads.
        const PROGRAM: f64 = 95e6;
        /// Counting words and n-grams, and the page; and what models make of text.
        const MEASURING: f64 = 5e6;
        const READING: f64 = 65e6;
        /// Of a seed: its references and counts.
        const SEED: f64 = 4e6;
        /// By token of human text in memory: text, ids and numbers of documents.
        const HUMAN: f64 = 24.0;
        /// By generated token of a chain, which holds the text of all of its generations: text, ids, provenance.
        const GENERATED: f64 = 75.0;
        let seeds = self.experiment.chain.seeds.len() as f64;
        let corpus = self.human_tokens as f64;
        let of_arm = |(index, arm): (usize, &Arm)| {
            let generated: u64 = self.plans[index].generations.iter().map(|stage| stage.generated_tokens).sum();
            let of_generation = |generation| self.working(arm.at(generation), self.configs[index].at(generation));
            let working = (0..arm.settings().iter().len() as u32).map(of_generation).fold(0.0, f64::max);
            GENERATED * generated as f64 + working
        };
        let largest = self.experiment.arms.iter().enumerate().map(of_arm).fold(0.0, f64::max);
        let measuring = MEASURING + if self.has_models() { READING } else { 0.0 };
        PROGRAM + measuring + seeds * SEED + HUMAN * corpus + self.jobs as f64 * largest
    }

    /// Memory of a generation's training or scoring, whichever takes more. On a GPU the host holds the weights alone.
    fn working(&self, settings: &ArmSettings, config: &ModelConfig) -> f64 {
        let Some(train) = settings.train() else { return 0.0 };
        if !self.device.kind().is_cpu() {
            return 4.0 * 4.0 * config.parameters() as f64;
        }
        let batch = train.batch.unwrap_or(1);
        let windows =
            train.micro_batch.unwrap_or_else(|| training::windows_at_a_time(config, batch, &self.device.device()));
        let scoring = inference::scoring_bytes(config);
        training::step_bytes(config, windows.min(batch)).max(scoring)
    }
}

/// Refuses a run that cannot fit: the disk of `out` has less room than is still to be written, or the host less memory than
/// the run takes.
///
/// # Errors
/// [`Error::Request`] with the figures.
pub(crate) fn check(foreseen: &Foreseen, out: &Path, there: u64) -> Result<(), Error> {
    let needed = foreseen.disk.saturating_sub(there);
    if let Some(free) = free_disk(out).filter(|free| *free < needed) {
        return Err(Error::Request(format!(
            "{}: the run is foreseen to take {} more on this disk, and {} are free; free some, choose another --out, set \
             keep = \"last\", or begin all the same with --anyway",
            out.display(),
            shown(needed),
            shown(free)
        )));
    }
    if let Some(all) = memory_of_host().filter(|all| *all < foreseen.memory) {
        return Err(Error::Request(format!(
            "the run is foreseen to take {} of memory, and this host has {}; use fewer --jobs, lower train.micro_batch, train a \
             smaller model, or begin all the same with --anyway",
            shown(foreseen.memory),
            shown(all)
        )));
    }
    Ok(())
}

/// Bytes for people.
fn shown(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Bytes that a disk has free for this user; none if nobody says.
fn free_disk(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(path).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Bytes of memory that the host has, or that its control group allows; none if nobody says. What is free now is another
/// question: other work may end.
fn memory_of_host() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let host = read("/proc/meminfo")?;
    let total = host.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total = total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024;
    let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse::<u64>().ok());
    Some(limit.map_or(total, |limit| total.min(limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_with_figures() {
        let folder = tempfile::tempdir().unwrap();
        let ask = |disk, memory, there| check(&Foreseen { disk, kept: disk, memory }, folder.path(), there);
        ask(0, 0, 0).unwrap();
        if free_disk(folder.path()).is_some() {
            let said = ask(u64::MAX, 0, 0).unwrap_err().to_string();
            assert!(said.contains("18446744073709.6 MB more on this disk") && said.contains("are free"), "{said}");
            ask(u64::MAX, 0, u64::MAX).unwrap();
        }
        if memory_of_host().is_some() {
            let said = ask(0, u64::MAX, 0).unwrap_err().to_string();
            assert!(said.contains("of memory, and this host has") && said.contains("--anyway"), "{said}");
        }
    }
}
