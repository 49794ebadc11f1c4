use crate::Failure;
use crate::args::{CorpusArgs, CorpusCommand};
use crate::output::Output;
use corpus::{Card, printable};
use world::World;

/// `habsburg corpus`
pub(crate) fn corpus(args: CorpusArgs, out: &mut Output) -> Result<(), Failure> {
    match args.command {
        CorpusCommand::List => {
            for card in Card::all() {
                writeln!(out, "{:14} {}", card.name, card.title)?;
            }
            for name in World::names() {
                writeln!(out, "{name:14} A generated language whose every probability is known: nothing to fetch")?;
            }
            Ok(())
        }
        CorpusCommand::Show { name } => match World::names().any(|world| world == name) {
            true => show_world(&name, out),
            false => show(&name, out),
        },
        CorpusCommand::Fetch { name } if World::names().any(|world| world == name) => {
            writeln!(out, "{name}: is written when it is needed; there is nothing to fetch")?;
            Ok(())
        }
        CorpusCommand::Fetch { name } => {
            let documents = load(&name)?;
            writeln!(out, "{name}: {} documents in {}", documents.len(), corpus::cache_dir().display())?;
            Ok(())
        }
    }
}

fn load(name: &str) -> Result<Vec<corpus::Document>, Failure> {
    let card = Card::named(name).map_err(Failure::request)?;
    Ok(corpus::load(&card, &corpus::cache_dir())?)
}

/// What is known of a world, and its first documents.
fn show_world(name: &str, out: &mut Output) -> Result<(), Failure> {
    let world = World::named(name).map_err(Failure::request)?;
    let exact = world.exact();
    writeln!(out, "{name}: a generated language; data/worlds/{name}.toml is its grammar")?;
    writeln!(out, "persons    {}", world.persons().len())?;
    writeln!(out, "facts      {} of each: {}", world.facts().len(), world.facts().collect::<Vec<_>>().join(", "))?;
    writeln!(out, "forms      {} of sentences", world.forms().len())?;
    writeln!(out, "document   {:.2} sentences, {:.3} nats of entropy", exact.sentences, exact.entropy)?;
    for document in world.documents(0..3) {
        writeln!(out, "  | {}", printable(&document.text))?;
    }
    Ok(())
}

fn show(name: &str, out: &mut Output) -> Result<(), Failure> {
    let card = Card::named(name).map_err(Failure::request)?;
    let documents = load(name)?;
    let summary = corpus::summary(&documents);
    writeln!(out, "{}: {}", card.name, card.title)?;
    let source = &card.source;
    writeln!(out, "source     {:?} {} {}", source.registry, source.package, source.version)?;
    writeln!(out, "licence    {}", card.licence)?;
    writeln!(out, "cite       {}", card.citation)?;
    writeln!(out, "documents  {}", summary.documents)?;
    writeln!(out, "bytes      {}", summary.bytes)?;
    writeln!(out, "words      {}", summary.words)?;
    writeln!(out, "types      {} ({} of them once)", summary.types, summary.hapax)?;
    for line in &summary.first_lines {
        writeln!(out, "  | {}", printable(line))?;
    }
    Ok(())
}
