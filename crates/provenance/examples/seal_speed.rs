//! Times sealing and verifying a corpus of a million made-up documents of 200 bytes, one of them with a changed byte.
//!
//! `cargo run --release -p habsburg-provenance --example seal_speed [DOCUMENTS]`

use std::error::Error;
use std::io::{BufWriter, Write};
use std::time::Instant;

use corpus::{Document, Provenance};
use provenance::{SecretKey, make_key, manifest_path, seal, verify};

/// Runs `work` and prints what it took: seconds, and the peak of this process's resident memory where Linux tells it.
fn timed<T>(name: &str, work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<T, Box<dyn Error>> {
    // Sets the peak back to what is resident now.
    std::fs::write("/proc/self/clear_refs", "5").ok();
    let start = Instant::now();
    let done = work()?;
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    println!("{name:8} {seconds:5.2} s, peak {peak}");
    Ok(done)
}

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("corpus.jsonl");
    let mut out = BufWriter::new(std::fs::File::create(&data)?);
    for number in 0..count {
        let text: String = format!("Document {number} says what others say. ").chars().cycle().take(200).collect();
        let mut document = Document::human(format!("d{number:07}"), text, "made-up");
        document.provenance = Provenance { generation: Some(3), ..document.provenance };
        serde_json::to_writer(&mut out, &document)?;
        out.write_all(b"\n")?;
    }
    out.into_inner()?;
    let mut bytes = std::fs::read(&data)?;
    let compressed = folder.path().join("corpus.jsonl.zst");
    std::fs::write(&compressed, zstd::encode_all(&bytes[..], 0)?)?;
    // Within a text: after the id, near the end of the corpus.
    let place = bytes.len() - bytes.len() / 100;
    let place = place + bytes[place..].windows(6).position(|six| six == b"others").ok_or("no text to change")?;
    bytes[place] ^= 1;
    let changed = folder.path().join("changed.jsonl");
    std::fs::write(&changed, &bytes)?;
    println!("{count} documents, {} MB, {} threads", bytes.len() / 1_000_000, rayon::current_num_threads());
    drop(bytes);

    let key = folder.path().join("key");
    let me = make_key(&key)?;
    let manifest = manifest_path(&data)?;
    timed("seal", || Ok(seal(&data, Some(&SecretKey::load(&key)?), &manifest)?))?;
    println!("         manifest of {} MB", manifest.metadata()?.len() / 1_000_000);
    for (name, data) in [("verify", &data), ("zst", &compressed), ("changed", &changed)] {
        let report = timed(name, || Ok(verify(data, &manifest, Some(me))?))?;
        println!("         {}", report.documents());
        report.differences.iter().for_each(|difference| println!("         {difference}"));
    }
    // The other way round: the most that comparing can have to do.
    let text = std::fs::read_to_string(&data)?;
    let reversed: String = text.lines().rev().flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&changed, reversed)?;
    drop(text);
    let report = timed("reversed", || Ok(verify(&changed, &manifest, Some(me))?))?;
    println!("         {}", report.documents());
    Ok(())
}
