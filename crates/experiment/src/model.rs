//! The sizes of a transformer: presets, the `[model]` table, and what a token costs.

use serde::{Deserialize, Serialize};

/// The sizes of a transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Token ids.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head_width: usize,
    /// Width of the feed-forward.
    pub hidden: usize,
    /// Positions of a window: the separator and the tokens of a document.
    pub context: usize,
    /// Base of the rotary wavelengths.
    pub theta: f64,
    /// Added under the root of a norm.
    pub epsilon: f64,
}

/// A named set of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// Vocabulary of the tokenizer that goes with it.
    pub vocabulary: usize,
    width: usize,
    layers: usize,
    heads: usize,
    hidden: usize,
    /// Positions of a window.
    pub context: usize,
    /// Windows of a training batch.
    pub batch: usize,
}

/// The presets, smallest first.
pub const PRESETS: [Preset; 4] = [
    Preset { name: "tiny", vocabulary: 512, width: 64, layers: 2, heads: 4, hidden: 192, context: 64, batch: 32 },
    Preset { name: "small", vocabulary: 2048, width: 128, layers: 4, heads: 4, hidden: 384, context: 128, batch: 32 },
    Preset { name: "medium", vocabulary: 4096, width: 256, layers: 6, heads: 8, hidden: 768, context: 256, batch: 16 },
    Preset { name: "large", vocabulary: 8192, width: 512, layers: 8, heads: 8, hidden: 1536, context: 256, batch: 16 },
];

/// The `[model]` table of an experiment: a preset and what differs from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `tiny`, `small`, `medium` or `large`.
    pub preset: String,
    /// Width of the residual stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
    /// Query heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// Key and value heads; all query heads have their own by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_heads: Option<usize>,
    /// Width of the feed-forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<usize>,
    /// Positions of a window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: "small".to_owned(),
            width: None,
            layers: None,
            heads: None,
            kv_heads: None,
            hidden: None,
            context: None,
        }
    }
}

/// Sizes that make no transformer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No preset has this name.
    #[error("model.preset = \"{0}\": no such preset; try tiny, small, medium or large")]
    Preset(String),
    /// A size is out of range.
    #[error("model.{key} = {value}: must be {must}")]
    Size {
        /// The key.
        key: &'static str,
        /// The given value.
        value: usize,
        /// The allowed values.
        must: String,
    },
}

impl Settings {
    /// The preset's entry.
    ///
    /// # Errors
    /// If no preset has the name.
    pub fn preset(&self) -> Result<&'static Preset, ConfigError> {
        PRESETS.iter().find(|p| p.name == self.preset).ok_or_else(|| ConfigError::Preset(self.preset.clone()))
    }

    /// The sizes, for a tokenizer of `vocabulary` ids.
    ///
    /// # Errors
    /// If a size makes no transformer.
    pub fn resolve(&self, vocabulary: usize) -> Result<ModelConfig, ConfigError> {
        let preset = self.preset()?;
        let heads = self.heads.unwrap_or(preset.heads);
        let width = self.width.unwrap_or(preset.width);
        let config = ModelConfig {
            vocabulary,
            width,
            layers: self.layers.unwrap_or(preset.layers),
            heads,
            kv_heads: self.kv_heads.unwrap_or(heads),
            head_width: width.checked_div(heads).unwrap_or(0),
            hidden: self.hidden.unwrap_or(preset.hidden),
            context: self.context.unwrap_or(preset.context),
            theta: 10_000.0,
            epsilon: 1e-5,
        };
        config.check()?;
        Ok(config)
    }
}

impl ModelConfig {
    /// True if the sizes make a transformer.
    ///
    /// # Errors
    /// The first size that does not fit.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |key, value, must: &str| Err(ConfigError::Size { key, value, must: must.to_owned() });
        let limits = [
            ("vocabulary", self.vocabulary, 2, 1 << 20),
            ("width", self.width, 8, 8192),
            ("layers", self.layers, 1, 96),
            ("heads", self.heads, 1, 256),
            ("kv_heads", self.kv_heads, 1, 256),
            ("hidden", self.hidden, 1, 32_768),
            ("context", self.context, 8, 8192),
        ];
        for (key, value, low, high) in limits {
            if !(low..=high).contains(&value) {
                return fail(key, value, &format!("from {low} to {high}"));
            }
        }
        if self.head_width * self.heads != self.width || !self.head_width.is_multiple_of(2) {
            return fail("width", self.width, &format!("an even multiple of heads = {}", self.heads));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return fail("kv_heads", self.kv_heads, &format!("a divisor of heads = {}", self.heads));
        }
        Ok(())
    }

    /// The first size in which two models differ, with both values.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<(&'static str, usize, usize)> {
        let sizes = [
            ("width", self.width, other.width),
            ("layers", self.layers, other.layers),
            ("heads", self.heads, other.heads),
            ("kv_heads", self.kv_heads, other.kv_heads),
            ("hidden", self.hidden, other.hidden),
        ];
        sizes.into_iter().find(|(_, own, others)| own != others)
    }

    /// Trained numbers.
    pub fn parameters(&self) -> usize {
        let attention = 2 * (self.heads + self.kv_heads) * self.head_width;
        let block = self.width * (attention + 3 * self.hidden + 2);
        self.vocabulary * self.width + self.layers * block + self.width
    }

    /// Floating-point operations of one training step, per token, from the matrix products alone: forward and twice that
    /// backward, with the head, and causal attention over half a window.
    pub fn training_operations(&self) -> f64 {
        3.0 * self.forward_operations(self.context as f64 / 2.0)
    }

    /// Floating-point operations of one forward pass, per token that looks at `keys` positions.
    pub fn forward_operations(&self, keys: f64) -> f64 {
        let attention = (self.heads + 2 * self.kv_heads) * self.head_width + self.heads * self.head_width;
        let block = self.width * attention + 3 * self.width * self.hidden;
        let looking = 2.0 * keys * (self.heads * self.head_width) as f64;
        2.0 * ((self.layers * block + self.vocabulary * self.width) as f64 + self.layers as f64 * looking)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_have_the_sizes_of_the_peer() {
        // Counted from PyTorch's parameters: embedding + layers · (4·d² + 3·d·f + 2·d) + d.
        let counted = [("tiny", 512, 139_584), ("small", 2048, 1_115_264), ("medium", 4096, 6_163_712)];
        for (preset, vocabulary, parameters) in counted {
            let config = Settings { preset: preset.into(), ..Settings::default() }.resolve(vocabulary).unwrap();
            assert_eq!(config.parameters(), parameters, "{preset}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let with = |change: fn(&mut Settings)| {
            let mut settings = Settings { preset: "tiny".into(), ..Settings::default() };
            change(&mut settings);
            settings.resolve(512).unwrap_err().to_string()
        };
        assert!(with(|s| s.preset = "huge".into()).contains("model.preset = \"huge\""));
        assert!(with(|s| s.heads = Some(0)).contains("model.heads = 0"));
        assert!(with(|s| s.heads = Some(7)).contains("model.width = 64"));
        assert!(with(|s| s.kv_heads = Some(3)).contains("a divisor of heads = 4"));
        assert!(with(|s| s.width = Some(12)).contains("even multiple"));
    }
}
