//! The values that a slot can hold: found in a text from the left, at most one of them.

use crate::table::Table;

/// Values of which none begins another, so that a text begins with at most one of them.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
    /// How often each is drawn where a value is drawn while writing.
    pub(crate) table: Table,
    /// Values by their bytes.
    sorted: Vec<u32>,
    /// The key of each, in that order.
    keys: Vec<u64>,
}

/// The first eight bytes, in the order of bytes; what is shorter ends with zeros.
fn key(text: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = text.len().min(8);
    first[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(first)
}

impl List {
    /// # Errors
    /// Two values of which one begins the other.
    pub(crate) fn new(name: &str, values: Vec<String>, table: Table) -> Result<Self, (String, String)> {
        let mut sorted: Vec<u32> = (0..values.len() as u32).collect();
        sorted.sort_by(|&a, &b| values[a as usize].cmp(&values[b as usize]));
        // A value that begins others is followed by one of them in this order.
        for pair in sorted.windows(2) {
            let [a, b] = [&values[pair[0] as usize], &values[pair[1] as usize]];
            if b.starts_with(a.as_str()) {
                return Err((a.clone(), b.clone()));
            }
        }
        let keys = sorted.iter().map(|&value| key(values[value as usize].as_bytes())).collect();
        Ok(Self { name: name.to_owned(), values, table, sorted, keys })
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value that is drawn most often; of equals the first.
    pub(crate) fn most_frequent(&self) -> usize {
        let p = self.table.p();
        (1..p.len()).fold(0, |best, value| if p[value] > p[best] { value } else { best })
    }

    /// How many values are not above `text`, by their bytes. Keys decide it but where they are equal.
    fn not_above(&self, text: &[u8]) -> usize {
        let key = key(text);
        let below = self.keys.partition_point(|&other| other < key);
        let equal = self.keys[below..].iter().take_while(|&&other| other == key).count();
        let alike = &self.sorted[below..below + equal];
        below + alike.partition_point(|&value| self.values[value as usize].as_bytes() <= text)
    }

    /// The value that `text` begins with.
    ///
    /// It is the last value that is not above `text`: a value between the two would begin with it.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        let at = self.not_above(text);
        let value = self.sorted[at.checked_sub(1)?] as usize;
        text.starts_with(self.values[value].as_bytes()).then_some(value)
    }

    /// How many bytes of `text` are the beginning of some value: the closest values are its neighbours in order.
    pub(crate) fn reach(&self, text: &[u8]) -> usize {
        let at = self.not_above(text);
        let near = &self.sorted[at.saturating_sub(1)..self.sorted.len().min(at + 1)];
        near.iter().map(|&value| common(self.values[value as usize].as_bytes(), text)).max().unwrap_or(0)
    }

    /// The values by their bytes; part of them have a beginning in common.
    pub(crate) fn in_order(&self, at: usize) -> &[u8] {
        self.values[self.sorted[at] as usize].as_bytes()
    }
}

/// The length of the longest common beginning.
pub(crate) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_and_reaches() {
        let values = ["Bo", "Ash", "Askew"].map(String::from).to_vec();
        let list = List::new("name", values, Table::zipf(3, 1.0)).unwrap();
        assert_eq!(list.find(b"Ash."), Some(1));
        assert_eq!(list.find(b"Bo"), Some(0));
        for text in [&b""[..], b"A", b"As", b"Zed", b"bo", b"\xff"] {
            assert_eq!(list.find(text), None);
        }
        assert_eq!([&b"Asx"[..], b"Aske", b"B", b"C", b""].map(|text| list.reach(text)), [2, 4, 1, 0, 0]);
    }

    #[test]
    fn keys_find_what_all_bytes_find() {
        let values = ["Silsaynes Arm", "Silsaynf", "Tol", "Tomorrows"].map(String::from).to_vec();
        let list = List::new("name", values.clone(), Table::zipf(4, 1.0)).unwrap();
        let texts =
            ["Silsaynes", "Silsaynes Arm.", "Silsaynf", "Silsayn", "To", "Tol\0", "Tom", "", "Tomorrows Tol", "zz"];
        for text in texts.map(str::as_bytes) {
            let expected = values.iter().position(|value| text.starts_with(value.as_bytes()));
            assert_eq!(list.find(text), expected, "{text:?}");
            let reach = values.iter().map(|value| common(value.as_bytes(), text)).max().unwrap();
            assert_eq!(list.reach(text), reach, "{text:?}");
        }
    }

    #[test]
    fn a_value_may_not_begin_another() {
        let values = ["smithy", "weaver", "smith"].map(String::from).to_vec();
        let error = List::new("craft", values, Table::zipf(3, 1.0)).unwrap_err();
        assert_eq!(error, ("smith".to_owned(), "smithy".to_owned()));
    }
}
