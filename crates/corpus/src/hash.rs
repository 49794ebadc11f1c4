//! Hashes that are part of the format: the same on every machine and in every release.

/// Mixes 64 bits (Stafford's thirteenth variant of MurmurHash3's finaliser, as in SplitMix64, Steele et al. 2014).
pub fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// One more unit on a hash.
pub fn join(hash: u64, unit: u32) -> u64 {
    mix(hash.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ u64::from(unit))
}

/// The hash of a run of tokens; runs of different length do not share hashes but by chance.
pub fn gram_hash(gram: &[u32]) -> u64 {
    gram.iter().fold(mix(gram.len() as u64), |hash, &unit| join(hash, unit))
}

/// Hashes of all runs of `size` tokens, in text order. A shorter text has none.
pub fn grams(ids: &[u32], size: usize) -> impl Iterator<Item = u64> + '_ {
    ids.windows(size).map(gram_hash)
}
