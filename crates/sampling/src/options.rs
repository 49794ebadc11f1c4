//! The options of a sampler: their types, and the table that names, reads and checks them.

use serde::{Deserialize, Serialize};

use crate::Mark;

/// How tokens are drawn from a model. The default is the model's own distribution: temperature 1, no truncation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Divides the logits; above 0, finite. Ignored where `greedy`.
    pub temperature: f64,
    /// Keeps the k most likely tokens, and all that equal the last of them; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Keeps the fewest tokens whose probabilities reach p, of equals the earlier; in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Keeps tokens with at least this share of the most likely one's probability; in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Divides the positive and multiplies the negative logits of tokens that the document holds already, and of
    /// the separator, with which it begins and ends; above 0, finite. 1 does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    /// Always takes the most likely token, of equals the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub greedy: bool,
    /// Adds to the logits of green tokens, before the temperature divides them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Mark>,
    /// Draws the documents of a corpus as one systematic sample instead of independently: whatever share of documents is to
    /// begin in some way, about that share does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub systematic: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            min_p: None,
            repetition_penalty: None,
            greedy: false,
            watermark: None,
            systematic: false,
        }
    }
}

/// One option of [`Sampling`]; the variants stand in the order of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opt {
    /// [`Sampling::temperature`].
    Temperature,
    /// [`Sampling::top_k`].
    TopK,
    /// [`Sampling::top_p`].
    TopP,
    /// [`Sampling::min_p`].
    MinP,
    /// [`Sampling::repetition_penalty`].
    RepetitionPenalty,
    /// [`Sampling::greedy`].
    Greedy,
    /// [`Sampling::watermark`].
    Watermark,
    /// [`Sampling::systematic`].
    Systematic,
}

/// A value that is out of range, after its key where that is not the option's name.
type Fault = (Option<&'static str>, String);

/// An option's row in the table.
struct Row {
    opt: Opt,
    name: &'static str,
    flag: &'static str,
    /// A placeholder for its value; none for a switch.
    value: Option<&'static str>,
    help: &'static str,
    /// The values that it takes, for error messages.
    takes: &'static str,
    /// Reads and sets it; false if the text is no such value.
    set: fn(&mut Sampling, &str) -> bool,
    /// Whether it changes any draw.
    acts: fn(&Sampling) -> bool,
    /// What is out of range.
    fault: fn(&Sampling) -> Option<Fault>,
}

/// All options.
static TABLE: [Row; 8] = [
    Row {
        opt: Opt::Temperature,
        name: "temperature",
        flag: "temperature",
        value: Some("T"),
        help: "Sampling temperature [default: 1]",
        takes: "a finite number above 0 (or greedy = true)",
        set: |s, text| put(&mut s.temperature, text.parse().ok()),
        acts: |s| s.temperature != 1.0,
        fault: |s| wrong(!s.greedy && !is_positive(s.temperature), s.temperature),
    },
    Row {
        opt: Opt::TopK,
        name: "top_k",
        flag: "top-k",
        value: Some("K"),
        help: "Keep the k most likely tokens",
        takes: "a whole number, 1 or more",
        set: |s, text| put(&mut s.top_k, text.parse().ok().map(Some)),
        acts: |s| s.top_k.is_some(),
        fault: |s| s.top_k.and_then(|k| wrong(k < 1, k)),
    },
    Row {
        opt: Opt::TopP,
        name: "top_p",
        flag: "top-p",
        value: Some("P"),
        help: "Keep the fewest most likely tokens whose probabilities add up to at least P (nucleus sampling)",
        takes: "a number above 0 and at most 1",
        set: |s, text| put(&mut s.top_p, text.parse().ok().map(Some)),
        acts: |s| !s.top_p.is_none_or(|p| p >= 1.0),
        fault: |s| s.top_p.and_then(|p| wrong(!(p > 0.0 && p <= 1.0), p)),
    },
    Row {
        opt: Opt::MinP,
        name: "min_p",
        flag: "min-p",
        value: Some("P"),
        help: "Keep tokens with at least P times the probability of the most likely one",
        takes: "a number of 0 or more and below 1",
        set: |s, text| put(&mut s.min_p, text.parse().ok().map(Some)),
        acts: |s| !s.min_p.is_none_or(|p| p <= 0.0),
        fault: |s| s.min_p.and_then(|p| wrong(!(0.0..1.0).contains(&p), p)),
    },
    Row {
        opt: Opt::RepetitionPenalty,
        name: "repetition_penalty",
        flag: "repetition-penalty",
        value: Some("R"),
        help: "Repetition penalty: makes tokens that the document holds already less likely; 1 does nothing",
        takes: "a finite number above 0 (1 does nothing)",
        set: |s, text| put(&mut s.repetition_penalty, text.parse().ok().map(Some)),
        acts: |s| !s.repetition_penalty.is_none_or(|penalty| penalty == 1.0),
        fault: |s| s.repetition_penalty.and_then(|penalty| wrong(!is_positive(penalty), penalty)),
    },
    Row {
        opt: Opt::Greedy,
        name: "greedy",
        flag: "greedy",
        value: None,
        help: "Always take the most likely token",
        takes: "true or false",
        set: |s, text| put(&mut s.greedy, text.parse().ok()),
        acts: |s| s.greedy,
        fault: |_| None,
    },
    Row {
        opt: Opt::Watermark,
        name: "watermark",
        flag: "watermark",
        value: Some("key=N,gamma=G,delta=D"),
        help: "Leave a green-list watermark: a share G of tokens, chosen by key N, gets D added to its logits",
        takes: "key, gamma between 0 and 1, and a finite delta (0 marks nothing)",
        set: |s, text| put(&mut s.watermark, Mark::read(text).map(Some)),
        acts: |s| s.watermark.is_some_and(|mark| mark.is_seen()),
        fault: |s| s.watermark.and_then(fault_of_mark),
    },
    Row {
        opt: Opt::Systematic,
        name: "systematic",
        flag: "systematic",
        value: None,
        help: "Draw the documents as one systematic sample instead of independently",
        takes: "true or false",
        set: |s, text| put(&mut s.systematic, text.parse().ok()),
        acts: |s| s.systematic,
        fault: |_| None,
    },
];

fn put<T>(field: &mut T, read: Option<T>) -> bool {
    read.map(|value| *field = value).is_some()
}

fn is_positive(x: f64) -> bool {
    x.is_finite() && x > 0.0
}

fn wrong(is_wrong: bool, value: impl ToString) -> Option<Fault> {
    is_wrong.then(|| (None, value.to_string()))
}

fn fault_of_mark(mark: Mark) -> Option<Fault> {
    if !(mark.gamma > 0.0 && mark.gamma < 1.0) {
        return Some((Some("watermark.gamma"), mark.gamma.to_string()));
    }
    (!mark.delta.is_finite()).then(|| (Some("watermark.delta"), mark.delta.to_string()))
}

/// A sampler setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplingError {
    /// It is out of its range, or no such value at all.
    #[error("{key} = {value}: must be {takes}")]
    Value {
        /// The setting's name.
        key: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        takes: &'static str,
    },
    /// The learner or decoder does not honour it.
    #[error("{} is not supported here; supported: {honoured}", option.name())]
    Refused {
        /// The option.
        option: Opt,
        /// The names of those that it honours, in one line.
        honoured: String,
    },
}

impl Opt {
    /// All options, in the order of [`Sampling`]'s fields.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.opt)
    }

    /// The option of this name.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.opt)
    }

    /// The key in an experiment file, as in `top_k`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The flag on the command line, without its dashes, as in `top-k`.
    pub fn flag(self) -> &'static str {
        self.row().flag
    }

    /// A placeholder for its value; none for a switch.
    pub fn value(self) -> Option<&'static str> {
        self.row().value
    }

    /// One line on what it does.
    pub fn help(self) -> &'static str {
        self.row().help
    }

    /// Whether it changes any draw by these settings.
    pub fn acts(self, sampling: &Sampling) -> bool {
        (self.row().acts)(sampling)
    }

    fn row(self) -> &'static Row {
        TABLE.get(self as usize).expect("the table has a row for each variant, in their order")
    }
}

impl Sampling {
    /// True if each document is a draw from the model's own distribution.
    pub fn is_of_model(&self) -> bool {
        // A systematic sample lays its documents out, each of which is such a draw.
        Self { systematic: false, ..*self } == Self::default()
    }

    /// Sets one option to a value as the command line gives it; `true` or `false` for a switch.
    ///
    /// # Errors
    /// [`SamplingError::Value`] if the text is no such value. Its range is looked at by [`Self::check`].
    pub fn set(&mut self, opt: Opt, text: &str) -> Result<(), SamplingError> {
        let &Row { name: key, takes, set, .. } = opt.row();
        if set(self, text) { Ok(()) } else { Err(SamplingError::Value { key, value: text.to_owned(), takes }) }
    }

    /// Checks every option's range.
    ///
    /// # Errors
    /// [`SamplingError::Value`] with the first option out of range.
    pub fn check(&self) -> Result<(), SamplingError> {
        let fault = |row: &Row| (row.fault)(self).map(|(key, value)| (key.unwrap_or(row.name), value, row.takes));
        match TABLE.iter().find_map(fault) {
            None => Ok(()),
            Some((key, value, takes)) => Err(SamplingError::Value { key, value, takes }),
        }
    }

    /// Checks that no other option than these changes a draw.
    ///
    /// # Errors
    /// [`SamplingError::Refused`] with the first that does.
    pub fn refuse_all_but(&self, honoured: &[Opt]) -> Result<(), SamplingError> {
        let Some(option) = Opt::all().find(|opt| !honoured.contains(opt) && opt.acts(self)) else { return Ok(()) };
        let names: Vec<&str> = honoured.iter().map(|opt| opt.name()).collect();
        let honoured = if names.is_empty() { "no sampler option".to_owned() } else { names.join(", ") };
        Err(SamplingError::Refused { option, honoured })
    }

    /// Whether no option changes a draw: documents are independent, from the model's own distribution.
    pub fn is_plain(&self) -> bool {
        self.refuse_all_but(&[]).is_ok()
    }
}
