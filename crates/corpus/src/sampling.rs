//! How a text was, or is to be, drawn from a model.

use serde::{Deserialize, Serialize};

use crate::Mark;
use crate::document::is_false;

/// How tokens are drawn from a model. The default is its own distribution: temperature 1, nothing cut off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Logits are divided by it; above 0, finite. Ignored where `greedy`.
    pub temperature: f64,
    /// Keep the k most probable tokens; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Keep the fewest tokens whose probabilities reach p; in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Keep tokens with at least this share of the best one's probability; in [0, 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f64>,
    /// Divides the positive, multiplies the negative logits of tokens already used; above 0, finite; 1 does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    /// Always take the most probable token.
    #[serde(skip_serializing_if = "is_false")]
    pub greedy: bool,
    /// The mark that is left in the text: added to the logits before the temperature divides them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Mark>,
    /// Whether the documents of a corpus are one systematic sample of what the model may write, instead of draws that know
    /// nothing of each other: whatever share of documents is to begin in some way, about that share does.
    #[serde(skip_serializing_if = "is_false")]
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

/// A sampler setting out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} = {value} cannot be sampled with: take {range}")]
pub struct SamplingError {
    /// The setting's name.
    pub key: &'static str,
    /// What it was.
    pub value: String,
    /// What it may be.
    pub range: &'static str,
}

impl Sampling {
    /// Checks every setting's range.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SamplingError> {
        let require = |holds: bool, key, value: String, range| {
            if holds { Ok(()) } else { Err(SamplingError { key, value, range }) }
        };
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let temperature = self.temperature;
        require(
            self.greedy || positive(temperature),
            "temperature",
            temperature.to_string(),
            "a finite number above 0, or greedy = true",
        )?;
        if let Some(k) = self.top_k {
            require(k >= 1, "top_k", k.to_string(), "1 or more")?;
        }
        if let Some(p) = self.top_p {
            require(p > 0.0 && p <= 1.0, "top_p", p.to_string(), "more than 0 and at most 1")?;
        }
        if let Some(p) = self.min_p {
            require((0.0..1.0).contains(&p), "min_p", p.to_string(), "0 or more and less than 1")?;
        }
        if let Some(r) = self.repetition_penalty {
            require(positive(r), "repetition_penalty", r.to_string(), "a finite number above 0 (1 does nothing)")?;
        }
        if let Some(Mark { gamma, delta, .. }) = self.watermark {
            let fits = gamma > 0.0 && gamma < 1.0;
            require(fits, "watermark.gamma", gamma.to_string(), "a share between 0.0 and 1.0")?;
            require(delta.is_finite(), "watermark.delta", delta.to_string(), "a finite number; 0.0 marks nothing")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Sampling>(r#"{"temp": 1.0}"#).is_err());
        assert_eq!(serde_json::from_str::<Sampling>("{}").unwrap(), Sampling::default());
    }

    #[test]
    fn ranges_are_checked() {
        let base = Sampling::default();
        assert_eq!(base.check(), Ok(()));
        let wrong = [
            Sampling { temperature: 0.0, ..base },
            Sampling { temperature: f64::NAN, ..base },
            Sampling { temperature: f64::INFINITY, ..base },
            Sampling { top_k: Some(0), ..base },
            Sampling { top_p: Some(0.0), ..base },
            Sampling { top_p: Some(1.1), ..base },
            Sampling { top_p: Some(f64::NAN), ..base },
            Sampling { min_p: Some(1.0), ..base },
            Sampling { min_p: Some(-0.1), ..base },
            Sampling { repetition_penalty: Some(0.0), ..base },
            Sampling { watermark: Some(Mark { gamma: 1.0, ..Mark::default() }), ..base },
            Sampling { watermark: Some(Mark { delta: f64::INFINITY, ..Mark::default() }), ..base },
        ];
        for sampling in wrong {
            assert!(sampling.check().is_err(), "{sampling:?}");
        }
        let right = [
            Sampling { temperature: 0.0, greedy: true, ..base },
            Sampling { top_p: Some(1.0), min_p: Some(0.0), top_k: Some(1), repetition_penalty: Some(1.2), ..base },
        ];
        for sampling in right {
            assert_eq!(sampling.check(), Ok(()), "{sampling:?}");
        }
    }
}
