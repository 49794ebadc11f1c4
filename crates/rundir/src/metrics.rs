use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Context;
use crate::{Error, Result, write_atomic};

/// One observation of `metrics.csv`. All fields but `value` are its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Name of the experiment.
    pub experiment: String,
    /// Name of the arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// The generation, from 0.
    pub generation: u32,
    /// What was measured: `test`, `written`, `training`, ...
    pub set: String,
    /// What is counted: `loss`, `vocabulary-survival`, ...
    pub metric: String,
    /// A band, an order, an origin; or empty.
    pub detail: String,
    /// The observation; NaN and infinities are written as `NaN`, `inf`, `-inf`.
    #[serde(serialize_with = "as_text")]
    pub value: f64,
}

type Key<'a> = (&'a str, &'a str, u64, u32, &'a str, &'a str, &'a str);

impl Row {
    fn key(&self) -> Key<'_> {
        (&self.experiment, &self.arm, self.seed, self.generation, &self.set, &self.metric, &self.detail)
    }
}

fn as_text<S: serde::Serializer>(value: &f64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_value(*value))
}

/// The shortest text that reads back as the same number: `12`, `0.25`, `1e-9`, `NaN`.
pub fn format_value(value: f64) -> String {
    let size = value.abs();
    let plain = size == 0.0 || (1e-5..1e16).contains(&size) || !size.is_finite();
    if plain { format!("{value}") } else { format!("{value:e}") }
}

/// Writes `metrics.csv` at once: sorted by all columns of the key, so that the same observations give the same bytes in
/// whatever order they come. One process does this, at the end of a run. A file that says the same already is not touched.
///
/// # Errors
/// [`Error::DuplicateRow`] if two rows have one key; [`Error::Io`].
pub fn write_metrics(path: &Path, mut rows: Vec<Row>) -> Result<()> {
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].key() == pair[1].key()) {
        return Err(Error::DuplicateRow(format!("{:?}", pair[0].key())));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    if rows.is_empty() {
        writer.write_record(HEADER).expect("a vector takes everything");
    }
    for row in &rows {
        writer.serialize(row).expect("a vector takes everything, and a row is flat");
    }
    let bytes = writer.into_inner().expect("a vector takes everything");
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    write_atomic(path, &bytes)
}

/// The columns; serde writes them from [`Row`] wherever there is one.
const HEADER: [&str; 8] = ["experiment", "arm", "seed", "generation", "set", "metric", "detail", "value"];

/// Reads a `metrics.csv`.
///
/// # Errors
/// [`Error::Io`]; [`Error::Content`] with the line if a column is missing, unknown or of the wrong type.
pub fn read_metrics(path: &Path) -> Result<Vec<Row>> {
    let bytes = std::fs::read(path).context("read", path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let rows: std::result::Result<Vec<Row>, csv::Error> = reader.deserialize().collect();
    rows.map_err(|error| Error::Content { path: path.to_owned(), why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(arm: &str, seed: u64, detail: &str, value: f64) -> Row {
        Row {
            experiment: "x".into(),
            arm: arm.into(),
            seed,
            generation: 0,
            set: "test".into(),
            metric: "loss".into(),
            detail: detail.into(),
            value,
        }
    }

    #[test]
    fn known_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        write_metrics(&path, vec![row("b", 10, "", 1e-9), row("b", 9, "a,\"b\"", 0.1), row("a", 0, "", 12.0)]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = "experiment,arm,seed,generation,set,metric,detail,value\n\
            x,a,0,0,test,loss,,12\nx,b,9,0,test,loss,\"a,\"\"b\"\"\",0.1\nx,b,10,0,test,loss,,1e-9\n";
        assert_eq!(text, expected);
        write_metrics(&path, Vec::new()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim_end(), expected.lines().next().unwrap());
        assert_eq!(read_metrics(&path).unwrap(), []);
    }

    #[test]
    fn one_observation_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let said = write_metrics(&path, vec![row("a", 0, "", 1.0), row("a", 0, "", 2.0)]).unwrap_err().to_string();
        assert!(said.contains("same key") && !path.exists(), "{said}");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        std::fs::write(&path, format!("{}\nx,a,0,0,test,loss,,many\n", HEADER.join(","))).unwrap();
        let said = read_metrics(&path).unwrap_err().to_string();
        assert!(said.contains("metrics.csv") && said.contains("line: 2"), "{said}");
    }

    #[test]
    fn values_that_are_not_finite() {
        assert_eq!([f64::NAN, f64::INFINITY, -f64::INFINITY].map(format_value), ["NaN", "inf", "-inf"]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        write_metrics(&path, vec![row("a", 0, "", f64::NAN)]).unwrap();
        assert!(read_metrics(&path).unwrap()[0].value.is_nan());
    }

    proptest! {
        #[test]
        fn values_read_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(format_value(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
            prop_assert!(format_value(value).len() <= 24);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn order_of_arrival_does_not_matter(order in Just((0..30u64).collect::<Vec<_>>()).prop_shuffle()) {
            let folder = tempfile::tempdir().unwrap();
            let make = |order: &[u64], name: &str| {
                let path = folder.path().join(name);
                let arms = ["a", "b", "c"];
                let rows = order.iter().map(|&i| row(arms[i as usize % 3], i / 3, "", 1.0 / (i as f64 + 1.0))).collect();
                write_metrics(&path, rows).unwrap();
                std::fs::read(path).unwrap()
            };
            prop_assert_eq!(make(&order, "one"), make(&(0..30).collect::<Vec<_>>(), "two"));
        }
    }
}
