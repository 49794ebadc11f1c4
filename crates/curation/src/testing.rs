//! Helpers that the tests of several defences share.

use corpus::{Document, Origin, Provenance};
use sampling::Sampling;
use streams::Streams;
use world::World;

use crate::candidate::{Candidate, Context, Models, Place, Which};

/// A human document.
pub(crate) fn human(number: usize, text: &str) -> Document {
    Document::human(format!("h/{number}"), text, "test")
}

/// A document of a generation.
pub(crate) fn written(number: usize, text: &str, generation: u32) -> Document {
    let provenance = Provenance { generation: Some(generation), ..Provenance::of(Origin::Synthetic) };
    Document { id: format!("w/{generation}/{number}"), text: text.to_owned(), truncated: false, provenance }
}

/// A small world: three persons, one fact.
pub(crate) fn village() -> World {
    World::from_toml(
        r#"
        name = "village"
        document = { runs = [0.5, 0.5], sentences = [0.5, 0.5], longest = 40 }
        person = { words = ["Ada", "Bo", "Cyril"] }
        kind.town = { words = ["Ash", "Elm", "Oak"] }
        fact.home = "town"
        [forms.home]
        "{person} lives in {home}." = 3
        "{person} calls {home} a good place." = 1
        [forms.walk]
        "One day there was a walk to {any town}." = 1
        "#,
    )
    .unwrap()
}

/// A model that is a table: token t costs t nats, the end none; drawn again, a token is 9 below a half, else itself.
pub(crate) struct Table;

impl Models for Table {
    fn token_losses(&self, _: Which, documents: &[Candidate<'_>]) -> Result<Vec<Vec<f32>>, String> {
        let losses = |candidate: &Candidate<'_>| {
            let end = (!candidate.document.truncated).then_some(0.0);
            candidate.ids.iter().map(|&id| id as f32).chain(end).collect()
        };
        Ok(documents.iter().map(losses).collect())
    }

    fn redraw(
        &self,
        _: Which,
        documents: &[Candidate<'_>],
        places: &[Vec<Place>],
        _: &Sampling,
    ) -> Result<Vec<Vec<u32>>, String> {
        let drawn = |(document, places): (&Candidate<'_>, &Vec<Place>)| {
            let token = |place: &Place| if place.uniform < 0.5 { 9 } else { document.ids[place.position] };
            places.iter().map(token).collect()
        };
        Ok(documents.iter().zip(places).map(drawn).collect())
    }
}

/// Parts of a context.
pub(crate) struct Bench<'a> {
    pub(crate) human: Vec<Candidate<'a>>,
    pub(crate) latest: Vec<Candidate<'a>>,
    pub(crate) world: Option<&'a World>,
    pub(crate) streams: Streams,
}

impl Default for Bench<'_> {
    fn default() -> Self {
        Self { human: Vec::new(), latest: Vec::new(), world: None, streams: Streams::new(7) }
    }
}

impl Bench<'_> {
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            human: &self.human,
            latest: &self.latest,
            streams: &self.streams,
            generation: 1,
            separator: 0,
            world: self.world,
            models: &Table,
        }
    }
}
