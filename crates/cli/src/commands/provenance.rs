use crate::Failure;
use crate::args::{ProvenanceArgs, ProvenanceCommand};
use corpus::printable;
use provenance::{Error, PublicKey, SecretKey, make_key, manifest_path, seal};
use std::path::Path;

/// `habsburg provenance`
pub(crate) fn provenance(args: ProvenanceArgs) -> Result<(), Failure> {
    match args.command {
        ProvenanceCommand::Key { file } => {
            let public = make_key(&file).map_err(Failure::request)?;
            let shown = printable(&file.display().to_string());
            println!("secret key  {shown}");
            println!("public key  {shown}.pub");
            println!("            {public}");
            Ok(())
        }
        ProvenanceCommand::Seal { data, key, out } => {
            let key = key.map(|path| SecretKey::load(&path)).transpose().map_err(Failure::request)?;
            let manifest = out.map_or_else(|| manifest_path(&data), Ok).map_err(failure)?;
            let sealed = seal(&data, key.as_ref(), &manifest).map_err(failure)?;
            println!("documents  {}", sealed.documents);
            println!("root       {}", sealed.root);
            println!("key        {}", sealed.key.map_or("not signed".to_owned(), |key| key.to_string()));
            println!("manifest   {}", printable(&manifest.display().to_string()));
            Ok(())
        }
        ProvenanceCommand::Verify { data, manifest, key } => verify(&data, manifest.as_deref(), key.as_deref()),
    }
}

fn verify(data: &Path, manifest: Option<&Path>, key: Option<&str>) -> Result<(), Failure> {
    let key = key.map(PublicKey::load).transpose().map_err(Failure::request)?;
    let manifest = manifest.map_or_else(|| manifest_path(data), |path| Ok(path.to_owned())).map_err(failure)?;
    let report = provenance::verify(data, &manifest, key).map_err(failure)?;
    println!("{}", report.documents());
    println!("{}", report.signature());
    for difference in &report.differences {
        println!("{difference}");
    }
    report.fault().map_or(Ok(()), |fault| Err(Failure::Work(fault)))
}

fn failure(error: Error) -> Failure {
    if error.is_failure() { Failure::work(error) } else { Failure::request(error) }
}
