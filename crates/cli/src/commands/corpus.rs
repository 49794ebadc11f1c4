use crate::Failure;
use crate::args::{CorpusArgs, CorpusCommand};
use corpus::{Card, printable};
use world::World;

/// `habsburg corpus`
pub(crate) fn corpus(args: CorpusArgs) -> Result<(), Failure> {
    match args.command {
        CorpusCommand::List => {
            for card in Card::all() {
                println!("{:14} {}", card.name, card.title);
            }
            for name in World::names() {
                println!("{name:14} A generated language whose every probability is known: nothing to fetch");
            }
            Ok(())
        }
        CorpusCommand::Show { name } => match World::names().any(|world| world == name) {
            true => show_world(&name),
            false => show(&name),
        },
        CorpusCommand::Fetch { name } if World::names().any(|world| world == name) => {
            println!("{name}: is written when it is needed; there is nothing to fetch");
            Ok(())
        }
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

/// What is known of a world, and its first documents.
fn show_world(name: &str) -> Result<(), Failure> {
    let world = World::named(name).map_err(Failure::request)?;
    let exact = world.exact();
    println!("{name}: a generated language; data/worlds/{name}.toml is its grammar");
    println!("persons    {}", world.persons().len());
    println!("facts      {} of each: {}", world.facts().len(), world.facts().collect::<Vec<_>>().join(", "));
    println!("forms      {} of sentences", world.forms().len());
    println!("document   {:.2} sentences, {:.3} nats of entropy", exact.sentences, exact.entropy);
    for document in world.documents(0..3) {
        println!("  | {}", printable(&document.text));
    }
    Ok(())
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
