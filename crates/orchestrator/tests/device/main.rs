//! What a run owes to its device: a failure ends a stage and nothing else, memory stays where it is from generation to
//! generation, and chains that share a device write what they would write alone.

mod failing;
mod lab;
mod memory;
mod sharing;
