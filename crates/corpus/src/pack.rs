//! Token ids of documents on disk, and windows of them for training.

mod set;
mod windows;

pub use set::{TokenSet, TokenSetError};
pub use windows::{Fill, Windows, best_fit, pack};
