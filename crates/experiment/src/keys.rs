//! The keys that a type reads from a table, asked of its own `Deserialize`.
//!
//! A derived `Deserialize` hands its list of fields to the deserializer before it reads anything. [`of`] is a deserializer that
//! stops there, so no list of keys is written twice.

use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::fmt;

/// The keys of the struct that `T` holds at a path of keys (its own for the empty path); none where there is no struct, as
/// in a value of several forms.
pub(crate) fn of<'de, T: Deserialize<'de>>(path: &[&str]) -> Option<&'static [&'static str]> {
    stopped(T::deserialize(Probe { path }))
}

/// The same of whatever `read` reads.
pub(crate) fn read_by<T>(
    path: &[&str],
    read: impl FnOnce(Probe<'_>) -> Result<T, Found>,
) -> Option<&'static [&'static str]> {
    stopped(read(Probe { path }))
}

fn stopped<T>(read: Result<T, Found>) -> Option<&'static [&'static str]> {
    read.err().and_then(|Found(keys)| keys)
}

/// A deserializer without a value.
#[derive(Clone, Copy)]
pub(crate) struct Probe<'a> {
    path: &'a [&'a str],
}

/// The error by which it stops.
#[derive(Debug)]
pub(crate) struct Found(Option<&'static [&'static str]>);

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}

impl std::error::Error for Found {}

impl serde::de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Found> {
        match self.path {
            [] => Err(Found(Some(fields))),
            [first, rest @ ..] => visitor.visit_map(OneKey { key: Some(first), rest }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Found> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Found> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

/// A table of one key, whose value is asked next.
struct OneKey<'a> {
    key: Option<&'a str>,
    rest: &'a [&'a str],
}

impl<'de> MapAccess<'de> for OneKey<'_> {
    type Error = Found;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Found> {
        self.key.take().map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Found> {
        seed.deserialize(Probe { path: self.rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Settings;

    #[test]
    fn keys_are_those_that_a_type_reads() {
        assert!(of::<Settings>(&[]).unwrap().contains(&"learning_rate"));
        assert_eq!(of::<Settings>(&["average"]), Some(&["with", "share"][..]));
        assert_eq!(of::<Settings>(&["objective"]), None, "a name or a table");
        assert_eq!(of::<Settings>(&["no-such-key"]), None);
        assert_eq!(of::<Settings>(&["clip"]), None, "a number");
    }
}
