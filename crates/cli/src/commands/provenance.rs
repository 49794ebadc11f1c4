use crate::Failure;
use crate::args::{ProvenanceArgs, ProvenanceCommand};
use corpus::manifest::{self, ManifestError, PublicKey, SecretKey};
use corpus::printable;
use std::path::Path;

/// `habsburg provenance`
pub(crate) fn provenance(args: ProvenanceArgs) -> Result<(), Failure> {
    match args.command {
        ProvenanceCommand::Key { file } => {
            let public = manifest::make_key(&file).map_err(Failure::request)?;
            let shown = printable(&file.display().to_string());
            println!("secret key  {shown}");
            println!("public key  {shown}.pub");
            println!("            {public}");
            Ok(())
        }
        ProvenanceCommand::Seal { data, key, out } => {
            let key = key.map(|path| SecretKey::load(&path)).transpose().map_err(Failure::request)?;
            let place = out.map_or_else(|| manifest::place_of(&data), Ok).map_err(failure)?;
            let sealed = manifest::seal(&data, key.as_ref(), &place).map_err(failure)?;
            println!("documents  {}", sealed.documents);
            println!("root       {}", sealed.root);
            println!("key        {}", sealed.key.map_or("not signed".to_owned(), |key| key.to_string()));
            println!("manifest   {}", printable(&place.display().to_string()));
            Ok(())
        }
        ProvenanceCommand::Verify { data, manifest, key } => verify(&data, manifest.as_deref(), key.as_deref()),
    }
}

fn verify(data: &Path, place: Option<&Path>, key: Option<&str>) -> Result<(), Failure> {
    let key = key.map(PublicKey::load).transpose().map_err(Failure::request)?;
    let place = place.map_or_else(|| manifest::place_of(data), |place| Ok(place.to_owned())).map_err(failure)?;
    let report = manifest::verify(data, &place, key).map_err(failure)?;
    println!("{}", report.documents());
    println!("{}", report.signature());
    for difference in &report.differences {
        println!("{difference}");
    }
    report.fault().map_or(Ok(()), |fault| Err(Failure::Work(fault)))
}

fn failure(error: ManifestError) -> Failure {
    if error.is_of_the_work() { Failure::work(error) } else { Failure::request(error) }
}
