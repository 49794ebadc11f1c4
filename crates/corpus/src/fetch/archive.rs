//! Members of archives, in memory. Nothing is written to disk, so names cannot lead anywhere; sizes are bounded.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use crate::card::Registry;

/// Bytes that all wanted members of an archive may have together, and that a whole tar may unpack to.
const LARGEST: u64 = 256 << 20;

/// The members with a wanted name.
///
/// # Errors
/// An archive that cannot be read or is too large, in words.
pub(super) fn members(
    registry: Registry,
    bytes: Vec<u8>,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, String> {
    match registry {
        Registry::Pypi => zipped(bytes, wanted, LARGEST),
        Registry::Npm => tarred(&bytes, wanted, LARGEST),
    }
}

type Members = Result<BTreeMap<String, Vec<u8>>, String>;

fn zipped(bytes: Vec<u8>, wanted: impl Fn(&str) -> bool, largest: u64) -> Members {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut members = BTreeMap::new();
    let mut left = largest;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|error| error.to_string())?;
        let name = file.name().map_err(|error| error.to_string())?.into_owned();
        if file.is_file() && wanted(&name) {
            let data = bounded(file, &mut left, &name)?;
            members.insert(name, data);
        }
    }
    Ok(members)
}

fn tarred(bytes: &[u8], wanted: impl Fn(&str) -> bool, largest: u64) -> Members {
    // The bound is on all that is unpacked: a tar is read through, members that are not wanted included.
    let unpacked = flate2::read::GzDecoder::new(bytes).take(largest);
    let mut archive = tar::Archive::new(unpacked);
    let mut members = BTreeMap::new();
    let mut left = largest;
    for entry in archive.entries().map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| format!("{error} (or it is larger than {largest} bytes)"))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && wanted(&name) {
            let data = bounded(entry, &mut left, &name)?;
            members.insert(name, data);
        }
    }
    Ok(members)
}

/// Reads a member, whatever size it claims, up to what is left.
fn bounded(reader: impl Read, left: &mut u64, name: &str) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    reader.take(*left + 1).read_to_end(&mut data).map_err(|error| format!("{name}: {error}"))?;
    *left = left.checked_sub(data.len() as u64).ok_or_else(|| format!("{name}: the archive unpacks to too much"))?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, data) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(data).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let mut builder = tar::Builder::new(gzip);
        for (name, data) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *data).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn wanted_members_come_out() {
        let files: [(&str, &[u8]); 3] = [("p/a.txt", b"one"), ("p/b.txt", b"two"), ("p/c.json", b"{}")];
        let expected =
            BTreeMap::from([("p/a.txt".to_owned(), b"one".to_vec()), ("p/b.txt".to_owned(), b"two".to_vec())]);
        let wanted = |name: &str| name.ends_with(".txt");
        assert_eq!(zipped(zip_of(&files), wanted, 6).unwrap(), expected);
        assert_eq!(tarred(&tar_of(&files), wanted, 1 << 20).unwrap(), expected);
    }

    #[test]
    fn archives_that_unpack_to_too_much_are_refused() {
        let zeros = vec![0; 1 << 20];
        let files: [(&str, &[u8]); 1] = [("a.txt", &zeros)];
        assert!(zipped(zip_of(&files), |_| true, 1000).unwrap_err().contains("too much"));
        assert!(tarred(&tar_of(&files), |_| true, 10_000).is_err());
        // Also where the large member is not wanted: a tar has to be read through.
        let files: [(&str, &[u8]); 2] = [("a.bin", &zeros), ("b.txt", b"x")];
        assert!(tarred(&tar_of(&files), |name| name == "b.txt", 10_000).is_err());
    }

    #[test]
    fn junk_is_refused() {
        assert!(zipped(b"junk".to_vec(), |_| true, 1000).is_err());
        assert!(tarred(b"junk", |_| true, 1000).is_err());
    }
}
