//! The settings of a green-list watermark.

use serde::{Deserialize, Serialize};

/// A green-list watermark, as a sampler leaves it in generated text (`corpus::Greens` says which tokens are green).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mark {
    /// Chooses the green lists; a detector needs the same key.
    pub key: u64,
    /// Share of the vocabulary that is green, γ; between 0 and 1.
    pub gamma: f64,
    /// Number that is added to the logits of green tokens, δ; finite. 0 marks nothing.
    pub delta: f64,
}

impl Default for Mark {
    fn default() -> Self {
        Self { key: 0, gamma: 0.25, delta: 2.0 }
    }
}

impl Mark {
    /// Whether it changes any logit.
    pub fn is_seen(&self) -> bool {
        self.delta != 0.0
    }

    /// Reads `key=7,gamma=0.25,delta=2`; parts that are left out have their defaults. None for any other text.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut mark = Self::default();
        for part in text.split(',') {
            let (name, value) = part.split_once('=')?;
            match name.trim() {
                "key" => mark.key = value.trim().parse().ok()?,
                "gamma" => mark.gamma = value.trim().parse().ok()?,
                "delta" => mark.delta = value.trim().parse().ok()?,
                _ => return None,
            }
        }
        Some(mark)
    }
}
