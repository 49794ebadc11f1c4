//! One form for all ways of writing a JSON object: RFC 8785, the JSON Canonicalization Scheme.
//!
//! No spaces; keys in the order of their UTF-16 units; strings with the fewest escapes; numbers as ECMAScript prints the
//! nearest double. There are two deviations, and both see more differences. Integers of up to 64 bits keep all their
//! digits, where the RFC rounds above 2^53. A key that occurs twice is refused, because readers differ in which of the two
//! values they take.
//!
//! This is the form of JSON text that comes from outside, and there `1.0` and `1` are one number. The settings that name a
//! run's stages are another matter: there `1.0` may be a share and `1` a count. `rundir` has a form of its own for them.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// An object in canonical form without its `id`.
pub(crate) struct Canonical {
    /// The `id`, if it is a string or a number; any other stays in the object.
    pub(crate) id: Option<String>,
    /// UTF-8.
    pub(crate) bytes: Vec<u8>,
}

/// The canonical form of the object in `json`.
///
/// # Errors
/// Text that is no JSON, or no object; a key that stands twice.
pub(crate) fn canonical(json: &str) -> Result<Canonical, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(json);
    let mut members = parser.deserialize_map(Members)?;
    parser.end()?;
    let mut id = None;
    if let Some(place) = members.iter().position(|(key, _)| key == "id") {
        let value = &members[place].1;
        id = match value[0] {
            b'"' => Some(serde_json::from_slice(value)?),
            b'-' | b'0'..=b'9' => Some(String::from_utf8(value.clone()).expect("numbers are ASCII")),
            _ => None,
        };
        if id.is_some() {
            members.remove(place);
        }
    }
    let mut bytes = Vec::with_capacity(json.len());
    write_object(&members, &mut bytes);
    Ok(Canonical { id, bytes })
}

/// A text in canonical form, as the object `{"text": text}`.
pub(crate) fn of_text(text: &str) -> Vec<u8> {
    let mut bytes = b"{\"text\":".to_vec();
    write_string(text, &mut bytes);
    bytes.push(b'}');
    bytes
}

/// A string as JSON with the fewest escapes.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string is JSON and memory takes it");
}

fn write_object(members: &[(String, Vec<u8>)], out: &mut Vec<u8>) {
    out.push(b'{');
    for (number, (key, value)) in members.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        out.extend_from_slice(value);
    }
    out.push(b'}');
}

/// Reads an object as its keys, sorted, with their values in canonical form.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Vec<u8>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(String, Vec<u8>)> = Vec::new();
        while let Some(key) = map.next_key()? {
            let mut value = Vec::new();
            map.next_value_seed(Write(&mut value))?;
            members.push((key, value));
        }
        members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        match members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(de::Error::custom(format_args!("the key {:?} occurs twice", pair[0].0))),
            None => Ok(members),
        }
    }
}

/// Writes a value in canonical form while it is parsed.
struct Write<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Write<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Write<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.extend_from_slice(value.to_string().as_bytes());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.extend_from_slice(value.to_string().as_bytes());
        Ok(())
    }

    /// JSON has no NaN and no infinities, and the parser refuses what is too large for a double.
    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.extend_from_slice(ryu_js::Buffer::new().format_finite(value).as_bytes());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        write_string(value, self.0);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let start = self.0.len();
        loop {
            let end = self.0.len();
            if end > start {
                self.0.push(b',');
            }
            if seq.next_element_seed(Write(self.0))?.is_none() {
                self.0.truncate(end);
                self.0.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        write_object(&Members.visit_map(map)?, self.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(json: &str) -> String {
        String::from_utf8(canonical(json).unwrap().bytes).unwrap()
    }

    /// RFC 8785, appendix B: bits of doubles and how they print.
    #[test]
    fn numbers_are_those_of_the_rfc() {
        for (bits, text) in [
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            let value = f64::from_bits(bits);
            // By its shortest digits, which serde_json and Rust agree on.
            assert_eq!(form(&format!("{{\"a\":{value:e}}}")), format!("{{\"a\":{text}}}"));
        }
        assert_eq!(form("{\"a\":[1.0,1e2,-0,0.7,18446744073709551615,-9007199254740993]}"), {
            "{\"a\":[1,100,0,0.7,18446744073709551615,-9007199254740993]}"
        });
    }

    /// RFC 8785, section 3.2.3: the order of keys is that of UTF-16, not of code points.
    #[test]
    fn keys_stand_in_the_order_of_the_rfc() {
        let json = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        assert_eq!(form(json), "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}");
    }

    proptest::proptest! {
        #[test]
        fn doubles_read_back_the_same(value in proptest::num::f64::ANY) {
            if value.is_finite() {
                let json = form(&format!("{{\"a\":{value:e}}}"));
                let back: std::collections::BTreeMap<String, f64> = serde_json::from_str(&json).unwrap();
                proptest::prop_assert_eq!(back["a"], value);
            }
        }
    }

    #[test]
    fn one_form_for_all_ways_of_writing() {
        let written = r#" { "text" : "\u0041\/\u001F\u000a" , "a" : [ [ ] , { } , null , true ] , "id" : "x\u0301" } "#;
        let canonical = canonical(written).unwrap();
        assert_eq!(canonical.id.as_deref(), Some("x\u{301}"));
        assert_eq!(canonical.bytes, br#"{"a":[[],{},null,true],"text":"A/\u001f\n"}"#);
        assert_eq!(of_text("A/\u{1f}\n"), br#"{"text":"A/\u001f\n"}"#);
    }

    #[test]
    fn ids_are_strings_or_numbers() {
        let id = |json| canonical(json).unwrap().id;
        assert_eq!(id(r#"{"id":70}"#).as_deref(), Some("70"));
        assert_eq!(id(r#"{"id":""}"#).as_deref(), Some(""));
        assert_eq!((id(r#"{"id":null}"#), form(r#"{"id":null}"#)), (None, r#"{"id":null}"#.to_owned()));
        assert_eq!(id("{}"), None);
    }

    #[test]
    fn what_readers_could_take_in_two_ways_is_refused() {
        let refused = |json: &str| canonical(json).err().unwrap().to_string();
        assert!(refused(r#"{"text":"a","text":"b"}"#).contains("\"text\" occurs twice"));
        assert!(refused(r#"{"a":{"x":1,"\u0078":2}}"#).contains("\"x\" occurs twice"));
        assert!(refused("[1]").contains("expected an object"));
        assert!(refused("{} {}").contains("trailing"));
        assert!(refused(r#"{"a":1e999}"#).contains("out of range"));
        assert!(refused(r#"{"a":"\ud800"}"#).contains("hex escape"));
        assert!(refused(&format!("{{\"a\":{}", "[".repeat(100_000))).contains("recursion"));
    }
}
