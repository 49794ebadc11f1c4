//! Survival: of the types that so many documents of the human text hold, the number that a generation still generates. The law of
//! survival predicts it from the first numbers; the report shows it with the others.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use world::Holding;

/// In a score stage.
pub(super) const SURVIVORS: &str = "survivors.json";

/// How many documents hold each type. Documents are counted and not occurrences: what comes in a run is one draw.
pub(super) struct Census {
    documents: u64,
    words: BTreeMap<String, u64>,
    /// Persons, facts and forms, where the text is a world's.
    holding: Option<Holding>,
}

/// One kind of type, as `survivors.json` has it.
#[derive(Serialize)]
pub(super) struct Survivors {
    /// Documents of the human text.
    human: u64,
    /// Documents that the generation wrote.
    generated: u64,
    /// Documents of the human text that hold a type, how many such types there are, how many of them are alive.
    classes: Vec<(u64, u64, u64)>,
}

impl Census {
    /// Counts texts. `holding` is what a world's survey says of the same.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>, holding: Option<Holding>) -> Self {
        let (mut documents, mut words) = (0, BTreeMap::<String, u64>::new());
        for text in texts {
            documents += 1;
            for word in evaluation::words(text).collect::<BTreeSet<_>>() {
                match words.get_mut(word) {
                    Some(count) => *count += 1,
                    None => drop(words.insert(word.to_string(), 1)),
                }
            }
        }
        Self { documents, words, holding }
    }

    /// The number of these types that `generated` still has, by kind.
    pub(super) fn survivors(&self, generated: &Self) -> BTreeMap<&'static str, Survivors> {
        let of = |pairs: &mut dyn Iterator<Item = (u64, bool)>| {
            let mut classes = BTreeMap::<u64, (u64, u64)>::new();
            for (held, alive) in pairs.filter(|&(held, _)| held > 0) {
                let class = classes.entry(held).or_default();
                *class = (class.0 + 1, class.1 + u64::from(alive));
            }
            let classes = classes.into_iter().map(|(held, (all, alive))| (held, all, alive)).collect();
            Survivors { human: self.documents, generated: generated.documents, classes }
        };
        let words = &mut self.words.iter().map(|(word, &held)| (held, generated.words.contains_key(word)));
        let mut kinds = BTreeMap::from([("words", of(words))]);
        if let (Some(human), Some(generated)) = (&self.holding, &generated.holding) {
            for (kind, human, generated) in [
                ("persons", &human.persons, &generated.persons),
                ("facts", &human.facts, &generated.facts),
                ("forms", &human.forms, &generated.forms),
            ] {
                kinds.insert(kind, of(&mut human.iter().zip(generated).map(|(&held, &now)| (held, now > 0))));
            }
        }
        kinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::{Survey, World};

    #[test]
    fn types_by_the_documents_that_hold_them() {
        let census = |texts: &[&str]| Census::of(texts.iter().copied(), None);
        let human = census(&["a b a", "a c", "a b"]);
        let survivors = human.survivors(&census(&["b d", "a"]));
        let words = &survivors["words"];
        // `a` is in three documents and alive, `b` in two and alive, `c` in one and gone.
        assert_eq!((words.human, words.generated, &words.classes[..]), (3, 2, &[(1, 1, 0), (2, 1, 1), (3, 1, 1)][..]));
        assert_eq!(survivors.len(), 1);
    }

    #[test]
    fn a_world_has_persons_facts_and_forms_too() {
        let world = World::chronicle();
        let texts: Vec<String> = (0..300).map(|index| world.derive(index).0).collect();
        let census = |range: std::ops::Range<usize>| {
            let texts = || texts[range.clone()].iter().map(String::as_str);
            Census::of(texts(), Some(Survey::of(&world, texts()).holding))
        };
        let (human, same, none) = (census(0..200), census(0..200), census(200..200));
        for (kind, survivors) in human.survivors(&same) {
            assert!(survivors.classes.iter().all(|&(held, all, alive)| held > 0 && all == alive), "{kind}");
        }
        let gone = human.survivors(&none);
        assert_eq!(gone.keys().copied().collect::<Vec<_>>(), ["facts", "forms", "persons", "words"]);
        assert!(gone.values().all(|one| one.classes.iter().all(|class| class.2 == 0) && !one.classes.is_empty()));
    }
}
