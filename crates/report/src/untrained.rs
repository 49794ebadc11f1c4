//! Chains whose test loss is above that of a model which knows token frequencies alone: from there on their models say less of
//! the language than a table of counts, so what is measured of them says little about collapse.

use std::collections::BTreeMap;

use evaluation::Dimensions;
use evaluation::metric::{TEST_LOSS, UNIGRAM_LOSS};
use maud::{Markup, html};

use crate::arm::Arm;
use crate::data::{Data, Values};
use crate::key::Key;

/// Chains that are listed, at most.
const LISTED: usize = 20;

/// A chain, and the first generation that is above.
#[derive(Debug, PartialEq)]
struct Above {
    seed: u64,
    generation: u32,
    loss: f64,
    unigram: f64,
}

/// The box on the page; empty if there are no such chains.
pub(crate) fn section(data: &Data) -> Markup {
    let values = |metric| data.values.get(&Key::of(metric, Dimensions::NONE));
    let (Some(losses), Some(unigrams)) = (values(&TEST_LOSS), values(&UNIGRAM_LOSS)) else { return Markup::default() };
    let of_arm = |arm: &Arm| Some((arm.name.clone(), above(losses.get(&arm.name)?, unigrams.get(&arm.name)?)));
    let of_arms = data.arms.iter().filter_map(of_arm);
    let all: Vec<(String, Above)> =
        of_arms.flat_map(|(arm, found)| found.into_iter().map(move |above| (arm.clone(), above))).collect();
    if all.is_empty() {
        return Markup::default();
    }
    html! {
        div.warn {
            p {
                b { "Models that have learnt less than token frequencies." }
                " The test loss of these chains is above the loss of a table of token counts. From generation 0 on, training \
                 was too short or diverged."
            }
            ul {
                @for (arm, Above { seed, generation, loss, unigram }) in all.iter().take(LISTED) {
                    li {
                        b { (arm) "/seed-" (seed) } " from generation " (generation) " on: "
                        (format_args!("{loss:.3} against {unigram:.3}")) " nats a token"
                    }
                }
                @if all.len() > LISTED { li { "and " (all.len() - LISTED) " more" } }
            }
        }
    }
}

/// The chains of an arm that are above, by seed.
fn above(losses: &Values, unigrams: &Values) -> Vec<Above> {
    let unigram_of = |seed: &u64| unigrams.get(&0).and_then(|seeds| seeds.get(seed)).copied();
    let mut found: BTreeMap<u64, Above> = BTreeMap::new();
    for (&generation, seeds) in losses {
        for (&seed, &loss) in seeds {
            let Some(unigram) = unigram_of(&seed).filter(|unigram| loss > *unigram) else { continue };
            found.entry(seed).or_insert(Above { seed, generation, loss, unigram });
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_generation_above_is_named() {
        let values = |list: &[(u32, u64, f64)]| {
            let mut values = Values::new();
            for &(generation, seed, value) in list {
                values.entry(generation).or_default().insert(seed, value);
            }
            values
        };
        let unigrams = values(&[(0, 1, 5.0), (0, 2, 6.0)]);
        let losses = values(&[(0, 1, 4.0), (1, 1, 5.5), (2, 1, 7.0), (0, 2, 5.9), (1, 2, 6.0), (0, 3, 99.0)]);
        assert_eq!(above(&losses, &unigrams), [Above { seed: 1, generation: 1, loss: 5.5, unigram: 5.0 }]);
    }
}
