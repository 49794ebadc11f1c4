//! Lists the corpus cards: every `.toml` in `data/` at the workspace's root is built into the crate.

use std::path::Path;
use std::{env, fs};

fn main() {
    let data = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../data");
    // Of the folder, so that a new card is seen, and of each card.
    println!("cargo::rerun-if-changed={}", data.display());
    let entries = fs::read_dir(&data).unwrap_or_else(|error| panic!("{}: {error}", data.display()));
    let mut cards: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    cards.sort();
    let listed: String = cards.iter().map(|path| format!("    include_str!({path:?}),\n")).collect();
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("cards.rs");
    fs::write(&out, format!("&[\n{listed}]\n")).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}
