use crate::{Difference, Hash, PublicKey};

/// The state of a manifest's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The manifest is not signed.
    No,
    /// Valid under this key. If no key was given to [`verify`](crate::verify), the manifest alone names it, and whoever
    /// changes a corpus can sign it again.
    By(PublicKey),
    /// Valid under this key, but another was given.
    ByAnother(PublicKey),
    /// Not valid under the key that the manifest names.
    Broken(PublicKey),
}

/// A corpus compared with its manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Number of documents that were sealed.
    pub sealed: usize,
    /// Number of documents in the corpus now.
    pub found: usize,
    /// The Merkle root over what was sealed.
    pub root: Hash,
    /// The state of the signature.
    pub signed: Signed,
    /// Whether a key was given to compare the signature with.
    pub key_given: bool,
    /// The documents that differ; empty if all are as sealed.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Whether every document is as it was sealed, and the signature is valid under the given key.
    pub fn is_ok(&self) -> bool {
        self.differences.is_empty() && self.signature_is_ok()
    }

    fn signature_is_ok(&self) -> bool {
        match self.signed {
            Signed::By(_) => true,
            Signed::No => !self.key_given,
            Signed::ByAnother(_) | Signed::Broken(_) => false,
        }
    }

    /// One line about the signature.
    pub fn signature(&self) -> String {
        match self.signed {
            Signed::No => "not signed".to_owned(),
            Signed::By(key) if self.key_given => format!("signed by {key}"),
            Signed::By(key) => format!("signed by {key}; to check that this is the expected key, pass it with --key"),
            Signed::ByAnother(key) => format!("signed by {key}, which is not the key given with --key"),
            Signed::Broken(key) => format!("invalid signature: {key} did not sign these documents"),
        }
    }

    /// One line about the documents: how many differ, by kind.
    pub fn documents(&self) -> String {
        let count = |is: fn(&Difference) -> bool| self.differences.iter().filter(|&difference| is(difference)).count();
        let counts = [
            (count(|d| matches!(d, Difference::Changed { .. })), "changed"),
            (count(|d| matches!(d, Difference::Renamed { .. })), "renamed"),
            (count(|d| matches!(d, Difference::Moved { .. })), "moved"),
            (count(|d| matches!(d, Difference::Lost(_))), "lost"),
            (count(|d| matches!(d, Difference::Added { .. })), "added"),
        ];
        let kinds: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
        let kinds = if kinds.is_empty() { "all as sealed".to_owned() } else { kinds.join(", ") };
        format!("{} documents sealed, {} found: {kinds}", self.sealed, self.found)
    }

    /// What is wrong, in one line; none if nothing is.
    pub fn fault(&self) -> Option<String> {
        match (self.differences.is_empty(), self.signature_is_ok()) {
            (true, true) => None,
            (false, true) => Some("the corpus is not what was sealed".to_owned()),
            (true, false) => Some(format!("the corpus is what was sealed, but: {}", self.signature())),
            (false, false) => Some(format!("the corpus is not what was sealed; and: {}", self.signature())),
        }
    }
}
