use crate::Failure;
use crate::args::{ProvenanceArgs, ProvenanceCommand};
use crate::output::Output;
use corpus::{Limits, printable};
use provenance::{PublicKey, SecretKey, make_key, manifest_path, seal_within};
use std::path::Path;

/// `habsburg provenance`
pub(crate) fn provenance(args: ProvenanceArgs, out: &mut Output) -> Result<(), Failure> {
    match args.command {
        ProvenanceCommand::Key { file } => {
            let public = make_key(&file)?;
            let shown = printable(&file.display().to_string());
            writeln!(out, "secret key  {shown}")?;
            writeln!(out, "public key  {shown}.pub")?;
            writeln!(out, "            {public}")?;
            Ok(())
        }
        ProvenanceCommand::Seal { data, key, out: manifest, limits } => {
            let limits = limits.limits()?;
            let key = key.map(|path| SecretKey::load(&path)).transpose()?;
            let manifest = manifest.map_or_else(|| manifest_path(&data), Ok)?;
            let sealed = seal_within(&data, key.as_ref(), &manifest, &limits)?;
            writeln!(out, "documents  {}", sealed.documents)?;
            writeln!(out, "root       {}", sealed.root)?;
            writeln!(out, "key        {}", sealed.key.map_or("not signed".to_owned(), |key| key.to_string()))?;
            writeln!(out, "manifest   {}", printable(&manifest.display().to_string()))?;
            Ok(())
        }
        ProvenanceCommand::Verify { data, manifest, key, limits } => {
            verify((&data, manifest.as_deref()), key.as_deref(), &limits.limits()?, out)
        }
    }
}

fn verify(
    (data, manifest): (&Path, Option<&Path>),
    key: Option<&str>,
    limits: &Limits,
    out: &mut Output,
) -> Result<(), Failure> {
    let key = key.map(PublicKey::load).transpose()?;
    let manifest = manifest.map_or_else(|| manifest_path(data), |path| Ok(path.to_owned()))?;
    let report = provenance::verify_within(data, &manifest, key, limits)?;
    writeln!(out, "{}", report.documents())?;
    writeln!(out, "{}", report.signature())?;
    for difference in &report.differences {
        writeln!(out, "{difference}")?;
    }
    report.fault().map_or(Ok(()), |fault| Err(Failure::Work(fault)))
}
