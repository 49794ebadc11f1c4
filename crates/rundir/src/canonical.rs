//! One text for one value: JSON with sorted keys and without spaces. Stages are named by the hash of it.
//!
//! This is not RFC 8785, on purpose. There, `1.0` and `1` are one number and integers above 2^53 are rounded. Here a share
//! of the whole (`1.0`) must not have the key of a single token (`1`), nor seed 2^63 that of seed 2^63 + 1: two settings
//! with one key would share a stage, and a run would silently use the wrong data. So floats keep their point and integers
//! all their digits. `provenance` canonicalizes JSON from outside by RFC 8785, because others must be able to recompute
//! what it signs.

use std::collections::BTreeMap;

use ciborium::Value;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The canonical JSON of `value`: keys sorted by their bytes, integers with all digits, floats by the shortest digits that
/// read back the same and always with a point or an exponent, variants with content as `{"Name":content}`.
///
/// # Errors
/// [`Error::Canonical`] for a float that is not finite, for which `serde_json` would write `null`; for a map with the same
/// key twice; for keys that are neither text, number nor truth value.
pub fn canonical_json(value: &impl Serialize) -> Result<String> {
    let value = Value::serialized(value).map_err(|error| Error::Canonical(error.to_string()))?;
    Ok(json(&value)?.to_string())
}

/// SHA-256 of [`canonical_json`] as lower-case hexadecimal digits: equal settings have equal digests, on every machine.
///
/// # Errors
/// As [`canonical_json`].
pub fn digest(value: &impl Serialize) -> Result<String> {
    Ok(hex::encode(Sha256::digest(canonical_json(value)?)))
}

/// The value as JSON. `ciborium`'s value comes first, because it keeps apart what `serde_json`'s does not: NaN, infinities
/// and no value at all; a key and its repetition.
fn json(value: &Value) -> Result<Json> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Integer(value) => integer(*value)?,
        Value::Float(value) => match serde_json::Number::from_f64(*value) {
            Some(number) => Json::Number(number),
            None => return Err(Error::Canonical(format!("{value:?} is not finite"))),
        },
        Value::Text(text) => Json::from(text.as_str()),
        Value::Bytes(bytes) => Json::from(bytes.as_slice()),
        Value::Array(items) => Json::Array(items.iter().map(json).collect::<Result<_>>()?),
        Value::Map(entries) => {
            let mut sorted = BTreeMap::new();
            for (key, value) in entries {
                let key = key_text(key)?;
                if sorted.insert(key.clone(), json(value)?).is_some() {
                    return Err(Error::Canonical(format!("the key {key:?} occurs twice")));
                }
            }
            Json::Object(sorted.into_iter().collect())
        }
        other => return Err(Error::Canonical(format!("{other:?} has no form in JSON"))),
    })
}

fn integer(value: ciborium::value::Integer) -> Result<Json> {
    let value = i128::from(value);
    u64::try_from(value)
        .map(Json::from)
        .or_else(|_| i64::try_from(value).map(Json::from))
        .map_err(|_| Error::Canonical(format!("{value} has more than 64 bits")))
}

fn key_text(key: &Value) -> Result<String> {
    match key {
        Value::Text(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Integer(_) => Ok(json(key)?.to_string()),
        other => Err(Error::Canonical(format!("{other:?} cannot be a key"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[derive(Serialize)]
    enum Amount {
        All,
        Tokens(u64),
        Pair(u8, f64),
        Share { of: f64 },
    }

    #[derive(Serialize)]
    struct Settings {
        width: usize,
        amounts: Vec<Amount>,
        also: Option<&'static str>,
        none: Option<u8>,
    }

    #[test]
    fn known_text() {
        let amounts = vec![Amount::All, Amount::Tokens(5), Amount::Pair(1, 2.0), Amount::Share { of: 0.1 }];
        let settings = Settings { width: 64, amounts, also: Some("\"\u{1}ü"), none: None };
        let expected = r#"{"also":"\"\u0001ü","amounts":["All",{"Tokens":5},{"Pair":[1,2.0]},{"Share":{"of":0.1}}],"none":null,"width":64}"#;
        assert_eq!(canonical_json(&settings).unwrap(), expected);
    }

    #[test]
    fn order_of_keys_does_not_matter() {
        let (one, other) =
            (json!({"a": 1, "b": {"c": [1.5, null], "d": "x"}}), json!({"b": {"d": "x", "c": [1.5, null]}, "a": 1}));
        assert_ne!(one.to_string(), other.to_string());
        assert_eq!(canonical_json(&one).unwrap(), canonical_json(&other).unwrap());
        let numbers = BTreeMap::from([(10u32, 'a'), (9, 'b')]);
        assert_eq!(canonical_json(&numbers).unwrap(), r#"{"10":"a","9":"b"}"#);
    }

    #[test]
    fn floats() {
        assert_eq!(canonical_json(&[0.1, 1.0, 1e300, -0.0, 3e-4]).unwrap(), "[0.1,1.0,1e+300,-0.0,0.0003]");
        assert_eq!(canonical_json(&0.1f32).unwrap(), "0.10000000149011612");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let said = canonical_json(&json_like(bad)).unwrap_err().to_string();
            assert!(said.contains("not finite"), "{said}");
        }
    }

    /// Half of what a recipe may say of a source: how many tokens, or which share.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Untagged {
        Tokens(u64),
        Share(f64),
    }

    /// RFC 8785 would give each of these pairs one text.
    #[test]
    fn numbers_of_two_kinds_or_above_2_to_the_53_are_not_one() {
        for (tokens, share) in [(0, 0.0), (1, 1.0), (1 << 60, (1u64 << 60) as f64)] {
            let (tokens, share) = (Untagged::Tokens(tokens), Untagged::Share(share));
            assert_ne!(canonical_json(&tokens).unwrap(), canonical_json(&share).unwrap());
        }
        assert_eq!(canonical_json(&[u64::MAX, u64::MAX - 1]).unwrap(), "[18446744073709551615,18446744073709551614]");
        assert_eq!(canonical_json(&(i64::MIN, -1i8)).unwrap(), "[-9223372036854775808,-1]");
    }

    #[test]
    fn a_key_twice_is_refused() {
        struct Twice;
        impl Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_map([("a", 1), ("b", 2), ("a", 1)])
            }
        }
        assert!(canonical_json(&Twice).unwrap_err().to_string().contains("the key \"a\" occurs twice"));
    }

    fn json_like(value: f64) -> impl Serialize {
        BTreeMap::from([("deep", vec![Some(value)])])
    }

    fn value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            proptest::num::f64::NORMAL.prop_map(Json::from),
            "\\PC*".prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::vec(("\\PC{0,3}", inner), 0..4).prop_map(|entries| entries.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// It is JSON of the same value: two values have one text only if they are equal.
        #[test]
        fn reads_back(value in value()) {
            let text = canonical_json(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), value);
        }
    }
}
