//! Marks for what a model knows of a world that changes: what it keeps, what it learned, and what it says that is not so any
//! more.

use std::collections::BTreeMap;

use crate::clock::Standing;
use crate::grade::{best_and_sum, ln_sum};
use crate::recall::Question;
use crate::survey::Row;
use crate::world::World;

/// An answer by what became of the fact.
#[derive(Clone, Copy)]
struct Mark {
    /// −ln of the share that the value, or all of the values, have of the probability of all candidates.
    loss: f64,
    /// True if the likeliest candidate is the value, or one of the values.
    top: bool,
}

/// A group of answers: the metric, the generations that the fact has its value (none for all), and the part.
type Group = (&'static str, Option<u32>, &'static str);

impl World {
    /// Means over answers to this generation's questions ([`World::questions`]): each question with the natural logarithm of
    /// the probability that a model gives each candidate. A share is of the probability of all candidates together.
    ///
    /// Each question is of one of the first two groups; where the fact ever had another value it is of the third as well.
    ///
    /// | group | facts | share |
    /// |---|---|---|
    /// | `keep` | that have their value since before this generation | of the true value |
    /// | `learn` | that have it since this generation; part `person`: of who joined, part `value`: in another's place | of the true value |
    /// | `stale` | that had another value once | of all withdrawn values |
    ///
    /// Of each group four rows, those of no question left out. Bands of `keep` and `stale` are the number of generations that
    /// the present value holds, beside a row of all: for a fact that changed once, since its former value was withdrawn.
    ///
    /// | metric | value |
    /// |---|---|
    /// | `keep`, `learn`, `stale` | mean share |
    /// | `keep-loss`, `learn-loss`, `stale-loss` | mean of −ln share, nats |
    /// | `keep-top`, `learn-top`, `stale-top` | how often the likeliest candidate is the value, or one of the values |
    /// | `keep-questions`, ... | questions |
    ///
    /// # Panics
    /// As [`crate::Answers::grade`].
    pub fn turnover<'a>(&self, answers: impl IntoIterator<Item = (&'a Question, &'a [f64])>) -> Vec<Row> {
        let mut groups: BTreeMap<Group, Vec<Mark>> = BTreeMap::new();
        for (question, ln) in answers {
            let &Question { person, fact, answer, .. } = question;
            assert_eq!(ln.len(), self.values(fact).len(), "one log-probability for each candidate");
            let (best, sum) = best_and_sum(ln);
            let mark = |values: &[usize]| {
                let loss = sum - ln_sum(values.iter().map(|&value| ln[value]));
                Mark { loss, top: values.contains(&best) }
            };
            let mut add = |group, mark| groups.entry(group).or_default().push(mark);
            let (age, withdrawn) = (self.generation() - self.since(person, fact), self.withdrawn(person, fact));
            if self.standing(person, fact, answer) == Standing::New {
                let part = if withdrawn.is_empty() { "person" } else { "value" };
                add(("learn", None, ""), mark(&[answer]));
                add(("learn", None, part), mark(&[answer]));
            } else {
                add(("keep", None, ""), mark(&[answer]));
                add(("keep", Some(age), ""), mark(&[answer]));
            }
            if !withdrawn.is_empty() {
                add(("stale", None, ""), mark(&withdrawn));
                add(("stale", Some(age), ""), mark(&withdrawn));
            }
        }
        groups.iter().flat_map(|(&group, marks)| rows(group, marks)).collect()
    }
}

fn rows((group, age, part): Group, marks: &[Mark]) -> [Row; 4] {
    let metrics = match group {
        "keep" => ["keep", "keep-loss", "keep-top", "keep-questions"],
        "learn" => ["learn", "learn-loss", "learn-top", "learn-questions"],
        _ => ["stale", "stale-loss", "stale-top", "stale-questions"],
    };
    let n = marks.len() as f64;
    let mean = |of: &dyn Fn(&Mark) -> f64| marks.iter().map(of).sum::<f64>() / n;
    let values =
        [mean(&|mark| (-mark.loss).exp()), mean(&|mark| mark.loss), mean(&|mark| f64::from(u8::from(mark.top))), n];
    let band = age.map_or(String::new(), |age| age.to_string());
    std::array::from_fn(|at| Row::new(metrics[at], values[at]).band(band.clone()).part(part))
}
