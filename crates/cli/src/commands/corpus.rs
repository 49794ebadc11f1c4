use crate::Failure;
use crate::args::{CorpusArgs, CorpusCommand};
use corpus::{Card, printable};

/// `habsburg corpus`
pub(crate) fn corpus(args: CorpusArgs) -> Result<(), Failure> {
    match args.command {
        CorpusCommand::List => {
            for card in Card::all() {
                println!("{:14} {}", card.name, card.title);
            }
            Ok(())
        }
        CorpusCommand::Show { name } => show(&name),
        CorpusCommand::Fetch { name } => {
            let documents = load(&name)?;
            println!("{name}: {} documents in {}", documents.len(), corpus::cache_dir().display());
            Ok(())
        }
    }
}

fn load(name: &str) -> Result<Vec<corpus::Document>, Failure> {
    let card = Card::named(name).map_err(Failure::request)?;
    corpus::load(&card, &corpus::cache_dir()).map_err(Failure::request)
}

fn show(name: &str) -> Result<(), Failure> {
    let card = Card::named(name).map_err(Failure::request)?;
    let documents = load(name)?;
    let summary = corpus::summary(&documents);
    println!("{}: {}", card.name, card.title);
    let source = &card.source;
    println!("source     {:?} {} {}", source.registry, source.package, source.version);
    println!("licence    {}", card.licence);
    println!("cite       {}", card.citation);
    println!("documents  {}", summary.documents);
    println!("bytes      {}", summary.bytes);
    println!("words      {}", summary.words);
    println!("types      {} ({} of them once)", summary.types, summary.hapax);
    for line in &summary.first_lines {
        println!("  | {}", printable(line));
    }
    Ok(())
}
