//! The `[limits]` table: bounds against mistakes. They change no result, so they name no stage and no arm.

use crate::arm::{Arm, ArmSettings};
use crate::error::{Error, fail};
use crate::experiment::Experiment;
use crate::{keys, tables};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Bytes of the largest experiment file.
pub(crate) const LARGEST_FILE: u64 = 16 << 20;

/// The most that an experiment may ask for. Each bound can be raised; what is beyond one is hardly meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most that is read of a corpus; its keys stand beside the others: `line_bytes`, `text_bytes`, `expansion`, `files`.
    #[serde(skip)]
    pub reading: corpus::Limits,
    /// Arms, those of a sweep included: 1000.
    pub arms: u64,
    /// Seeds: 10,000.
    pub seeds: u64,
    /// Models of a chain: 10,000.
    pub generations: u64,
    /// Models of one generation: 64.
    pub members: u64,
    /// Models in all, arms times seeds times generations: 10,000,000. Each has rows of its own.
    pub models: u64,
    /// Tokens of a corpus, a test set, or a generation's text: 10,000,000,000. They are in memory at once.
    pub tokens: u64,
    /// Trained numbers of a model: 1,000,000,000. Training takes 16 bytes for each.
    pub parameters: u64,
    /// Numbers that a chain of an exact learner holds, its draws times their dimensions and its tables: 100,000,000, some
    /// gigabytes.
    pub draws: u64,
    /// Operations of a chain of an exact learner: 100,000,000,000,000, a day or so.
    pub operations: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reading: corpus::Limits::default(),
            arms: 1000,
            seeds: 10_000,
            generations: 10_000,
            members: 64,
            models: 10_000_000,
            tokens: 10_000_000_000,
            parameters: 1_000_000_000,
            draws: 100_000_000,
            operations: 100_000_000_000_000,
        }
    }
}

/// What an experiment has too much of: `key = value`, the bound and how to raise it.
pub(crate) fn beyond(what: impl std::fmt::Display, limit: &str, most: u64) -> Error {
    let more = most.saturating_mul(10);
    Error::new(format!(
        "{what}: at most {most}; if it is meant to be, raise limits.{limit} (--set limits.{limit}={more})"
    ))
}

impl Limits {
    /// Takes the table out of a file.
    pub(crate) fn take(file: &mut Table) -> Result<Self, Error> {
        let mut table = match file.remove("limits") {
            None => return Ok(Self::default()),
            Some(Value::Table(table)) => table,
            Some(_) => fail!("limits: write it as a table [limits]"),
        };
        let own = keys::of::<Self>(&[]).unwrap_or_default();
        let known: Vec<&str> = corpus::Limits::KEYS.iter().chain(own).copied().collect();
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            fail!("limits.{key}: {}", tables::unknown_key(key, &known));
        }
        let reading = corpus::Limits::KEYS.iter().filter_map(|key| table.remove_entry(*key)).collect();
        let reading: corpus::Limits = tables::read(Value::Table(reading), "limits")?;
        let limits: Self = tables::read(Value::Table(table), "limits")?;
        // TOML has no larger numbers, and nothing has so many bytes.
        let most = |size: u64| size.min(i64::MAX as u64);
        let corpus::Limits { line_bytes, text_bytes, expansion, files } = reading;
        let reading = corpus::Limits {
            line_bytes: most(line_bytes),
            text_bytes: most(text_bytes),
            expansion: most(expansion),
            files: most(files),
        };
        Ok(Self { reading, ..limits })
    }

    /// The table, every default written out.
    pub(crate) fn to_table(&self) -> Table {
        const PLAIN: &str = "bounds are numbers";
        let mut table = Table::try_from(&self.reading).expect(PLAIN);
        table.extend(Table::try_from(self).expect(PLAIN));
        table
    }

    /// The larger of both, bound by bound: of a run and what is added to it.
    pub(crate) fn larger(&self, other: &Self) -> Self {
        Self {
            reading: self.reading.larger(&other.reading),
            arms: self.arms.max(other.arms),
            seeds: self.seeds.max(other.seeds),
            generations: self.generations.max(other.generations),
            members: self.members.max(other.members),
            models: self.models.max(other.models),
            tokens: self.tokens.max(other.tokens),
            parameters: self.parameters.max(other.parameters),
            draws: self.draws.max(other.draws),
            operations: self.operations.max(other.operations),
        }
    }
}

impl Experiment {
    /// Refuses what is beyond the limits of a run: models in all, tokens, parameters, and what exact learners take.
    pub(crate) fn check_limits(&self) -> Result<(), Error> {
        let limits = &self.limits;
        let (arms, seeds, generations) = (self.arms.len(), self.chain.seeds.len(), self.chain.generations);
        let models = (arms as u64).saturating_mul(seeds as u64).saturating_mul(generations.into());
        if models > limits.models {
            let what = format!("{arms} arms × {seeds} seeds × {generations} generations are {models} models");
            return Err(beyond(what, "models", limits.models));
        }
        let corpus = self.text().map(|text| &text.corpus);
        let budgets = [
            ("corpus.tokens", corpus.and_then(|corpus| corpus.tokens)),
            ("corpus.test_tokens", corpus.map(|corpus| corpus.test_tokens)),
        ];
        budgets.into_iter().try_for_each(|(key, tokens)| self.check_tokens(key, tokens))?;
        let arm = |arm: &Arm| self.check_arm(arm).map_err(|error| error.at(format!("arm `{}`", arm.name)));
        self.arms.iter().try_for_each(arm)
    }

    fn check_tokens(&self, key: &str, tokens: Option<u64>) -> Result<(), Error> {
        match tokens.filter(|&tokens| tokens > self.limits.tokens) {
            Some(tokens) => Err(beyond(format_args!("{key} = {tokens}"), "tokens", self.limits.tokens)),
            None => Ok(()),
        }
    }

    fn check_arm(&self, arm: &Arm) -> Result<(), Error> {
        for (generation, settings) in arm.settings().iter().enumerate() {
            self.check_settings(settings).map_err(|error| arm.in_generation(error, generation as u32))?;
        }
        self.check_exact(arm)
    }

    fn check_settings(&self, settings: &ArmSettings) -> Result<(), Error> {
        self.check_tokens("sample.tokens", settings.sample_tokens())?;
        if let Some(transformer) = settings.transformer() {
            let config = transformer.model.resolve(self.vocabulary()?).map_err(Error::new)?;
            let parameters = config.parameters() as u64;
            if parameters > self.limits.parameters {
                let what = format!(
                    "model.width = {}, model.layers = {}, model.hidden = {} and {} ids make {parameters} parameters",
                    config.width, config.layers, config.hidden, config.vocabulary
                );
                return Err(beyond(what, "parameters", self.limits.parameters));
            }
        }
        Ok(())
    }

    fn check_exact(&self, arm: &Arm) -> Result<(), Error> {
        let Some(exact) = arm.exact() else { return Ok(()) };
        let cost = exact.model.cost(&arm.recipes(), self.chain.generations);
        for (what, found, limit, most) in [
            ("holds", cost.numbers, "draws", self.limits.draws),
            ("takes", cost.operations, "operations", self.limits.operations),
        ] {
            if found > most as f64 {
                let unit = if limit == "draws" { "numbers" } else { "operations" };
                let sizes: Vec<String> = cost.sizes.iter().map(|(key, size)| format!("{key} = {size}")).collect();
                let what = format!("model: a chain with {} {what} {found:.1e} {unit}", sizes.join(", "));
                return Err(beyond(what, limit, most));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n[[arm]]\nname = \"replace\"\n";

    fn refused(file: &str, assignments: &[&str]) -> String {
        let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
        let message = Experiment::parse(file, &assignments).unwrap_err().to_string();
        assert!(!message.contains('\n') && message.len() < 1000, "{message}");
        message
    }

    #[test]
    fn what_is_beyond_a_limit_names_it() {
        let seeds = format!("chain.seeds={:?}", (0..10_001).collect::<Vec<_>>());
        for (assignments, why) in [
            (
                &[seeds.as_str()][..],
                "chain.seeds: 10001 seeds: at most 10000; if it is meant to be, raise limits.seeds",
            ),
            (&["chain.generations=10001"], "chain.generations = 10001: at most 10000"),
            (
                &["chain.generations=10000", "limits.models=9999"],
                "1 arms × 3 seeds × 10000 generations are 30000 models",
            ),
            (
                &["members=65"],
                "members = 65: at most 64; if it is meant to be, raise limits.members (--set limits.members=640)",
            ),
            (&["sample.tokens=9223372036854775807"], "sample.tokens = 9223372036854775807: at most 10000000000"),
            (&["corpus.tokens=1000000000000000000"], "raise limits.tokens (--set limits.tokens=100000000000)"),
            (&["corpus.test_tokens=1000000000000000000"], "corpus.test_tokens"),
            (&["train.tokens=4000000000000000000"], "train.tokens = 4000000000000000000: must be from 1 to 1e15"),
            (&["train.epochs=1e9"], "train.epochs = 1000000000: must be from 0.000001 to 1000000"),
            (
                &["model.width=8192", "model.layers=96", "model.hidden=32768", "model.heads=64"],
                "raise limits.parameters",
            ),
            (&["model.width=1000000000"], "model.width = 1000000000: must be from 8 to 8192"),
            (&["model.context=9223372036854775807"], "model.context = 9223372036854775807: must be from 8 to 8192"),
            (&["tokenizer.vocabulary=4000000000"], "tokenizer.vocabulary = 4000000000"),
            (&["limits.seed=1"], "limits.seed: unknown key; did you mean `seeds`?"),
            (&["limits.line_byte=1"], "limits.line_byte: unknown key; did you mean `line_bytes`?"),
            (&["limits.line_bytes=many"], "limits.line_bytes: \"many\" is no size"),
            (&["limits.seeds=-1"], "limits.seeds: "),
            (&["limits=1"], "write it as a table"),
            (
                &["chain.seeds=[9223372036854775808]"],
                "whole numbers go from -9223372036854775808 to 9223372036854775807",
            ),
        ] {
            let message = refused(TEXT, assignments);
            assert!(message.contains(why), "{assignments:?}: {message}");
        }
        let in_file = refused(&TEXT.replace("[model]", "[chain]\nseeds = [9223372036854775808]\n[model]"), &[]);
        assert!(in_file.contains("line 5") && in_file.contains("9223372036854775807"), "{in_file}");
        let arms: String = (0..1001).map(|number| format!("[[arm]]\nname = \"a{number}\"\n")).collect();
        assert!(refused(&(TEXT.to_owned() + &arms), &[]).contains("1002 arms: at most 1000"));
    }

    #[test]
    fn exact_learners_are_bounded_by_what_they_hold_and_take() {
        let file = |kind: &str| format!("name = \"x\"\nmodel.kind = \"{kind}\"\n[[arm]]\nname = \"a\"\n");
        for kind in ["categorical", "gaussian", "gaussian-mixture", "kernel-density", "linear-regression", "markov"] {
            assert!(Experiment::parse(&file(kind), &[]).is_ok());
            for recipe in ["replace", "accumulate", "human-fresh", "replace-grown"] {
                let recipe = format!("recipe=\"{recipe}\"");
                for draws in ["1000000000", "1000000000000000000", "9223372036854775807"] {
                    let message = refused(&file(kind), &[&format!("model.draws={draws}"), &recipe]);
                    assert!(message.starts_with("arm `a`: model: a chain with draws = "), "{message}");
                    assert!(message.contains("raise limits.draws"), "{message}");
                }
            }
        }
        let message = refused(&file("kernel-density"), &["model.draws=10000000"]);
        assert!(message.contains("raise limits.operations"), "{message}");
        for (kind, size) in [
            ("gaussian", "dimensions"),
            ("categorical", "types"),
            ("gaussian-mixture", "components"),
            ("gaussian-mixture", "starts"),
            ("kernel-density", "test"),
            ("linear-regression", "dimensions"),
            ("markov", "symbols"),
            ("markov", "length"),
            ("markov", "test"),
            ("gaussian", "writing"),
        ] {
            let message = refused(&file(kind), &[&format!("model.{size}=1000000000000"), "model.draws=4000000000000"]);
            assert!(message.contains(&format!("{size} = 1000000000000")), "{message}");
        }
        let raised = ["model.draws=1000000000".to_owned(), "limits.draws=1000000000000".to_owned()];
        assert!(Experiment::parse(&file("gaussian"), &raised).is_ok());
    }

    #[test]
    fn limits_change_nothing_but_themselves() {
        let with = |assignments: &[&str]| {
            let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
            Experiment::parse(TEXT, &assignments).unwrap()
        };
        let usual = with(&[]);
        let raised = with(&["limits.line_bytes=1GiB", "limits.seeds=20000"]);
        assert_eq!((raised.limits.reading.line_bytes, raised.limits.seeds), (1 << 30, 20_000));
        assert_eq!(Experiment::parse(&raised.to_toml(), &[]).unwrap(), raised);
        assert_eq!(usual.roles(), raised.roles());
        assert_eq!(usual.merge(&raised).unwrap().limits, raised.limits);
        assert_eq!(raised.merge(&usual).unwrap().limits, raised.limits);
        let most = with(&["limits.text_bytes=16777215TiB"]);
        assert_eq!(Experiment::parse(&most.to_toml(), &[]).unwrap(), most);
    }

    #[test]
    fn files_that_are_none_are_refused() {
        let folder = std::env::temp_dir();
        let load = |path: &std::path::Path| Experiment::load(path, &[]).unwrap_err().to_string();
        assert!(load(&folder).contains("this is a folder"));
        if cfg!(unix) {
            assert!(load(std::path::Path::new("/dev/zero")).contains("this is a device"));
        }
        for deep in ["[", "{a=", "a."] {
            let message = refused(&format!("x = {}", deep.repeat(100_000)), &[]);
            assert!(message.starts_with("line 1"), "{message}");
        }
        assert!(!refused(&format!("{}x = 1", "a.".repeat(100_000)), &[]).is_empty());
    }
}
