//! Values that depend on the generation.

use serde::{Serialize, Serializer};

/// A value for each generation, from generation 0 on; the last one holds for all later generations. A single value does not
/// depend on the generation.
///
/// ```
/// use chain::ByGeneration;
///
/// let budgets: ByGeneration<u64> = [1000, 300, 300].into_iter().collect();
/// assert_eq!([0, 1, 9].map(|generation| *budgets.at(generation)), [1000, 300, 300]);
/// assert!(!budgets.is_constant() && ByGeneration::from(300).is_constant());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByGeneration<T>(Vec<T>);

impl<T> ByGeneration<T> {
    /// The value of a generation.
    pub fn at(&self, generation: u32) -> &T {
        &self.0[(generation as usize).min(self.0.len() - 1)]
    }

    /// True if it is the same in every generation.
    pub fn is_constant(&self) -> bool {
        self.0.len() == 1
    }

    /// The values of generation 0 and of those after it, up to the one that holds on.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter()
    }

    /// The values that training sets are composed by: generation 0 composes none.
    pub fn after_the_first(&self) -> impl Iterator<Item = &T> {
        self.0.iter().skip(usize::from(!self.is_constant()))
    }

    /// What `of` makes of each value.
    pub fn map<U: PartialEq>(&self, of: impl FnMut(&T) -> U) -> ByGeneration<U> {
        self.iter().map(of).collect()
    }
}

impl<T> From<T> for ByGeneration<T> {
    fn from(constant: T) -> Self {
        Self(vec![constant])
    }
}

impl<T: PartialEq> FromIterator<T> for ByGeneration<T> {
    /// The values of generations 0, 1, 2, ...
    ///
    /// # Panics
    /// If there are none.
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values: Vec<T> = values.into_iter().collect();
        let repeats = values.windows(2).rev().take_while(|pair| pair[0] == pair[1]).count();
        values.truncate(values.len() - repeats);
        assert!(!values.is_empty(), "generation 0 has a value");
        Self(values)
    }
}

/// The value itself where it is constant, otherwise a list.
impl<T: Serialize> Serialize for ByGeneration<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [constant] => constant.serialize(serializer),
            values => values.serialize(serializer),
        }
    }
}
