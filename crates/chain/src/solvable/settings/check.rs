//! Refuses settings that are out of range.

use super::SettingsError;

/// Refuses what is out of range.
pub(super) struct Check {
    pub(super) kind: &'static str,
}

impl Check {
    pub(super) fn that(
        &self,
        holds: bool,
        key: &'static str,
        value: impl ToString,
        range: impl Into<String>,
    ) -> Result<(), SettingsError> {
        let error = || SettingsError { kind: self.kind, key, value: value.to_string(), range: range.into() };
        if holds { Ok(()) } else { Err(error()) }
    }

    pub(super) fn at_least(&self, key: &'static str, value: usize, least: usize) -> Result<(), SettingsError> {
        self.that(value >= least, key, value, format!("{least} or more"))
    }

    pub(super) fn not_negative(&self, key: &'static str, value: f64) -> Result<(), SettingsError> {
        self.that(value.is_finite() && value >= 0.0, key, value, "a finite number, 0 or more")
    }

    pub(super) fn positive(&self, key: &'static str, value: f64) -> Result<(), SettingsError> {
        self.that(value.is_finite() && value > 0.0, key, value, "a finite number above 0")
    }
}
