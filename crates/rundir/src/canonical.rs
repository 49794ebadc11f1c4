//! One text for one value: JSON with sorted keys, no spaces, floats by their shortest form that reads back the same.
//! `serde_json` writes NaN as `null`, which would give two different settings one hash; here it is refused.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::{Error, Result};

/// The canonical JSON of `value`.
///
/// # Errors
/// [`Error::Canonical`] for a float that is not finite, a map with the same key twice, and keys that are neither text,
/// number, truth value nor a plain variant.
pub fn canonical_json(value: &impl Serialize) -> Result<String> {
    value.serialize(Canonical).map_err(|Refused(why)| Error::Canonical(why))
}

#[derive(Debug)]
struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Refused {}
impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Text = std::result::Result<String, Refused>;

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `{:?}` of a float is the shortest text that reads back the same, and marks a whole number as a float.
fn finite(is_finite: bool, value: &impl std::fmt::Debug) -> Text {
    if is_finite { Ok(format!("{value:?}")) } else { Err(Refused(format!("{value:?} is not finite"))) }
}

/// `{"name":inner}`: how an enum's variant with content is written.
fn tagged(variant: &str, inner: &str) -> String {
    format!("{{{}:{inner}}}", quote(variant))
}

struct Canonical;

macro_rules! displayed {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Text { Ok(value.to_string()) })*
    };
}

impl Serializer for Canonical {
    type Ok = String;
    type Error = Refused;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Table;
    type SerializeStruct = Table;
    type SerializeStructVariant = Table;

    displayed!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128);

    fn serialize_f32(self, value: f32) -> Text {
        finite(value.is_finite(), &value)
    }
    fn serialize_f64(self, value: f64) -> Text {
        finite(value.is_finite(), &value)
    }
    fn serialize_char(self, value: char) -> Text {
        Ok(quote(value.encode_utf8(&mut [0; 4])))
    }
    fn serialize_str(self, value: &str) -> Text {
        Ok(quote(value))
    }
    fn serialize_bytes(self, value: &[u8]) -> Text {
        value.serialize(self)
    }
    fn serialize_none(self) -> Text {
        Ok("null".to_owned())
    }
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Text {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Text {
        self.serialize_none()
    }
    fn serialize_unit_struct(self, _: &'static str) -> Text {
        self.serialize_none()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Text {
        Ok(quote(variant))
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Text {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Text {
        Ok(tagged(variant, &value.serialize(self)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> std::result::Result<List, Refused> {
        Ok(List::default())
    }
    fn serialize_tuple(self, _: usize) -> std::result::Result<List, Refused> {
        Ok(List::default())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> std::result::Result<List, Refused> {
        Ok(List::default())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> std::result::Result<List, Refused> {
        Ok(List { variant: Some(variant), ..List::default() })
    }
    fn serialize_map(self, _: Option<usize>) -> std::result::Result<Table, Refused> {
        Ok(Table::default())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> std::result::Result<Table, Refused> {
        Ok(Table::default())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> std::result::Result<Table, Refused> {
        Ok(Table { variant: Some(variant), ..Table::default() })
    }
}

#[derive(Default)]
struct List {
    variant: Option<&'static str>,
    items: Vec<String>,
}

impl SerializeSeq for List {
    type Ok = String;
    type Error = Refused;
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> std::result::Result<(), Refused> {
        self.items.push(value.serialize(Canonical)?);
        Ok(())
    }
    fn end(self) -> Text {
        let list = format!("[{}]", self.items.join(","));
        Ok(self.variant.map_or(list.clone(), |variant| tagged(variant, &list)))
    }
}

macro_rules! like_a_sequence {
    ($($trait:ident :: $method:ident),*) => {$(
        impl ser::$trait for List {
            type Ok = String;
            type Error = Refused;
            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> std::result::Result<(), Refused> {
                SerializeSeq::serialize_element(self, value)
            }
            fn end(self) -> Text {
                SerializeSeq::end(self)
            }
        }
    )*};
}
like_a_sequence!(
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// Keys are sorted by their bytes.
#[derive(Default)]
struct Table {
    variant: Option<&'static str>,
    entries: BTreeMap<String, String>,
    key: Option<String>,
}

impl Table {
    fn insert(&mut self, key: String, value: String) -> std::result::Result<(), Refused> {
        match self.entries.insert(key.clone(), value) {
            None => Ok(()),
            Some(_) => Err(Refused(format!("the key {key:?} comes twice"))),
        }
    }
}

impl SerializeMap for Table {
    type Ok = String;
    type Error = Refused;
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> std::result::Result<(), Refused> {
        // Borrowed from serde_json, which knows what may be a key and how a number becomes one.
        let single = serde_json::to_value(Single(key)).map_err(|e| Refused(e.to_string()))?;
        self.key = single.as_object().and_then(|object| object.keys().next().cloned());
        Ok(())
    }
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> std::result::Result<(), Refused> {
        let key = self.key.take().ok_or_else(|| Refused("a value without a key".to_owned()))?;
        self.insert(key, value.serialize(Canonical)?)
    }
    fn end(self) -> Text {
        let entries: Vec<String> = self.entries.iter().map(|(key, value)| format!("{}:{value}", quote(key))).collect();
        let table = format!("{{{}}}", entries.join(","));
        Ok(self.variant.map_or(table.clone(), |variant| tagged(variant, &table)))
    }
}

/// A map of one key.
struct Single<'a, T: ?Sized>(&'a T);

impl<T: ?Sized + Serialize> Serialize for Single<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &())?;
        map.end()
    }
}

macro_rules! like_a_map {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Table {
            type Ok = String;
            type Error = Refused;
            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> std::result::Result<(), Refused> {
                self.insert(key.to_owned(), value.serialize(Canonical)?)
            }
            fn end(self) -> Text {
                SerializeMap::end(self)
            }
        }
    )*};
}
like_a_map!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::{Value, json};

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
        assert_eq!(canonical_json(&[0.1, 1.0, 1e300, -0.0, 3e-4]).unwrap(), "[0.1,1.0,1e300,-0.0,0.0003]");
        assert_eq!(canonical_json(&0.1f32).unwrap(), "0.1");
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let said = canonical_json(&json_like(bad)).unwrap_err().to_string();
            assert!(said.contains("not finite"), "{said}");
        }
    }

    fn json_like(value: f64) -> impl Serialize {
        BTreeMap::from([("deep", vec![Some(value)])])
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            proptest::num::f64::NORMAL.prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
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
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
