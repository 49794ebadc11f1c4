//! The limits of a device's memory.

/// What a GPU can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one buffer.
    pub largest: u64,
    /// Bytes of all buffers, where the driver says so.
    pub all: Option<u64>,
}
