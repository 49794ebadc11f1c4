//! Exact properties of the language, computed without sampling.
//!
//! A document is runs, independent and of one distribution; their number and that of a run's sentences are drawn apart.
//! As text and derivation are one to one, the text's entropy is that of the choices:
//!
//! - H(document) = H(number of runs) + E[runs] · H(run);
//! - H(run) = H(person) + H(number of sentences) + H(forms) + Σ E[form's number] · H(its free slots).
//!
//! And what is absent from a document is absent from each of its runs: with `a` the probability for one run, averaged over
//! persons, the document's is Σ P(r runs) a^r. A run of sentences about one person therefore counts as one draw.

use std::collections::BTreeMap;

use crate::form::{Filler, Form};
use crate::run::Run;
use crate::world::World;

/// Frequency of something in documents of the language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// The expected number of times.
    pub expected: f64,
    /// The probability that it is in no sentence.
    pub absent: f64,
}

impl Item {
    /// The probability that it is in at least one of `documents`.
    pub fn present(&self, documents: u64) -> f64 {
        -(documents as f64 * self.absent.ln()).exp_m1()
    }

    /// The decade of its expected number of times in a document: −2 means from 0.01 to below 0.1.
    pub fn decade(&self) -> i32 {
        // The margin keeps what is a power of ten but for rounding from the decade below.
        (self.expected.log10() + 1e-9).floor() as i32
    }
}

/// The expected number of different items in `documents` documents.
pub fn expected_distinct<'a>(items: impl IntoIterator<Item = &'a Item>, documents: u64) -> f64 {
    items.into_iter().map(|item| item.present(documents)).sum()
}

/// Entropies and expected numbers, exact but for rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// Entropy of a document, its end included, in nats.
    pub entropy: f64,
    /// Expected runs of a document.
    pub runs: f64,
    /// Expected sentences of a document.
    pub sentences: f64,
    /// Each form in a document.
    pub forms: Vec<Item>,
    /// Each person, as subject or as somebody's fact. An appearance is one slot that holds the name.
    pub persons: Vec<Item>,
    /// Each fact of each person, as stated: `facts[person][fact]`.
    pub facts: Vec<Vec<Item>>,
    /// Each value of each kind, by the indices of [`World::kinds`]; those of the first, the persons, are `persons`.
    pub values: Vec<Vec<Item>>,
}

impl Exact {
    /// Entropy per sentence, a ratio of expectations, in nats.
    pub fn entropy_per_sentence(&self) -> f64 {
        self.entropy / self.sentences
    }

    /// The expected number of times per sentence of something expected so often in a document.
    pub fn per_sentence(&self, item: &Item) -> f64 {
        item.expected / self.sentences
    }
}

impl World {
    /// Reckons everything that is known in closed form. A few milliseconds for a thousand persons.
    pub fn exact(&self) -> Exact {
        let run = Run::of(self);
        let forms_of_run = run.expected();
        let runs = self.runs.mean_from_one();
        let free = forms_of_run.iter().zip(&self.forms).map(|(n, form)| n * self.free_entropy(form)).sum::<f64>();
        let of_run = self.subjects.entropy() + self.sentences.entropy() + run.entropy() + free;
        let knowing = Knowing { world: self, run, forms_of_run, runs };
        let persons = knowing.values(0);
        let kinds = (1..self.kinds).map(|kind| knowing.values(kind));
        Exact {
            entropy: self.runs.entropy() + runs * of_run,
            runs,
            sentences: runs * self.sentences.mean_from_one(),
            forms: knowing.forms(),
            facts: knowing.facts(),
            values: std::iter::once(persons.clone()).chain(kinds).collect(),
            persons,
        }
    }

    fn free_entropy(&self, form: &Form) -> f64 {
        let free = form.slots().filter(|slot| slot.filler == Filler::Free);
        free.map(|slot| self.lists[slot.list].table.entropy()).sum()
    }

    /// The probability of each value of a fact where a text states it, for a reader who does not know of whom: what
    /// guessing would give.
    pub fn prior(&self, fact: usize) -> Vec<f64> {
        let mut prior = vec![0.0; self.values(fact).len()];
        for (person, p) in self.subjects.p().iter().enumerate() {
            prior[self.truth(person, fact)] += p;
        }
        prior
    }
}

struct Knowing<'a> {
    world: &'a World,
    run: Run<'a>,
    /// Expected number of each form in a run.
    forms_of_run: Vec<f64>,
    /// Expected runs of a document.
    runs: f64,
}

impl Knowing<'_> {
    /// From numbers for a run to numbers for a document.
    fn item(&self, expected: f64, absent: f64) -> Item {
        let powers = self.world.runs.p().iter().zip(1..).map(|(p, runs)| p * absent.powi(runs));
        Item { expected: self.runs * expected, absent: powers.sum() }
    }

    fn forms(&self) -> Vec<Item> {
        let mut avoids = vec![1.0; self.forms_of_run.len()];
        (self.forms_of_run.iter().enumerate())
            .map(|(form, &expected)| {
                avoids[form] = 0.0;
                let absent = self.run.without(&avoids);
                avoids[form] = 1.0;
                self.item(expected, absent)
            })
            .collect()
    }

    fn facts(&self) -> Vec<Vec<Item>> {
        let world = self.world;
        let of_run: Vec<(f64, f64)> = (0..world.facts.len())
            .map(|fact| {
                let stated: Vec<usize> = world.forms.iter().map(|form| form.states(fact)).collect();
                let avoids: Vec<f64> = stated.iter().map(|&n| if n > 0 { 0.0 } else { 1.0 }).collect();
                let expected = stated.iter().zip(&self.forms_of_run).map(|(&n, forms)| n as f64 * forms).sum();
                (expected, self.run.without(&avoids))
            })
            .collect();
        let of_person =
            |p: f64| of_run.iter().map(|&(expected, absent)| self.item(p * expected, 1.0 - p + p * absent)).collect();
        world.subjects.p().iter().map(|&p| of_person(p)).collect()
    }

    /// The values of a kind, in all slots that may hold them.
    fn values(&self, kind: usize) -> Vec<Item> {
        let world = self.world;
        let facts: Vec<usize> = (0..world.facts.len()).filter(|&fact| world.facts[fact].list == kind).collect();
        // Persons by which of their facts have a value: few different patterns for each value.
        let mut patterns: Vec<BTreeMap<u64, f64>> = vec![BTreeMap::new(); world.lists[kind].len()];
        for (person, p) in world.subjects.p().iter().enumerate() {
            let mut of_value: BTreeMap<usize, u64> = BTreeMap::new();
            for (bit, &fact) in facts.iter().enumerate() {
                *of_value.entry(world.truth(person, fact)).or_insert(0) |= 1 << bit;
            }
            for (value, pattern) in of_value {
                *patterns[value].entry(pattern).or_insert(0.0) += p;
            }
        }
        let uses = self.uses(kind, &facts);
        let mut without = Without { run: &self.run, uses: &uses, known: BTreeMap::new() };
        let values = patterns.iter().enumerate();
        values.map(|(value, patterns)| self.value(kind, value, patterns, &uses, &mut without)).collect()
    }

    /// How the forms use a kind: free slots, and slots of each of its facts.
    fn uses(&self, kind: usize, facts: &[usize]) -> Vec<Uses> {
        let forms = self.world.forms.iter();
        forms
            .map(|form| Uses {
                free: form.slots().filter(|slot| slot.list == kind && slot.filler == Filler::Free).count(),
                facts: facts.iter().map(|&fact| form.states(fact)).collect(),
            })
            .collect()
    }

    fn value(
        &self,
        kind: usize,
        value: usize,
        patterns: &BTreeMap<u64, f64>,
        uses: &[Uses],
        without: &mut Without<'_>,
    ) -> Item {
        let (persons, drawn) = (kind == 0, self.world.lists[kind].table.p()[value]);
        // A run of the person itself always holds its name.
        let own = if persons { self.world.subjects.p()[value] } else { 0.0 };
        let mut others = 1.0 - own;
        let (mut expected, mut absent) = (own, 0.0);
        for (&pattern, &p) in patterns.iter().chain([(&0, &0.0)]) {
            let numbers = uses.iter().zip(&self.forms_of_run);
            expected += p * numbers.clone().map(|(uses, forms)| uses.stated(pattern) as f64 * forms).sum::<f64>();
            if pattern == 0 {
                absent += others * without.value(pattern, drawn);
                expected += numbers.map(|(uses, forms)| uses.free as f64 * drawn * forms).sum::<f64>();
            } else {
                others -= p;
                absent += p * without.value(pattern, drawn);
            }
        }
        self.item(expected, absent)
    }
}

/// The probability that a run does not hold a value, by the facts that have it and by how often it is drawn. Where nothing
/// is drawn there are few different ones.
struct Without<'a> {
    run: &'a Run<'a>,
    uses: &'a [Uses],
    known: BTreeMap<(u64, u64), f64>,
}

impl Without<'_> {
    fn value(&mut self, pattern: u64, drawn: f64) -> f64 {
        let drawn = if self.uses.iter().any(|uses| uses.free > 0) { drawn } else { 0.0 };
        *self.known.entry((pattern, drawn.to_bits())).or_insert_with(|| {
            let avoids: Vec<f64> = self.uses.iter().map(|uses| uses.avoids(pattern, drawn)).collect();
            self.run.without(&avoids)
        })
    }
}

/// How one form uses the values of a kind.
struct Uses {
    free: usize,
    facts: Vec<usize>,
}

impl Uses {
    /// Slots of the facts in the pattern.
    fn stated(&self, pattern: u64) -> usize {
        self.facts.iter().enumerate().filter(|(bit, _)| pattern >> bit & 1 == 1).map(|(_, slots)| slots).sum()
    }

    /// The probability that a sentence does not hold the value, which free slots have with the probability `drawn`.
    fn avoids(&self, pattern: u64, drawn: f64) -> f64 {
        if self.stated(pattern) > 0 { 0.0 } else { (1.0 - drawn).powi(self.free as i32) }
    }
}
