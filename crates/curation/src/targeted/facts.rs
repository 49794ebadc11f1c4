//! Facts that the written text states too rarely.

use world::Survey;

use crate::targeted::shortfall;

/// A fact and how much of it is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FactGap {
    /// Of whom.
    pub person: usize,
    /// Which.
    pub fact: usize,
    /// 1 - found/expected: 1 for a fact that is stated no more.
    pub gap: f64,
}

/// The facts that the human text states and the written text states less often, a document, worst first; of equals in
/// the world's order. `World::questions` has a beginning for each that asks for it.
pub fn fact_gaps(human: &Survey, written: &Survey) -> Vec<FactGap> {
    let scale = written.documents as f64 / human.documents.max(1) as f64;
    let mut gaps = Vec::new();
    for (person, (human, written)) in human.facts.iter().zip(&written.facts).enumerate() {
        let expected: Vec<f64> = human.iter().map(|&count| count as f64 * scale).collect();
        let found: Vec<f64> = written.iter().map(|&count| count as f64).collect();
        let of_person = shortfall(&expected, &found).into_iter().enumerate();
        gaps.extend(of_person.map(|(fact, gap)| FactGap { person, fact, gap }).filter(|gap| gap.gap > 0.0));
    }
    gaps.sort_by(|a, b| b.gap.total_cmp(&a.gap));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::village;

    #[test]
    fn what_is_stated_less_is_found() {
        let world = village();
        let say = |person: usize| {
            format!("{} lives in {}.", world.persons()[person], world.values(0)[world.truth(person, 0)])
        };
        let survey = |persons: &[usize]| {
            let texts: Vec<String> = persons.iter().map(|&person| say(person)).collect();
            Survey::of(&world, texts.iter().map(String::as_str))
        };
        // Half as many documents: of two, one and one statements 1, .5 and .5 are expected.
        let gaps = fact_gaps(&survey(&[0, 0, 1, 2]), &survey(&[0, 1]));
        assert_eq!(gaps, [FactGap { person: 2, fact: 0, gap: 1.0 }]);
        let gaps = fact_gaps(&survey(&[0, 0, 0, 1]), &survey(&[0, 2]));
        let expected = [(1, 1.0), (0, 1.0 - 1.0 / 1.5)].map(|(person, gap)| FactGap { person, fact: 0, gap });
        assert_eq!(gaps, expected);
    }
}
