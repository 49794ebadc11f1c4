//! Coverage of the language by a generated text, and what it invents.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Standing;
use crate::derivation::Holds;
use crate::exact::{Exact, Item};
use crate::judge::{Judged, Judgement};
use crate::world::{FalseFact, World};

/// One value, named as in `metrics.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the metric.
    pub metric: &'static str,
    /// True if it is the expectation of a sample of the same size of the language itself.
    pub expected: bool,
    /// A band of frequency; empty if it is of all.
    pub band: String,
    /// A judgement, or another category; empty if there is none.
    pub part: &'static str,
    /// The value.
    pub value: f64,
}

impl Row {
    pub(crate) fn new(metric: &'static str, value: f64) -> Self {
        Self { metric, expected: false, band: String::new(), part: "", value }
    }

    /// The same of a sample of the language.
    pub(crate) fn expected(self) -> Self {
        Self { expected: true, ..self }
    }

    pub(crate) fn band(self, band: impl Into<String>) -> Self {
        Self { band: band.into(), ..self }
    }

    pub(crate) fn part(self, part: &'static str) -> Self {
        Self { part, ..self }
    }
}

/// Counts over many texts. All are of occurrences, in sentences of any form unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Texts.
    pub documents: u64,
    /// Texts that are whole documents of the language.
    pub grammatical: u64,
    /// Sentences, by what they are.
    pub sentences: BTreeMap<Judgement, u64>,
    /// Of each form.
    pub forms: Vec<u64>,
    /// Values of each kind, persons first: `values[kind][value]`.
    pub values: Vec<Vec<u64>>,
    /// Statements of each true fact, where it is clear of whom: `facts[person][fact]`.
    pub facts: Vec<Vec<u64>>,
    /// Statements of facts, where it is clear of whom, by what the stated value is in the world's generation.
    pub statements: BTreeMap<Standing, u64>,
    /// Statements of facts that are not so.
    pub false_facts: BTreeMap<FalseFact, u64>,
    /// Names that are not of the world. They are of capitals, letters, `'` and `-` only.
    pub invented: BTreeMap<String, u64>,
    /// Draws of the kind that the planted bias is in, and how many of them took its value.
    pub bias: (u64, u64),
    /// Texts that state two facts or more of one person, and how many of them state some that no person has together: modes of
    /// the language that have run into each other ("entangled modes", Schaeffer et al. 2025, arXiv 2503.03150). The language
    /// itself has none.
    pub entangled: (u64, u64),
    /// Texts that hold something at least once: what comes in a run counts once there.
    pub holding: Holding,
}

/// Numbers of texts that hold an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Of each person, as a subject.
    pub persons: Vec<u64>,
    /// Of each true fact: person after person.
    pub facts: Vec<u64>,
    /// Of each form.
    pub forms: Vec<u64>,
}

impl Survey {
    /// An empty survey.
    pub fn new(world: &World) -> Self {
        Self {
            documents: 0,
            grammatical: 0,
            sentences: Judgement::ALL.map(|judgement| (judgement, 0)).into(),
            forms: vec![0; world.forms.len()],
            values: world.lists[..world.kinds].iter().map(|list| vec![0; list.len()]).collect(),
            facts: vec![vec![0; world.facts.len()]; world.persons().len()],
            statements: Standing::ALL.map(|standing| (standing, 0)).into(),
            false_facts: BTreeMap::new(),
            invented: BTreeMap::new(),
            bias: (0, 0),
            entangled: (0, 0),
            holding: Holding {
                persons: vec![0; world.persons().len()],
                facts: vec![0; world.persons().len() * world.facts.len()],
                forms: vec![0; world.forms.len()],
            },
        }
    }

    /// Counts many texts.
    pub fn of<'a>(world: &World, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut survey = Self::new(world);
        texts.into_iter().for_each(|text| survey.add(world, text, false));
        survey
    }

    /// Counts one text. Of one that is truncated, a last sentence without an end is not judged, and the whole is never
    /// grammatical.
    pub fn add(&mut self, world: &World, text: &str, truncated: bool) {
        self.documents += 1;
        self.grammatical += u64::from(!truncated && world.parse(text).is_ok());
        // What is stated of each person: facts and values.
        let mut stated: BTreeMap<usize, BTreeSet<(usize, usize)>> = BTreeMap::new();
        let mut forms = BTreeSet::new();
        for judged in world.judge(text) {
            let open = !text[..judged.end].ends_with(['.', '!', '?']);
            if !(truncated && open) {
                self.add_sentence(world, text, &judged);
                forms.extend(judged.form);
                let Some(person) = judged.subject else { continue };
                let facts = judged.fills.iter().filter_map(|fill| match fill.holds {
                    Holds::Fact(fact, value) => Some((fact, value)),
                    _ => None,
                });
                stated.entry(person).or_default().extend(facts);
            }
        }
        forms.into_iter().for_each(|form| self.holding.forms[form] += 1);
        for (&person, facts) in &stated {
            self.holding.persons[person] += 1;
            let is_true = |&&(fact, value): &&(usize, usize)| world.truth(person, fact) == value;
            for &(fact, _) in facts.iter().filter(is_true) {
                self.holding.facts[person * world.facts.len() + fact] += 1;
            }
        }
        let several: Vec<_> = stated.values().filter(|facts| facts.len() > 1).collect();
        let all_of = |person: usize, facts: &BTreeSet<(usize, usize)>| {
            facts.iter().all(|&(fact, value)| world.truth(person, fact) == value)
        };
        let nobodys =
            |facts: &&BTreeSet<(usize, usize)>| !(0..world.persons().len()).any(|person| all_of(person, facts));
        self.entangled.0 += u64::from(!several.is_empty());
        self.entangled.1 += u64::from(several.into_iter().any(|facts| nobodys(&facts)));
    }

    fn add_sentence(&mut self, world: &World, text: &str, judged: &Judged) {
        *self.sentences.entry(judged.judgement).or_insert(0) += 1;
        let Some(form) = judged.form else { return };
        self.forms[form] += 1;
        for fill in &judged.fills {
            match fill.holds {
                Holds::Subject(person) => self.values[0][person] += 1,
                Holds::Free(kind, value) => {
                    self.values[kind][value] += 1;
                    if let Some((_, biased)) = world.bias.filter(|(biased, _)| *biased == kind) {
                        self.bias = (self.bias.0 + 1, self.bias.1 + u64::from(value == biased));
                    }
                }
                Holds::Fact(fact, value) => {
                    self.values[world.facts[fact].list][value] += 1;
                    if let Some(person) = judged.subject {
                        self.facts[person][fact] += u64::from(world.truth(person, fact) == value);
                        *self.statements.entry(world.standing(person, fact, value)).or_insert(0) += 1;
                    }
                }
                Holds::Pronoun(_) => {}
            }
        }
        for &(start, end) in &judged.invented {
            *self.invented.entry(text[start..end].to_owned()).or_insert(0) += 1;
        }
        for &fact in &judged.false_facts {
            *self.false_facts.entry(fact).or_insert(0) += 1;
        }
    }

    /// Sentences of any kind.
    pub fn all_sentences(&self) -> u64 {
        self.sentences.values().sum()
    }

    /// The survey as rows. Shares of nothing are left out.
    ///
    /// | metric | band, part | value | as expected of the language |
    /// |---|---|---|---|
    /// | `grammatical-documents` | | share of texts that are documents of the language | |
    /// | `sentences` | part: a [`Judgement`]'s name | share of sentences | |
    /// | `persons`, `facts`, `forms` | band: a decade, as `1e-3` | how many still occur | in as many documents |
    /// | the same | and part `all` | how many there are | |
    /// | `invented-persons` | | different names that are not of the world | |
    /// | `false-facts` | | different facts that are not so | |
    /// | `false-fact-share` | | of the statements of facts, by number | |
    /// | `entangled` | | of the texts that state several facts of one person, those whose facts nobody has together | zero |
    /// | `bias` | | share of the planted value among the draws of its kind | its probability |
    /// | `tic` | | planted sentences, per sentence | their probability |
    pub fn rows(&self, world: &World, exact: &Exact) -> Vec<Row> {
        let share = |metric, part: u64, whole: u64| (whole > 0).then(|| Row::new(metric, part as f64 / whole as f64));
        let (mut rows, sentences) = (Vec::new(), self.all_sentences());
        rows.extend(share("grammatical-documents", self.grammatical, self.documents));
        for (judgement, &count) in &self.sentences {
            rows.extend(share("sentences", count, sentences).map(|row| row.part(judgement.name())));
        }
        let lies: u64 = self.false_facts.values().sum();
        let truths: u64 = self.facts.iter().flatten().sum();
        rows.extend(share("false-fact-share", lies, lies + truths));
        rows.extend(share("entangled", self.entangled.1, self.entangled.0));
        rows.extend(share("entangled", 0, self.entangled.0).map(Row::expected));
        rows.extend(share("bias", self.bias.1, self.bias.0));
        if let Some((kind, value)) = world.bias {
            rows.push(Row::new("bias", world.lists[kind].table.p()[value]).expected());
        }
        if let Some(tic) = world.tic {
            if sentences > 0 {
                rows.push(Row::new("tic", self.forms[tic] as f64 / sentences as f64));
            }
            rows.push(Row::new("tic", exact.per_sentence(&exact.forms[tic])).expected());
        }
        rows.push(Row::new("invented-persons", self.invented.len() as f64));
        rows.push(Row::new("false-facts", self.false_facts.len() as f64));
        rows.extend(self.decades("persons", &exact.persons, &self.values[0]));
        rows.extend(self.decades("facts", exact.facts.iter().flatten(), self.facts.iter().flatten()));
        rows.extend(self.decades("forms", &exact.forms, &self.forms));
        rows
    }

    /// The statements of facts of a world that changes as rows; none if there are none.
    ///
    /// | metric | part | value |
    /// |---|---|---|
    /// | `statements` | `kept`, `new` | share of statements that are true now, since before this generation or since it |
    /// | the same | `withdrawn` | share of statements that were true once: stale |
    /// | the same | `never` | share of statements that never were true |
    pub fn statement_rows(&self) -> Vec<Row> {
        let all: u64 = self.statements.values().sum();
        let row = |(standing, &count): (&Standing, &u64)| {
            (all > 0).then(|| Row::new("statements", count as f64 / all as f64).part(standing.name()))
        };
        self.statements.iter().filter_map(row).collect()
    }

    fn decades<'a>(
        &self,
        metric: &'static str,
        items: impl IntoIterator<Item = &'a Item>,
        counts: impl IntoIterator<Item = &'a u64>,
    ) -> Vec<Row> {
        let survivors = survivors(items, counts, self.documents);
        let rows = survivors.iter().rev().flat_map(|(decade, survivors)| {
            let of_band = |value| Row::new(metric, value).band(format!("1e{decade}"));
            let all = of_band(survivors.all as f64).part("all");
            [of_band(survivors.present as f64), of_band(survivors.expected).expected(), all]
        });
        rows.collect()
    }
}

/// The items of one decade of frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Survivors {
    /// How many there are.
    pub all: u64,
    /// How many occur in the texts.
    pub present: u64,
    /// How many a sample of as many documents of the language is expected to hold.
    pub expected: f64,
}

/// Items by the decade of their expected number in a document, with how many occur. Items and counts go side by side.
pub fn survivors<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    counts: impl IntoIterator<Item = &'a u64>,
    documents: u64,
) -> BTreeMap<i32, Survivors> {
    let mut decades: BTreeMap<i32, Survivors> = BTreeMap::new();
    for (item, &count) in items.into_iter().zip(counts) {
        // What cannot occur (a person whose weight is zero) has no decade.
        if item.expected > 0.0 {
            let decade = decades.entry(item.decade()).or_default();
            decade.all += 1;
            decade.present += u64::from(count > 0);
            decade.expected += item.present(documents);
        }
    }
    decades
}

/// Inheritance of false facts from one generation to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inheritance {
    /// Share of the parent's false facts that the child states too.
    pub repeated: f64,
    /// The same share in texts of as late a generation of other seeds, which cannot have it from this parent: the mean
    /// over them, zero if there are none.
    pub shared: f64,
}

impl Inheritance {
    /// Inherited facts: `repeated` less `shared`.
    pub fn inherited(&self) -> f64 {
        self.repeated - self.shared
    }
}

/// How many of a generation's false facts the next repeats, and how many of them chains of other seeds state as well.
/// None if the parent has no false facts.
pub fn inheritance(
    parent: &BTreeSet<FalseFact>,
    child: &BTreeSet<FalseFact>,
    strangers: &[BTreeSet<FalseFact>],
) -> Option<Inheritance> {
    if parent.is_empty() {
        return None;
    }
    let share = |other: &BTreeSet<FalseFact>| parent.intersection(other).count() as f64 / parent.len() as f64;
    let shared = strangers.iter().map(share).sum::<f64>() / strangers.len().max(1) as f64;
    Some(Inheritance { repeated: share(child), shared })
}
