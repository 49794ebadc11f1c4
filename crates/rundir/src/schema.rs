//! The columns of `metrics.csv`.

use serde_json::json;

/// A column between `metric` and `value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// What its values mean.
    pub about: String,
}

/// The dimensions of a file of observations: the columns between `metric` and `value`, in their order. A run directory
/// knows their names and nothing of their meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema(Vec<Column>);

/// The columns that every file has, with their types and meanings; those up to `metric` stand before the dimensions.
const BEFORE: [(&str, &str, &str); 6] = [
    ("experiment", "string", "name of the experiment"),
    ("arm", "string", "name of the arm"),
    ("seed", "integer", "the seed"),
    ("generation", "integer", "the generation, from 0"),
    ("set", "string", "what was measured"),
    ("metric", "string", "what is measured of it"),
];
const VALUE: (&str, &str, &str) = ("value", "number", "the observation; NaN, inf and -inf are written as such");

impl Schema {
    /// A schema with these dimensions.
    ///
    /// # Panics
    /// If two columns have one name.
    pub fn new(dimensions: impl IntoIterator<Item = Column>) -> Self {
        let schema = Self(dimensions.into_iter().collect());
        let mut header = schema.header();
        header.sort_unstable();
        assert!(header.windows(2).all(|pair| pair[0] != pair[1]), "each column has its own name: {header:?}");
        schema
    }

    /// The dimensions.
    pub fn dimensions(&self) -> &[Column] {
        &self.0
    }

    /// The header of a file.
    pub(crate) fn header(&self) -> Vec<&str> {
        let mut all: Vec<&str> = fixed().collect();
        all.extend(self.0.iter().map(|column| column.name.as_str()));
        all.push(VALUE.0);
        all
    }

    /// As a [Table Schema](https://datapackage.org/standard/table-schema/), which other tools read.
    pub fn to_json(&self) -> String {
        let field = |(name, kind, about): (&str, &str, &str)| json!({"name": name, "type": kind, "description": about});
        let dimensions = self.0.iter().map(|column| field((&column.name, "string", &column.about)));
        let fields: Vec<_> = BEFORE.map(field).into_iter().chain(dimensions).chain([field(VALUE)]).collect();
        let mut key = self.header();
        key.pop();
        let schema = json!({"fields": fields, "primaryKey": key, "missingValues": []});
        format!("{schema:#}\n")
    }
}

/// Names of the columns before the dimensions.
pub(crate) fn fixed() -> impl Iterator<Item = &'static str> {
    BEFORE.iter().map(|(name, ..)| *name)
}

/// Name of the column after the dimensions.
pub(crate) const LAST: &str = VALUE.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Column {
        Column { name: name.to_owned(), about: format!("the {name}") }
    }

    #[test]
    fn fields_stand_in_the_order_of_the_columns() {
        let schema = Schema::new([column("order"), column("part")]);
        let json: serde_json::Value = serde_json::from_str(&schema.to_json()).unwrap();
        let names: Vec<&str> =
            json["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(names, schema.header());
        assert_eq!(json["fields"][6], json!({"name": "order", "type": "string", "description": "the order"}));
        assert_eq!(json["primaryKey"].as_array().unwrap().len(), names.len() - 1);
    }

    #[test]
    #[should_panic(expected = "its own name")]
    fn a_name_stands_for_one_column() {
        Schema::new([column("seed")]);
    }
}
