use std::collections::BTreeMap;
use std::path::Path;

use crate::schema::{self, Schema};
use crate::{Error, Result};

/// One observation of `metrics.csv`. All fields but `value` are its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the experiment.
    pub experiment: String,
    /// Name of the arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// The generation, from 0.
    pub generation: u32,
    /// What was measured: `test`, `generated`, `training`, ...
    pub set: String,
    /// What is measured of it: `loss`, `vocabulary-survival`, ...
    pub metric: String,
    /// The dimensions that have a value, by their columns.
    pub dimensions: BTreeMap<String, String>,
    /// The observation; NaN and infinities are written as `NaN`, `inf`, `-inf`.
    pub value: f64,
}

impl Row {
    /// The key in the order of a schema's columns.
    fn key<'a>(&'a self, schema: &Schema) -> (&'a str, &'a str, u64, u32, &'a str, &'a str, Vec<&'a str>) {
        let value = |column: &schema::Column| self.dimensions.get(&column.name).map_or("", String::as_str);
        let dimensions = schema.dimensions().iter().map(value).collect();
        (&self.experiment, &self.arm, self.seed, self.generation, &self.set, &self.metric, dimensions)
    }
}

/// The shortest text that reads back as the same number: `12`, `0.25`, `1e-9`, `NaN`.
pub fn format_value(value: f64) -> String {
    let size = value.abs();
    let plain = size == 0.0 || (1e-5..1e16).contains(&size) || !size.is_finite();
    if plain { format!("{value}") } else { format!("{value:e}") }
}

/// The content of `metrics.csv`. Rows are sorted by all columns of the key, so that the same observations give the same bytes
/// in whatever order they come.
///
/// # Errors
/// [`Error::DuplicateRow`] if two rows have one key; [`Error::Dimension`] if a row has a dimension that the schema lacks.
pub(crate) fn to_csv(schema: &Schema, mut rows: Vec<Row>) -> Result<Vec<u8>> {
    let known = |name: &&String| schema.dimensions().iter().any(|column| column.name == **name);
    if let Some(name) = rows.iter().flat_map(|row| row.dimensions.keys()).find(|name| !known(name)) {
        return Err(Error::Dimension(name.clone()));
    }
    rows.sort_by(|a, b| a.key(schema).cmp(&b.key(schema)));
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].key(schema) == pair[1].key(schema)) {
        return Err(Error::DuplicateRow(format!("{:?}", pair[0].key(schema))));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut record = |fields: &[&str]| writer.write_record(fields).expect("a vector takes everything");
    record(&schema.header());
    for row in &rows {
        let (experiment, arm, seed, generation, set, metric, dimensions) = row.key(schema);
        let (seed, generation, value) = (seed.to_string(), generation.to_string(), format_value(row.value));
        let before = [experiment, arm, &seed, &generation, set, metric];
        record(&[&before[..], &dimensions, &[&value]].concat());
    }
    Ok(writer.into_inner().expect("a vector takes everything"))
}

/// Reads the content of the `metrics.csv` at `path`. Columns between `metric` and `value` are dimensions, whatever their
/// names.
///
/// # Errors
/// [`Error::Content`], with the line, if a column is missing or has a value of the wrong type.
pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Row>> {
    let fail = |why: String| Error::Content { path: path.to_owned(), why };
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|error| fail(error.to_string()))?.clone();
    let names: Vec<&str> = header.iter().collect();
    let expected: Vec<&str> = schema::fixed().collect();
    if !names.starts_with(&expected) || names.last() != Some(&schema::LAST) {
        let (first, last) = (expected.join(","), schema::LAST);
        return Err(fail(format!("line 1: the columns are {}, not {first},...,{last}", short(&names.join(",")))));
    }
    let dimensions = &names[expected.len()..names.len() - 1];
    reader
        .records()
        .map(|record| row(&record.map_err(|error| error.to_string())?, dimensions))
        .collect::<std::result::Result<_, String>>()
        .map_err(fail)
}

/// The beginning of a text that may be long.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

fn row(record: &csv::StringRecord, dimensions: &[&str]) -> std::result::Result<Row, String> {
    let fields: Vec<&str> = record.iter().collect();
    let [experiment, arm, seed, generation, set, metric, values @ .., value] = &fields[..] else {
        unreachable!("the reader refuses records that are not as long as the header")
    };
    let line = record.position().map_or(0, csv::Position::line);
    let wrong =
        |column: &str, text: &str| format!("line {line}: {column} = {text:?} is not a number", text = short(text));
    let given = dimensions.iter().zip(values).filter(|(_, value)| !value.is_empty());
    Ok(Row {
        experiment: (*experiment).to_owned(),
        arm: (*arm).to_owned(),
        seed: seed.parse().map_err(|_| wrong("seed", seed))?,
        generation: generation.parse().map_err(|_| wrong("generation", generation))?,
        set: (*set).to_owned(),
        metric: (*metric).to_owned(),
        dimensions: given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        value: value.parse().map_err(|_| wrong("value", value))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schema() -> Schema {
        Schema::new(["order", "part"].map(|name| schema::Column { name: name.into(), about: String::new() }))
    }

    fn row(arm: &str, seed: u64, part: &str, value: f64) -> Row {
        let dimensions = (!part.is_empty()).then(|| ("part".to_owned(), part.to_owned()));
        Row {
            experiment: "x".into(),
            arm: arm.into(),
            seed,
            generation: 0,
            set: "test".into(),
            metric: "loss".into(),
            dimensions: dimensions.into_iter().collect(),
            value,
        }
    }

    fn read(bytes: &[u8]) -> Result<Vec<Row>> {
        parse(bytes, Path::new("metrics.csv"))
    }

    #[test]
    fn known_bytes() {
        let rows = vec![row("b", 10, "", 1e-9), row("b", 9, "a,\"b\"", 0.1), row("a", 0, "", 12.0)];
        let bytes = to_csv(&schema(), rows.clone()).unwrap();
        let expected = "experiment,arm,seed,generation,set,metric,order,part,value\n\
            x,a,0,0,test,loss,,,12\nx,b,9,0,test,loss,,\"a,\"\"b\"\"\",0.1\nx,b,10,0,test,loss,,,1e-9\n";
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), expected);
        assert_eq!(read(&bytes).unwrap(), [2, 1, 0].map(|at| rows[at].clone()));
        let empty = to_csv(&schema(), Vec::new()).unwrap();
        assert_eq!(std::str::from_utf8(&empty).unwrap().trim_end(), expected.lines().next().unwrap());
        assert_eq!(read(&empty).unwrap(), []);
    }

    #[test]
    fn one_observation_a_key() {
        let said = to_csv(&schema(), vec![row("a", 0, "", 1.0), row("a", 0, "", 2.0)]).unwrap_err().to_string();
        assert!(said.contains("same key"), "{said}");
    }

    #[test]
    fn a_dimension_without_a_column_is_refused() {
        let said = to_csv(&Schema::default(), vec![row("a", 0, "near", 1.0)]).unwrap_err().to_string();
        assert!(said.contains("\"part\""), "{said}");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let header = "experiment,arm,seed,generation,set,metric,part,value";
        for (content, why) in [
            (format!("{header}\nx,a,0,0,test,loss,,1\nx,a,0,0,test,loss,,many\n"), "line 3: value = \"many\""),
            (format!("{header}\nx,a,-1,0,test,loss,,1\n"), "line 2: seed = \"-1\""),
            (format!("{header}\nx,a,0,0,test,loss,1\n"), "line: 2"),
            ("experiment,arm,generation,set,metric,value\n".to_owned(), "line 1: the columns are experiment,arm,gen"),
            (String::new(), "line 1"),
        ] {
            let said = read(content.as_bytes()).unwrap_err().to_string();
            assert!(said.contains("metrics.csv") && said.contains(why), "{said}");
        }
    }

    #[test]
    fn messages_about_long_fields_are_short() {
        let said = read("x".repeat(1000).as_bytes()).unwrap_err().to_string();
        assert!(said.len() < 500, "{said}");
    }

    #[test]
    fn values_that_are_not_finite() {
        assert_eq!([f64::NAN, f64::INFINITY, -f64::INFINITY].map(format_value), ["NaN", "inf", "-inf"]);
        let bytes = to_csv(&schema(), vec![row("a", 0, "", f64::NAN)]).unwrap();
        assert!(read(&bytes).unwrap()[0].value.is_nan());
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
            let make = |order: &[u64]| {
                let arms = ["a", "b", "c"];
                let rows = order.iter().map(|&i| row(arms[i as usize % 3], i / 3, "", 1.0 / (i as f64 + 1.0))).collect();
                to_csv(&schema(), rows).unwrap()
            };
            prop_assert_eq!(make(&order), make(&(0..30).collect::<Vec<_>>()));
        }
    }
}
