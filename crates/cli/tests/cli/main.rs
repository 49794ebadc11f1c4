//! The binary as its users meet it: a tiny laboratory in a folder of its own, commands, exit codes, files.

mod audit;
mod bench;
mod curated;
mod devices;
mod diverged;
mod killed;
mod lab;
mod laws;
mod parts;
mod quickstart;
mod refused;
mod regimes;
mod resumed;
mod robust;
mod same_bits;
mod sealed;
mod shown;
mod solvable;
mod steps;
mod sweeps;
mod targeted;
mod text_measures;
mod world;
