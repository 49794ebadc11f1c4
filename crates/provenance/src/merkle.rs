//! The Merkle tree of RFC 6962 (section 2.1) over SHA-256: one hash that stands for a list and its order.
//!
//! Leaves are hashed after a byte 0, inner nodes after a byte 1. Without that, the hashes of two children could be passed
//! off as a leaf, and two lists would have one root.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A SHA-256. Written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// `MTH({d})` of the RFC: the hash of a leaf.
pub fn leaf(bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

fn node(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// `MTH(D[n])` of the RFC from the leaves' hashes: `MTH(D[0:k])` and `MTH(D[k:n])` under one node, `k` the largest power
/// of two below `n`. The root of nothing is the hash of nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    /// Smaller trees are not worth another thread's while.
    const WORTH_A_THREAD: usize = 1024;
    match leaves {
        [] => Hash::of(&[]),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let (left, right) = if leaves.len() > WORTH_A_THREAD {
                rayon::join(|| root(left), || root(right))
            } else {
                (root(left), root(right))
            };
            node(left, right)
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor::<32>).map(Self)
    }
}

struct HexVisitor<const N: usize>;

impl<const N: usize> serde::de::Visitor<'_> for HexVisitor<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lower-case hexadecimal digits", 2 * N)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<[u8; N], E> {
        unhex(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Other("other text"), &self))
    }
}

/// `N` bytes from lower-case hexadecimal digits. Upper-case digits are refused: they would be a second way to write the same.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    (!text.bytes().any(|digit| digit.is_ascii_uppercase())).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roots of the first 0 to 8 and of 1500 of the leaves "0", "1", "2", ... (decimal numbers), from Python's hashlib:
    ///
    /// ```text
    /// def H(b): return hashlib.sha256(b).digest()
    /// def mth(d):
    ///     if not d: return H(b"")
    ///     if len(d) == 1: return H(b"\0" + d[0])
    ///     k = 1 << (len(d) - 1).bit_length() - 1
    ///     return H(b"\1" + mth(d[:k]) + mth(d[k:]))
    /// ```
    const ROOTS: [(usize, &str); 10] = [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "db3426e878068d28d269b6c87172322ce5372b65756d0789001d34835f601c03"),
        (2, "cb00989d94a569c0a678ae042b63dcd4625db96440517f37a6eb7976ea24ed4b"),
        (3, "725d5230db68f557470dc35f1d8865813acd7ebb07ad152774141decbae71327"),
        (4, "9f4a3fc20d4162dc37d4e23d907848731a76043ffff6d69288bf1abfbcff478e"),
        (5, "b6748f6ed7a99de7da84fd97e1a3bac6fab8999f4a43695cab9528a2de431147"),
        (6, "32805cc5e94134743d0aa580ef2ee332687b687fc2e4e2f72fee1cc712e0ba0c"),
        (7, "a3e23b32ccb6bf96d092d165d8aa546e09829de8f03b0e8957581d1e16b92bdf"),
        (8, "3b85a9626c1ccb64c6b95ec7fa64888defe2cf12e39e77e10812ce5fcb9cb58e"),
        (1500, "affb1d68ae2ca80847ba0321c493fa9d0151a3bb01d4dcd044708e9148446e96"),
    ];

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf(number.to_string().as_bytes())).collect()
    }

    #[test]
    fn roots_are_those_that_python_finds() {
        for (count, expected) in ROOTS {
            assert_eq!(root(&leaves(count)).to_string(), expected, "{count} leaves");
        }
    }

    /// The vectors that implementations of Certificate Transparency test with: leaves "", 00, 10, 2021, ...
    #[test]
    fn a_leaf_without_bytes() {
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf(b"").to_string(), expected);
    }

    #[test]
    fn hexadecimal_digits_have_one_form() {
        assert_eq!(unhex("001fff"), Some([0, 0x1f, 0xff]));
        for wrong in ["001FFF", "001ff", "001fff0", "001fff00", "00 fff", "é0fff"] {
            assert_eq!(unhex::<3>(wrong), None, "{wrong}");
        }
    }
}
