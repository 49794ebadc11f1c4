//! Tables of numbers by numbers.
//!
//! The keys are numbers that this crate gave out itself, so nobody can choose them to collide, and the standard table's
//! defence against that (SipHash) would be most of the time that counting takes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table with keys that are one `u64` or `u32`.
pub(crate) type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<Mixed>>;

/// Multiplies by 2⁶⁴ over the golden ratio and folds: neighbouring numbers land far apart (Knuth 1998, section 6.4).
#[derive(Default)]
pub(crate) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(26) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Two numbers as one key.
pub(crate) fn pair(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}
