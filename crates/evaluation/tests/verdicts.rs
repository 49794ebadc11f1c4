//! Verdicts on experiments that these tests make up, one for each answer of each definition.

use evaluation::Dimension::{Band, Order, Part, Reference, Sample};
use evaluation::metric::{
    COVERAGE, ENTANGLED, EXCESS, FACTS, SENTENCES, STEP_DIVERGENCE, TEST_LOSS, UNIGRAM_ENTROPY, UNIGRAM_LOSS, VARIANCE,
};
use evaluation::verdicts::{
    Answer, Arm, Definition, Observations, Row, Thresholds, Verdict, damage, differences, judge,
};
use evaluation::{Dimensions, Metric};

/// What rows are of.
type Key = (&'static Metric, Dimensions);

/// Rows of five seeds unless said otherwise.
#[derive(Default)]
struct Made(Vec<(String, u64, u32, Key, f64)>);

/// A number in ±1 that stands for the scatter of seeds, of mean zero over five of them.
fn scatter(seed: u64, salt: u64) -> f64 {
    [-1.0, -0.5, 0.0, 0.5, 1.0][((seed + salt) % 5) as usize]
}

impl Made {
    fn put(&mut self, arm: &str, key: Key, generations: u32, seeds: u64, value: impl Fn(u32, u64) -> f64) {
        for generation in 0..generations {
            for seed in 0..seeds {
                self.0.push((arm.to_owned(), seed, generation, key.clone(), value(generation, seed)));
            }
        }
    }

    fn rows(&self) -> Observations {
        let row = |(arm, seed, generation, (metric, dimensions), value): &'_ (String, u64, u32, Key, f64)| {
            (arm.clone(), *seed, *generation, *metric, dimensions.clone(), *value)
        };
        let rows: Vec<_> = self.0.iter().map(row).collect();
        rows.iter()
            .map(|(arm, seed, generation, metric, dimensions, value)| Row {
                arm,
                seed: *seed,
                generation: *generation,
                metric,
                dimensions,
                value: *value,
            })
            .collect()
    }
}

/// Rare words.
const RARE: Dimensions = Dimensions::of(&[(Sample, "equal"), (Order, "1"), (Band, "rare")]);
const LOSS: Key = (&TEST_LOSS, Dimensions::NONE);

/// The verdict on the first arm, held against `human-refit`.
fn verdict(made: &Made, definition: Definition) -> Verdict {
    let arms = [Arm::new("arm").against("human-refit"), Arm::new("human-refit")];
    let mut verdicts = judge(&made.rows(), &arms, &Thresholds::default());
    verdicts.retain(|v| v.arm == "arm" && v.definition == definition);
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

/// Losses that climb by `climb` a generation, seeds that differ by a whole nat, differences that scatter by `noise`.
fn climbing(generations: u32, seeds: u64, climb: impl Fn(f64) -> f64, noise: f64) -> Made {
    let mut made = Made::default();
    made.put("human-refit", LOSS, generations, seeds, |_, seed| 3.0 + scatter(seed, 1));
    made.put("arm", LOSS, generations, seeds, |g, seed| {
        3.0 + scatter(seed, 1) + climb(f64::from(g)) + noise * scatter(seed, u64::from(g))
    });
    made
}

#[test]
fn any_increase_is_judged_by_its_bounds() {
    // s = .79 noise; t(4) = 2.776: half of the interval is .98 noise.
    let found = verdict(&climbing(4, 5, |g| 0.1 * g, 0.05), Definition::AnyIncrease);
    let evidence = found.evidence.unwrap();
    assert_eq!((found.answer, found.since, evidence.generation, evidence.seeds), (Answer::Yes, Some(1), 3, 5));
    let half = 2.776_445_1 * 0.625_f64.sqrt() * 0.05 / 5.0_f64.sqrt();
    assert!((evidence.statistic - 0.3).abs() < 1e-12, "{evidence:?}");
    assert!((evidence.bound() - (0.3 - half)).abs() < 1e-7, "{evidence:?} {half}");
    assert!(evidence.threshold == 0.01 && evidence.confidence() > 0.975);

    assert_eq!(verdict(&climbing(4, 5, |_| 0.0, 0.005), Definition::AnyIncrease).answer, Answer::No);
    assert_eq!(verdict(&climbing(4, 5, |g| 0.01 * g, 0.05), Definition::AnyIncrease).answer, Answer::Undetermined);
    let few = verdict(&climbing(4, 4, |g| g, 0.01), Definition::AnyIncrease);
    assert_eq!((few.answer, &few.note[..]), (Answer::Undetermined, "4 of the 5 seeds that a verdict takes"));
    let one = verdict(&climbing(4, 1, |g| g, 0.01), Definition::AnyIncrease);
    assert_eq!((one.answer, one.evidence.unwrap().bound()), (Answer::Undetermined, f64::NEG_INFINITY));

    let mut alone = Made::default();
    alone.put("arm", LOSS, 4, 5, |g, _| 3.0 + f64::from(g));
    let found = verdict(&alone, Definition::AnyIncrease);
    assert_eq!((found.answer, found.evidence), (Answer::Unmeasured, None));
    assert!(found.note.contains("loss"), "{}", found.note);
}

#[test]
fn an_arm_without_a_control_has_no_increase() {
    let rows = climbing(3, 5, |g| g, 0.01).rows();
    let verdicts = judge(&rows, &[Arm::new("arm")], &Thresholds::default());
    assert!(verdicts.iter().all(|v| v.answer == Answer::Unmeasured));
    assert!(verdicts[1].note.contains("control"), "{}", verdicts[1].note);
}

/// One dip does not count as the beginning: from there on, it must hold in all.
#[test]
fn since_is_where_it_stays() {
    let dips = |g: f64| if g == 2.0 { 0.0 } else { 0.2 };
    assert_eq!(verdict(&climbing(6, 5, dips, 0.02), Definition::AnyIncrease).since, Some(3));
}

/// A chain that one seed alone goes on with does not decide.
#[test]
fn the_last_generation_that_most_seeds_reached() {
    let mut made = climbing(4, 5, |g| 0.1 * g, 0.02);
    made.0.retain(|(_, seed, generation, ..)| *generation < 3 || *seed == 2);
    let found = verdict(&made, Definition::AnyIncrease);
    assert_eq!((found.evidence.unwrap().generation, found.evidence.unwrap().seeds), (2, 5));
}

/// Alone p = .02 on one side is enough; of twenty such arms none is.
#[test]
fn holm_corrects_over_arms() {
    let noise = 0.018;
    let alone = verdict(&climbing(2, 5, |g| 0.03 * g, noise), Definition::AnyIncrease);
    assert_eq!(alone.answer, Answer::Yes);
    let mut made = climbing(2, 5, |g| 0.03 * g, noise);
    let mut arms = vec![Arm::new("human-refit"), Arm::new("arm").against("human-refit")];
    for i in 0..19 {
        let name = format!("arm-{i}");
        made.put(&name, LOSS, 2, 5, |g, seed| 3.0 + scatter(seed, 1) + 0.03 * f64::from(g) + noise * scatter(seed, 1));
        arms.push(Arm::new(name).against("human-refit"));
    }
    let verdicts = judge(&made.rows(), &arms, &Thresholds::default());
    let answers: Vec<Answer> =
        verdicts.iter().filter(|v| v.definition == Definition::AnyIncrease).map(|v| v.answer).collect();
    assert_eq!(answers[0], Answer::Unmeasured, "the control has no control");
    assert!(answers[1..].iter().all(|&answer| answer == Answer::Undetermined), "{answers:?}");
}

#[test]
fn a_catastrophe_is_half_of_what_was_learnt() {
    let with_unigram = |climb: f64| {
        let mut made = climbing(4, 5, |g| climb * g, 0.02);
        made.put("arm", (&UNIGRAM_LOSS, Dimensions::NONE), 4, 5, |_, seed| 5.0 + scatter(seed, 1));
        made
    };
    // 2 nats were learnt; 3 generations lose 1.5 or .3 of them.
    let yes = verdict(&with_unigram(0.5), Definition::CatastrophicIncrease);
    assert_eq!((yes.answer, yes.since), (Answer::Yes, Some(3)));
    assert!((yes.evidence.unwrap().statistic - 0.75).abs() < 0.02);
    assert_eq!(verdict(&with_unigram(0.1), Definition::CatastrophicIncrease).answer, Answer::No);
    let missing = verdict(&climbing(4, 5, |g| g, 0.02), Definition::CatastrophicIncrease);
    assert!(missing.answer == Answer::Unmeasured && missing.note.contains("unigram-loss"));
}

#[test]
fn divergence_goes_on_and_saturation_does_not() {
    let straight = verdict(&climbing(14, 5, |g| 0.1 * g, 0.02), Definition::DivergingRisk);
    assert_eq!((straight.answer, &straight.note[..]), (Answer::Yes, "consistent with, no more"));
    let evidence = straight.evidence.unwrap();
    assert!((evidence.statistic - 1.0).abs() < 0.05 && evidence.bound() > 0.5, "{evidence:?}");
    let levels_off = verdict(&climbing(14, 5, |g| 1.0 - (-g).exp(), 0.001), Definition::DivergingRisk);
    assert_eq!(levels_off.answer, Answer::No);
    assert_eq!(verdict(&climbing(14, 5, |_| 0.0, 0.1), Definition::DivergingRisk).answer, Answer::Undetermined);
    let short = verdict(&climbing(12, 5, |g| g, 0.01), Definition::DivergingRisk);
    assert!(short.answer == Answer::Unmeasured && short.note.contains("12 generations"), "{}", short.note);
}

/// Excess falls as budget^-.5 with human text; with the arm's, as budget^-.2 or the same.
#[test]
fn scaling_is_judged_over_budgets() {
    let judged = |exponent: f64, budgets: &[f64]| {
        let mut made = Made::default();
        let mut arms = Vec::new();
        for &budget in budgets {
            let [own, refit] = ["replace", "refit"].map(|recipe| format!("budget={budget},{recipe}"));
            for (name, exponent) in [(&own, exponent), (&refit, -0.5)] {
                made.put(name, (&EXCESS, Dimensions::NONE), 3, 5, |_, seed| {
                    (1.0 + 0.3 * scatter(seed, 0)) * budget.powf(exponent) * (0.01 * scatter(seed, budget as u64)).exp()
                });
            }
            let budget = Some(("budget".to_owned(), budget));
            arms.push(Arm { budget, ..Arm::new(own).against(refit) });
        }
        let found = judge(&made.rows(), &arms, &Thresholds::default());
        found.into_iter().find(|v| v.definition == Definition::ChangedScaling).unwrap()
    };
    let flatter = judged(-0.2, &[10.0, 31.0, 103.0, 1000.0]);
    assert_eq!(flatter.answer, Answer::Yes);
    assert!((flatter.evidence.unwrap().statistic - 0.3).abs() < 0.01);
    assert_eq!(judged(-0.6, &[10.0, 31.0, 103.0, 1000.0]).answer, Answer::No);
    assert_eq!(judged(-0.2, &[10.0, 31.0, 1000.0]).answer, Answer::Unmeasured);
}

#[test]
fn variance_is_the_effective_number_of_words_or_the_slope_of_a_gaussian_s() {
    let entropy = |ratio: f64| {
        let mut made = Made::default();
        made.put(
            "arm",
            (&UNIGRAM_ENTROPY, Dimensions::of(&[(Reference, "human"), (Sample, "equal")])),
            3,
            5,
            |_, seed| 6.0 + scatter(seed, 0),
        );
        made.put("arm", (&UNIGRAM_ENTROPY, Dimensions::of(&[(Sample, "equal")])), 3, 5, |g, seed| {
            6.0 + scatter(seed, 0) + f64::from(g) / 2.0 * ratio.ln() + 0.01 * scatter(seed, 2)
        });
        made
    };
    let narrow = verdict(&entropy(0.8), Definition::CollapsingVariance);
    let evidence = narrow.evidence.unwrap();
    assert_eq!((narrow.answer, narrow.since, evidence.above), (Answer::Yes, Some(2), false));
    assert!((evidence.statistic - 0.8).abs() < 1e-9 && (evidence.threshold - 0.9).abs() < 1e-12);
    assert!(evidence.bound() > 0.8 && evidence.bound() < 0.82);
    assert_eq!(verdict(&entropy(1.0), Definition::CollapsingVariance).answer, Answer::No);

    let mut gaussian = Made::default();
    gaussian.put("arm", (&VARIANCE, Dimensions::NONE), 6, 5, |g, seed| {
        (0.1 * scatter(seed, u64::from(g)) - 0.3 * f64::from(g)).exp()
    });
    let shrinks = verdict(&gaussian, Definition::CollapsingVariance);
    assert_eq!(shrinks.answer, Answer::Yes);
    assert!((shrinks.evidence.unwrap().statistic + 0.3).abs() < 0.02);
}

#[test]
fn modes_are_held_against_twice_the_human_share() {
    let mixing = |share: f64| {
        let mut made = Made::default();
        made.put("arm", (&ENTANGLED, Dimensions::of(&[(Reference, "expected")])), 2, 5, |_, _| 0.05);
        made.put("arm", (&ENTANGLED, Dimensions::NONE), 2, 5, |_, seed| share + 0.01 * scatter(seed, 0));
        verdict(&made, Definition::EntangledModes)
    };
    let found = mixing(0.2);
    let evidence = found.evidence.unwrap();
    assert_eq!(found.answer, Answer::Yes);
    assert!((evidence.statistic - 0.2).abs() < 1e-9 && (evidence.threshold - 0.1).abs() < 1e-12, "{evidence:?}");
    assert_eq!((mixing(0.06).answer, mixing(0.1).answer), (Answer::No, Answer::Undetermined));
}

#[test]
fn the_tail_is_the_rarest_band_that_a_reference_sample_holds() {
    let mut made = Made::default();
    // Of the rarest decade a reference sample holds three: too few for a ratio.
    for (band, kept, expected) in [("1e-4", 0.0, 3.0), ("1e-3", 0.5, 80.0), ("1e-2", 1.0, 42.0)] {
        let present = Dimensions::NONE.with(Band, band);
        let reference = present.clone().with(Reference, "expected");
        made.put("arm", (&FACTS, present), 3, 5, |_, seed| expected * (kept + 0.02 * scatter(seed, 0)));
        made.put("arm", (&FACTS, reference), 3, 5, |_, _| expected);
    }
    let found = verdict(&made, Definition::LostTail);
    assert_eq!((found.answer, found.since), (Answer::Yes, Some(0)));
    assert!((found.evidence.unwrap().statistic - 0.5).abs() < 1e-9);
}

/// Of text, the words that are expected less than once.
#[test]
fn the_tail_of_words() {
    let mut made = Made::default();
    made.put("arm", (&COVERAGE, RARE.with(Reference, "human")), 3, 5, |_, seed| 0.3 + 0.1 * scatter(seed, 0));
    made.put("arm", (&COVERAGE, RARE), 3, 5, |g, seed| {
        (1.0 - 0.2 * f64::from(g)) * (0.3 + 0.1 * scatter(seed, 0)) * (1.0 + 0.01 * scatter(seed, 2))
    });
    let found = verdict(&made, Definition::LostTail);
    assert_eq!((found.answer, found.since), (Answer::Yes, Some(1)));
    assert!((found.evidence.unwrap().statistic - 0.6).abs() < 1e-9);
}

#[test]
fn inventions_are_counted_from_generation_0() {
    let inventing = |more: f64| {
        let mut made = Made::default();
        for (part, share) in [("invented", 0.05), ("false", 0.2), ("ungrammatical", 0.02), ("stray", 0.3)] {
            let grows = if part == "false" { more } else { 0.0 };
            made.put("arm", (&SENTENCES, Dimensions::NONE.with(Part, part)), 3, 5, |g, seed| {
                share + f64::from(g) * (grows + 0.0005 * scatter(seed, 0)) + 0.1 * scatter(seed, 3)
            });
        }
        verdict(&made, Definition::InventedData)
    };
    let found = inventing(0.1);
    assert_eq!((found.answer, found.since), (Answer::Yes, Some(1)));
    assert!((found.evidence.unwrap().statistic - 0.2).abs() < 1e-9);
    assert_eq!(inventing(0.0).answer, Answer::No);
}

#[test]
fn differences_are_paired_and_corrected() {
    let made = climbing(3, 5, |g| 0.3 * g, 0.02);
    let rows = made.rows();
    let found = differences(&rows, &[("arm", "human-refit"), ("arm", "arm"), ("arm", "nobody")]);
    assert_eq!(found.len(), 2);
    let first = &found[0];
    assert_eq!((first.generation, first.seeds), (2, 5));
    assert!((first.nats.0 - 0.6).abs() < 1e-9 && first.nats.1 > 0.55 && first.nats.2 < 0.65);
    assert!(first.bounds.0 > 1.1 && first.ratio > first.bounds.0 && first.p < 0.01);
    assert_eq!((found[1].ratio, found[1].p), (1.0, 1.0));
    // The seeds differ by a whole nat: two means would not tell the arms apart.
    let alone = differences(&rows, &[("arm", "human-refit")]);
    assert!((alone[0].p * 2.0 - first.p).abs() < 1e-12, "Holm's factor for the smaller of two");
}

#[test]
fn damage_is_split_by_generation() {
    let mut made = climbing(4, 5, |g| 0.1 * g * g, 0.0);
    made.put("arm", (&STEP_DIVERGENCE, Dimensions::NONE), 3, 5, |g, _| 0.5 * f64::from(g));
    let steps = damage(&made.rows(), &Arm::new("arm").against("human-refit"));
    let added: Vec<f64> = steps.iter().map(|step| step.added.unwrap().mean).collect();
    for (found, expected) in added.iter().zip([0.1, 0.3, 0.5]) {
        assert!((found - expected).abs() < 1e-12, "{added:?}");
    }
    let learning: Vec<Option<f64>> = steps.iter().map(|step| step.learning.map(|found| found.mean)).collect();
    assert_eq!(learning, [Some(0.5), Some(1.0), None]);
}
