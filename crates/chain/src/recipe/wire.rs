//! Recipes in files. Written by hand, because an untagged enum can only say that no variant matched.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{Amount, Recipe, Source};

const GROW: &str = "grow";
const BALANCED: &str = "balanced";
const PART: [&str; 2] = ["amount", "weight"];

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecipeVisitor)
    }
}

struct RecipeVisitor;

impl<'de> Visitor<'de> for RecipeVisitor {
    type Value = Recipe;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a recipe's name (\"accumulate\") or its amounts ({ pool = 0.1, latest = 0.9 })")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Recipe, E> {
        name.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Recipe, A::Error> {
        let (mut amounts, mut weights, mut grow, mut balanced) = (Vec::new(), Vec::new(), false, false);
        while let Some(key) = map.next_key::<String>()? {
            let flag = match key.as_str() {
                GROW => Some(&mut grow),
                BALANCED => Some(&mut balanced),
                _ => None,
            };
            if let Some(flag) = flag {
                *flag = map.next_value()?;
                continue;
            }
            let source = Source::ALL.into_iter().find(|source| source.name() == key).ok_or_else(|| {
                A::Error::custom(format!("unknown source `{key}` in a recipe; the sources are {}", Source::list()))
            })?;
            if amounts.iter().any(|&(other, _)| other == source) {
                return Err(A::Error::custom(format!("recipe.{key} is given twice")));
            }
            let Part { amount, weight } = map.next_value()?;
            amounts.push((source, amount));
            weights.extend(weight.map(|weight| (source, weight)));
        }
        let recipe = Recipe::new(&amounts).and_then(|recipe| recipe.weighted(&weights)).map_err(A::Error::custom)?;
        let recipe = if grow { recipe.growing() } else { recipe };
        if balanced { recipe.balancing().map_err(A::Error::custom) } else { Ok(recipe) }
    }
}

impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (source, amount) in self.amounts() {
            let weight = Some(self.weight(source)).filter(|&weight| weight != 1.0);
            map.serialize_entry(source.name(), &Part { amount, weight })?;
        }
        if self.grow {
            map.serialize_entry(GROW, &true)?;
        }
        if self.balanced {
            map.serialize_entry(BALANCED, &true)?;
        }
        map.end()
    }
}

/// What a recipe says of one source: an amount, or `{ amount = 1.0, weight = 0.618 }`.
struct Part {
    amount: Amount,
    weight: Option<f64>,
}

impl Part {
    fn of(amount: Amount) -> Self {
        Self { amount, weight: None }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        AmountVisitor.expecting(out)?;
        out.write_str(", or both an amount and a weight, as in { amount = 1.0, weight = 0.618 }")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Part, E> {
        AmountVisitor.visit_str(word).map(Part::of)
    }

    fn visit_u64<E: Error>(self, tokens: u64) -> Result<Part, E> {
        AmountVisitor.visit_u64(tokens).map(Part::of)
    }

    fn visit_i64<E: Error>(self, tokens: i64) -> Result<Part, E> {
        AmountVisitor.visit_i64(tokens).map(Part::of)
    }

    fn visit_f64<E: Error>(self, share: f64) -> Result<Part, E> {
        AmountVisitor.visit_f64(share).map(Part::of)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        let (mut amount, mut weight) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "amount" => amount = Some(map.next_value()?),
                "weight" => weight = Some(map.next_value()?),
                _ => return Err(A::Error::unknown_field(&key, &PART)),
            }
        }
        let amount = amount.ok_or_else(|| A::Error::custom("a source with a weight needs an amount as well"))?;
        Ok(Part { amount, weight })
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Without a weight, as before there were weights: stages are named by these bytes.
        let Some(weight) = self.weight else { return self.amount.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(PART[0], &self.amount)?;
        map.serialize_entry(PART[1], &weight)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an amount: \"all\", a whole number of tokens, or a share of the budget between 0.0 and 1.0")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Amount, E> {
        if word == "all" { Ok(Amount::All) } else { Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)) }
    }

    fn visit_u64<E: Error>(self, tokens: u64) -> Result<Amount, E> {
        // Nobody wants one token; `pool = 1` is a share whose point was forgotten.
        if tokens == 1 {
            return Err(E::custom("1 would be a single token; write 1.0 for the whole budget"));
        }
        Ok(Amount::Tokens(tokens))
    }

    fn visit_i64<E: Error>(self, tokens: i64) -> Result<Amount, E> {
        let tokens =
            u64::try_from(tokens).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(tokens), &self))?;
        self.visit_u64(tokens)
    }

    fn visit_f64<E: Error>(self, share: f64) -> Result<Amount, E> {
        Ok(Amount::Share(share))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::All => serializer.serialize_str("all"),
            Self::Tokens(tokens) => serializer.serialize_u64(tokens),
            Self::Share(share) => serializer.serialize_f64(share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NAMES;

    #[derive(serde::Deserialize, serde::Serialize, Debug, PartialEq)]
    struct Arm {
        recipe: Recipe,
    }

    fn read(recipe: &str) -> Result<Recipe, String> {
        toml::from_str::<Arm>(&format!("recipe = {recipe}"))
            .map(|arm| arm.recipe)
            .map_err(|error| error.message().into())
    }

    #[test]
    fn names_and_tables_are_the_same_points() {
        assert_eq!(read("\"ten-percent-human\""), read("{ latest = 0.9, pool = 0.1 }"));
        assert_eq!(read("\"accumulate\""), read("{ history = \"all\", anchor = 0.0, pool = 0 }"));
        assert_eq!(read("\"replace-grown\""), read("{ latest = \"all\", grow = true }"));
        let tokens = read("{ anchor = 20_000, latest = 1.0 }").unwrap();
        assert_eq!(tokens.amount(Source::Anchor), Some(Amount::Tokens(20_000)));
        assert_eq!(tokens.amount(Source::Latest), Some(Amount::Share(1.0)));
    }

    #[test]
    fn a_weight_is_serialized_with_its_amount() {
        let recipe = read("{ fresh = { amount = 1.0, weight = 2 }, latest = { amount = \"all\" } }").unwrap();
        assert_eq!((recipe.weight(Source::Fresh), recipe.weight(Source::Latest)), (2.0, 1.0));
        assert_eq!(recipe.amount(Source::Latest), Some(Amount::All));
        let json = |recipe: Recipe| serde_json::to_string(&recipe).unwrap();
        assert_eq!(json(recipe), r#"{"fresh":{"amount":1.0,"weight":2.0},"latest":"all"}"#);
        assert_eq!(json(read("{ fresh = { amount = 0.5, weight = 1.0 } }").unwrap()), r#"{"fresh":0.5}"#);
        assert_eq!(json(read("\"balanced-cycle\"").unwrap()), r#"{"history":1.0,"balanced":true}"#);
    }

    #[test]
    fn what_is_written_reads_back() {
        for named in NAMES {
            let arm = Arm { recipe: named.recipe() };
            assert_eq!(toml::from_str::<Arm>(&toml::to_string(&arm).unwrap()).unwrap(), arm);
            assert_eq!(serde_json::from_str::<Arm>(&serde_json::to_string(&arm).unwrap()).unwrap(), arm);
        }
    }

    #[test]
    fn errors_say_what_there_is() {
        for (recipe, needle) in [
            ("\"acumulate\"", "unknown recipe `acumulate`; the names are replace, "),
            ("{ pol = 0.1 }", "the sources are anchor, pool, fresh, latest, history"),
            ("{ pool = 1 }", "write 1.0"),
            ("{ pool = 1.5 }", "recipe.pool = 1.5: a share"),
            ("{ pool = nan }", "a share"),
            ("{ pool = -0.1 }", "a share"),
            ("{ pool = -5 }", "a whole number of tokens"),
            ("{ pool = \"some\" }", "\"all\", a whole number"),
            ("{ fresh = \"all\" }", "use up"),
            ("{ fresh = { amount = 0.5, wieght = 2.0 } }", "unknown field `wieght`"),
            ("{ fresh = { weight = 2.0 } }", "needs an amount"),
            ("{ fresh = { amount = 0.5, weight = 0.0 } }", "recipe.fresh.weight = 0: "),
            ("{ fresh = { amount = 0.0, weight = 2.0 }, latest = 1.0 }", "recipe.fresh has a weight and no amount"),
            ("{ latest = 1.0, balanced = true }", "recipe.balanced"),
            ("{ }", "recipe is empty"),
            ("{ latest = 0 }", "recipe is empty"),
            ("7", "a recipe's name"),
        ] {
            let message = read(recipe).unwrap_err();
            assert!(message.contains(needle), "{recipe}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
