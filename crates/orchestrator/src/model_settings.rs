//! The `[model]` table: a transformer's sizes, or a learner of text that takes its place.
//!
//! `model = { kind = "oracle" }` and `model = { kind = "n-gram", order = 3 }` stand beside transformers in one experiment: the
//! same corpus, tokenizer, recipe, curation, writing budget and measures. So they tell what forgets: the oracle knows the
//! grammar, and loses what sampling loses; the n-gram knows no grammar, and loses and invents besides; what a transformer
//! loses more is its own.
//!
//! The trap: arms are laid over the file's own `[model]` and `[train]`. Of these such an arm takes the context alone, which
//! is the run's.

use crate::{Arm, Error, PromptFrom};
use chain::Source;
use chain::learners::Sampling;
use curation::{By, Step, Use};
use serde::Serialize;
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use training::Start;

/// The `[model]` table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelSettings {
    /// What learns in a transformer's place, if anything does.
    #[serde(flatten)]
    pub learner: Option<TextLearner>,
    /// The transformer's sizes; of a learner in its place, the context alone.
    #[serde(flatten)]
    pub sizes: model::Settings,
}

/// What learns text in a transformer's place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TextLearner {
    /// It knows the world's grammar, counts what it reads and writes again (see [`world::Recount`]).
    Oracle,
    /// Interpolated Kneser-Ney over the tokenizer's ids (see [`chain::learners::NGramModel`]).
    NGram {
        /// The longest n-gram; 3 by default.
        order: usize,
        /// What is held back of every count for what was not seen, from 0 to less than 1; 0.75 by default.
        discount: f64,
    },
}

/// The longest n-gram: more are hardly ever seen twice.
const LONGEST: usize = 16;

impl TextLearner {
    /// Its kind, as the file says it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Oracle => "oracle",
            Self::NGram { .. } => "n-gram",
        }
    }

    /// The sampler's settings, as it takes them.
    pub(crate) fn sampling(arm: &Arm) -> Sampling {
        let sample = &arm.sample;
        Sampling {
            temperature: sample.temperature,
            top_k: sample.top_k,
            top_p: sample.top_p,
            min_p: sample.min_p,
            greedy: sample.greedy,
        }
    }

    /// Refuses what takes a transformer.
    ///
    /// # Errors
    /// [`Error::Request`] with the first such setting.
    pub(crate) fn check(&self, arm: &Arm, is_world: bool) -> Result<(), Error> {
        let kind = self.kind();
        let fail = |what: &str, why: &str| Err(Error::Request(format!("{what}: model.kind = \"{kind}\" {why}")));
        let sample = &arm.sample;
        if arm.members > 1 {
            return fail("members", "has no first weights to differ in; take 1");
        }
        if arm.train.start != Start::Scratch {
            return fail("train.start", "has no weights to begin with; take \"scratch\"");
        }
        if sample.watermark.is_some() || sample.repetition_penalty.is_some() {
            return fail("sample.watermark and sample.repetition_penalty", "has no logits that they could change");
        }
        if sample.systematic {
            return fail("sample.systematic", "does not draw by the inverse of a distribution function");
        }
        if sample.prompt != PromptFrom::None {
            return fail("sample.prompt", "writes from nothing alone; take \"none\"");
        }
        if sample.target.is_some() {
            return fail("sample.target", "writes from nothing alone; leave it out");
        }
        if sample.entropy_match {
            return fail("sample.entropy_match", "has no logits that a temperature could divide; leave it out");
        }
        if let Some(step) = arm.curation.steps().iter().find(|step| asks_a_model(step)) {
            return fail("curation", &format!("has no weights, and {} asks them", step.defence().name()));
        }
        match self {
            Self::Oracle if !is_world => fail("corpus", "parses a world's grammar; take corpus.name = \"chronicle\""),
            Self::Oracle if !Self::sampling(arm).is_plain() => {
                fail("sample", "writes as often as it has counted; leave the sampler's settings out")
            }
            Self::Oracle => Ok(()),
            Self::NGram { order, discount } => {
                if !(1..=LONGEST).contains(order) {
                    return fail(&format!("model.order = {order}"), &format!("takes 1 to {LONGEST}"));
                }
                if !(0.0..1.0).contains(discount) {
                    return fail(&format!("model.discount = {discount}"), "takes 0 or more and less than 1");
                }
                let weighs = |step: &Step| match step {
                    Step::Detector(detector) => detector.used == Use::Weigh,
                    Step::OverRepresented(over) => over.strength != 0.0,
                    _ => false,
                };
                let weighed = Source::ALL.iter().any(|&source| arm.recipe.weight(source) != 1.0);
                if weighed || arm.curation.steps().iter().any(weighs) {
                    return fail("recipe and curation", "counts whole documents; leave weights out");
                }
                Self::sampling(arm).check().map_err(|e| Error::Request(format!("sample.{e}")))
            }
        }
    }
}

/// Whether a defence takes a transformer, as its judge or as the writer that it expects.
fn asks_a_model(step: &Step) -> bool {
    match step {
        Step::Watermark(_) | Step::PerplexityHigh(_) | Step::PerplexityLow(_) | Step::TokenEditing(_) => true,
        Step::Verifier(verifier) => verifier.by == By::Model,
        Step::Detector(detector) => detector.statistics,
        _ => false,
    }
}

impl<'de> Deserialize<'de> for ModelSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SettingsVisitor)
    }
}

struct SettingsVisitor;

impl<'de> Visitor<'de> for SettingsVisitor {
    type Value = ModelSettings;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a model's table, as in model = { preset = \"tiny\" } or model = { kind = \"oracle\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelSettings, A::Error> {
        let mut own = Own::default();
        let sizes = model::Settings::deserialize(MapAccessDeserializer::new(Sizes { map, own: &mut own }))?;
        Ok(ModelSettings { learner: own.learner().map_err(A::Error::custom)?, sizes })
    }
}

/// The keys that are not a transformer's sizes.
#[derive(Default)]
struct Own {
    kind: Option<String>,
    order: Option<usize>,
    discount: Option<f64>,
}

impl Own {
    fn learner(self) -> Result<Option<TextLearner>, String> {
        let Self { kind, order, discount } = self;
        let of_ngram = order.is_some() || discount.is_some();
        match kind.as_deref() {
            Some("n-gram") => {
                Ok(Some(TextLearner::NGram { order: order.unwrap_or(3), discount: discount.unwrap_or(0.75) }))
            }
            None | Some("transformer" | "oracle") if of_ngram => {
                Err("order and discount belong to kind = \"n-gram\", and to it alone".to_owned())
            }
            None | Some("transformer") => Ok(None),
            Some("oracle") => Ok(Some(TextLearner::Oracle)),
            Some(other) => Err(format!("kind = \"{other}\": one of transformer, oracle, n-gram")),
        }
    }
}

/// A table without those keys, which are kept as they come by: what is wrong with a size is named as ever.
struct Sizes<'a, A> {
    map: A,
    own: &'a mut Own,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Sizes<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            match key.as_str() {
                "kind" => self.own.kind = Some(self.map.next_value()?),
                "order" => self.own.order = Some(self.map.next_value()?),
                "discount" => self.own.discount = Some(self.map.next_value()?),
                _ => {
                    let key: StringDeserializer<A::Error> = key.into_deserializer();
                    return seed.deserialize(key).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ModelSettings, String> {
        let table: toml::Table = text.parse().unwrap();
        crate::tables::read(toml::Value::Table(table), "model").map_err(|e| e.to_string())
    }

    #[test]
    fn kinds_are_read_and_written() {
        let gram = read("preset = \"tiny\"\nkind = \"n-gram\"\norder = 2").unwrap();
        assert_eq!(gram.learner, Some(TextLearner::NGram { order: 2, discount: 0.75 }));
        assert_eq!(gram.sizes.preset, "tiny");
        for text in ["", "width = 32", "kind = \"oracle\"\ncontext = 64", "kind = \"n-gram\"\ndiscount = 0.0"] {
            let settings = read(text).unwrap();
            assert_eq!(read(&toml::to_string(&settings).unwrap()).unwrap(), settings, "{text}");
        }
        assert_eq!(read("kind = \"transformer\"").unwrap(), ModelSettings::default());
        assert_eq!(toml::to_string(&ModelSettings::default()).unwrap(), "preset = \"small\"\n");
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        for (text, expected) in [
            ("widht = 3", "model.widht: unknown key; did you mean `width`?"),
            ("width = \"x\"", "model.width: invalid type"),
            ("order = \"x\"", "model.order: invalid type"),
            ("kind = \"orakel\"", "model: kind = \"orakel\": one of transformer, oracle, n-gram"),
            ("order = 3", "model: order and discount belong to kind = \"n-gram\""),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
