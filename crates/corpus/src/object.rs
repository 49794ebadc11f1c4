//! The parts of a JSON object that a document is made of. The rest is skipped and takes no memory.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Names of fields that a message lists, and the characters of each.
const LISTED: (usize, usize) = (12, 40);

/// A value as far as a document needs it. What is nested is read, to the parser's depth, and dropped.
#[derive(Debug, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Number(String),
    Null,
    Other,
}

/// What an object says of a document.
#[derive(Debug, Default)]
pub(crate) struct Object {
    pub(crate) text: Option<Scalar>,
    pub(crate) id: Option<Scalar>,
    /// True if it has a field `provenance`.
    pub(crate) has_provenance: bool,
    /// The first names of its fields.
    pub(crate) fields: Vec<String>,
}

/// A name as a message shows it: cut short if it is long.
pub(crate) fn shown(name: &str) -> String {
    match name.char_indices().nth(LISTED.1) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

impl Object {
    /// Reads the object in `json`, its text being in `field`.
    ///
    /// # Errors
    /// Text that is no JSON, or no object; one of these fields twice.
    pub(crate) fn read(json: &str, field: &str) -> Result<Self, serde_json::Error> {
        let mut parser = serde_json::Deserializer::from_str(json);
        let object = parser.deserialize_any(Fields { field })?;
        parser.end()?;
        Ok(object)
    }
}

struct Fields<'a> {
    field: &'a str,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<String>()? {
            let (is_text, is_id) = (key == self.field, key == "id");
            if is_text || is_id {
                let value: Scalar = map.next_value()?;
                let slot = if is_text { &mut object.text } else { &mut object.id };
                if slot.is_some() {
                    return Err(de::Error::custom(format_args!("the key {:?} occurs twice", shown(&key))));
                }
                *slot = Some(value);
            } else {
                object.has_provenance |= key == "provenance";
                map.next_value::<Scalar>()?;
            }
            match object.fields.len().cmp(&LISTED.0) {
                Ordering::Less => object.fields.push(shown(&key)),
                Ordering::Equal => object.fields.push("...".to_owned()),
                Ordering::Greater => {}
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyScalar)
    }
}

struct AnyScalar;

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
        Ok(Scalar::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Scalar::Other, |number| Scalar::Number(number.to_string())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<Scalar>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<Scalar, Scalar>()?.is_some() {}
        Ok(Scalar::Other)
    }
}
