//! Distributions worked by hand with Hugging Face's conventions, and the inverse of the distribution function.

use super::*;

fn sampler(settings: Sampling) -> Sampler {
    Sampler::new(&settings).unwrap()
}

fn probabilities(settings: Sampling, logits: &[f32]) -> Vec<f64> {
    let mut scratch = Scratch::default();
    let total = sampler(settings).weigh(logits, &mut scratch).unwrap();
    scratch.weights.iter().map(|&weight| f64::from(weight) / total).collect()
}

/// Logits of given probabilities.
fn logs(probabilities: &[f64]) -> Vec<f32> {
    probabilities.iter().map(|p| p.ln() as f32).collect()
}

#[track_caller]
fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-6, "{found} for {expected}");
    }
}

#[test]
fn one_uniform_a_token_reproduces_the_distribution() {
    let logits: Vec<f32> = (0..300).map(|i| ((i * 71 + 5) % 97) as f32 / 20.0).collect();
    let settings = [
        Sampling::default(),
        Sampling { temperature: 0.6, ..Sampling::default() },
        Sampling { top_k: Some(20), min_p: Some(0.5), ..Sampling::default() },
        Sampling { top_p: Some(0.9), temperature: 1.5, ..Sampling::default() },
    ];
    for settings in settings {
        let expected = probabilities(settings, &logits);
        let (sampler, mut scratch) = (sampler(settings), Scratch::default());
        let (mut counts, n) = (vec![0u32; logits.len()], 200_000);
        let mut previous = 0;
        for i in 0..n {
            let token = sampler.choose(&logits, &[], (f64::from(i) + 0.5) / f64::from(n), &mut scratch).unwrap();
            assert!(token >= previous, "vocabulary order");
            previous = token;
            counts[token as usize] += 1;
        }
        for (count, expected) in counts.into_iter().zip(expected) {
            assert!(
                (f64::from(count) - expected * f64::from(n)).abs() < 1.5,
                "{settings:?}: {count} for {expected} of {n}"
            );
            assert!(expected > 0.0 || count == 0);
        }
    }
}

#[test]
fn the_edges_of_the_unit_interval_are_possible_tokens() {
    let mut logits = vec![f32::NEG_INFINITY; 200];
    (logits[70], logits[71], logits[130]) = (0.0, 0.0, 0.0);
    let (sampler, mut scratch) = (sampler(Sampling::default()), Scratch::default());
    let mut at = |u| sampler.choose(&logits, &[], u, &mut scratch).unwrap();
    assert_eq!((at(0.0), at(1.0f64.next_down())), (70, 130));
    assert_eq!((at(0.333), at(0.334), at(0.666), at(0.667)), (70, 71, 71, 130));
}

#[test]
fn temperature_is_a_power_of_the_probabilities() {
    // 1/2, 1/4, 1/4 squared: 4 : 1 : 1.
    let half = Sampling { temperature: 0.5, ..Sampling::default() };
    near(&probabilities(half, &logs(&[0.5, 0.25, 0.25])), &[4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]);
}

#[test]
fn top_k_keeps_the_largest_and_their_equals() {
    let top = |k| Sampling { top_k: Some(k), ..Sampling::default() };
    let logits = logs(&[0.1, 0.4, 0.2, 0.2, 0.1]);
    near(&probabilities(top(1), &logits), &[0.0, 1.0, 0.0, 0.0, 0.0]);
    near(&probabilities(top(2), &logits), &[0.0, 0.5, 0.25, 0.25, 0.0]);
    near(&probabilities(top(3), &logits), &[0.0, 0.5, 0.25, 0.25, 0.0]);
    near(&probabilities(top(9), &logits), &[0.1, 0.4, 0.2, 0.2, 0.1]);
}

#[test]
fn top_p_keeps_the_fewest_that_reach_it() {
    let top = |p| Sampling { top_p: Some(p), ..Sampling::default() };
    let logits = logs(&[0.15, 0.5, 0.05, 0.3]);
    near(&probabilities(top(0.01), &logits), &[0.0, 1.0, 0.0, 0.0]);
    near(&probabilities(top(0.49), &logits), &[0.0, 1.0, 0.0, 0.0]);
    near(&probabilities(top(0.51), &logits), &[0.0, 0.625, 0.0, 0.375]);
    near(&probabilities(top(0.79), &logits), &[0.0, 0.625, 0.0, 0.375]);
    near(&probabilities(top(0.81), &logits), &[0.15 / 0.95, 0.5 / 0.95, 0.0, 0.3 / 0.95]);
    near(&probabilities(top(0.96), &logits), &[0.15, 0.5, 0.05, 0.3]);
    // Equal probabilities: the earlier ones stay.
    near(&probabilities(top(0.6), &[0.0; 4]), &[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
}

#[test]
fn top_p_agrees_with_sorting_everything() {
    let logits: Vec<f32> = (0..500).map(|i| ((i * 193 + 7) % 257) as f32 / 25.0).collect();
    let plain = probabilities(Sampling::default(), &logits);
    for p in [0.1, 0.5, 0.9, 0.99, 0.9999] {
        let mut order: Vec<usize> = (0..500).collect();
        order.sort_by(|&a, &b| plain[b].total_cmp(&plain[a]).then(a.cmp(&b)));
        let (mut mass, mut expected) = (0.0, vec![0.0; 500]);
        for token in order {
            if mass < p {
                expected[token] = plain[token];
                mass += plain[token];
            }
        }
        expected.iter_mut().for_each(|x| *x /= mass);
        near(&probabilities(Sampling { top_p: Some(p), ..Sampling::default() }, &logits), &expected);
    }
}

#[test]
fn min_p_is_a_share_of_the_best() {
    let min = |p| Sampling { min_p: Some(p), ..Sampling::default() };
    let logits = logs(&[0.15, 0.5, 0.05, 0.3]);
    near(&probabilities(min(0.09), &logits), &[0.15, 0.5, 0.05, 0.3]);
    near(&probabilities(min(0.11), &logits), &[0.15 / 0.95, 0.5 / 0.95, 0.0, 0.3 / 0.95]);
    near(&probabilities(min(0.31), &logits), &[0.0, 0.625, 0.0, 0.375]);
    near(&probabilities(min(0.61), &logits), &[0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn filters_follow_one_another() {
    // Top-3 leaves 0.5, 0.3, 0.15 of 0.95; 0.5 / 0.95 = 0.526 does not reach 0.6, two do; min-p 0.59 keeps 0.3 / 0.5 = 0.6.
    let settings = Sampling { top_k: Some(3), top_p: Some(0.6), min_p: Some(0.59), ..Sampling::default() };
    near(&probabilities(settings, &logs(&[0.15, 0.5, 0.05, 0.3])), &[0.0, 0.625, 0.0, 0.375]);
    // Temperature comes before top-p: flattened by 2, 0.64 : 0.36 becomes 0.8 : 0.6, and 0.6 needs both.
    let settings = Sampling { temperature: 2.0, top_p: Some(0.6), ..Sampling::default() };
    near(&probabilities(settings, &logs(&[0.64, 0.36])), &[8.0 / 14.0, 6.0 / 14.0]);
}

#[test]
fn the_penalty_divides_positive_and_multiplies_negative_scores_once() {
    let mut scores = [2.0, -1.0, 3.0, 0.5];
    penalise(&mut scores, &[0, 1, 0, 3, 1], 2.0, &mut Vec::new());
    assert_eq!(scores, [1.0, -2.0, 3.0, 0.25]);
    // The favourite has been used: greedy goes on to the next. The separator, 3, is held from the first token on.
    let greedy = sampler(Sampling { greedy: true, repetition_penalty: Some(2.0), ..Sampling::default() }).after(3);
    let mut scratch = Scratch::default();
    assert_eq!(greedy.choose(&[3.0, 2.0, 1.0, 0.0], &[], 0.5, &mut scratch), Ok(0));
    assert_eq!(greedy.choose(&[3.0, 2.0, 1.0, 0.0], &[0], 0.5, &mut scratch), Ok(1));
    assert_eq!(greedy.choose(&[3.0, 2.0, 1.0, 5.0], &[], 0.5, &mut scratch), Ok(0));
    // And a draw sees the penalised scores: 2 ln 2 / 2 = ln 2 against 0.
    let drawn = sampler(Sampling { repetition_penalty: Some(2.0), ..Sampling::default() }).after(1);
    let logits = [4f32.ln(), 0.0];
    let mut at = |previous: &[u32], u| drawn.choose(&logits, previous, u, &mut scratch).unwrap();
    assert_eq!((at(&[], 0.79), at(&[], 0.81)), (0, 1));
    assert_eq!((at(&[0], 0.66), at(&[0], 0.67)), (0, 1));
}

#[test]
fn greedy_takes_the_first_of_equals() {
    let greedy = sampler(Sampling { greedy: true, ..Sampling::default() });
    assert_eq!(greedy.choose(&[0.0, 5.0, 5.0], &[], 0.9, &mut Scratch::default()), Ok(1));
}

#[test]
fn what_is_no_distribution_is_an_error() {
    let all = [
        Sampling::default(),
        Sampling { greedy: true, ..Sampling::default() },
        Sampling { top_k: Some(1), top_p: Some(0.5), min_p: Some(0.5), ..Sampling::default() },
        Sampling { repetition_penalty: Some(1.3), ..Sampling::default() },
    ];
    for settings in all {
        let (sampler, mut scratch) = (sampler(settings), Scratch::default());
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY] {
            for at in [0, 63, 64, 99] {
                let mut logits = vec![0.0; 100];
                logits[at] = bad;
                assert_eq!(
                    sampler.choose(&logits, &[1, 2], 0.5, &mut scratch),
                    Err(SampleError::NotADistribution),
                    "{bad} at {at}"
                );
            }
        }
        let impossible = [f32::NEG_INFINITY; 5];
        assert_eq!(sampler.choose(&impossible, &[1, 2], 0.5, &mut scratch), Err(SampleError::NotADistribution));
        // The same scratch goes on to work, at another length, with extreme scores.
        assert_eq!(sampler.choose(&[f32::NEG_INFINITY, 3e38, -3e38], &[], 0.999, &mut scratch), Ok(1));
    }
}

#[test]
fn extreme_temperatures_are_greedy_or_uniform() {
    let logits = [1.0, 1.5, f32::NEG_INFINITY, -1.0];
    near(&probabilities(Sampling { temperature: 1e-300, ..Sampling::default() }, &logits), &[0.0, 1.0, 0.0, 0.0]);
    let third = 1.0 / 3.0;
    near(&probabilities(Sampling { temperature: 1e300, ..Sampling::default() }, &logits), &[third, third, 0.0, third]);
}

#[test]
fn settings_out_of_range_are_refused() {
    assert!(Sampler::new(&Sampling { temperature: 0.0, ..Sampling::default() }).is_err());
    assert!(Sampler::new(&Sampling { top_p: Some(0.0), ..Sampling::default() }).is_err());
}

/// A marked distribution is the softmax of the logits with δ on the green ones, at the temperature.
#[test]
fn a_watermark_favours_what_follows_the_token_before() {
    let mark = Mark { key: 5, gamma: 0.5, delta: 1.5 };
    let greens = corpus::Greens::new(5, 0.5);
    let sampler = sampler(Sampling { temperature: 0.5, watermark: Some(mark), ..Sampling::default() }).after(7);
    let logits: Vec<f32> = (0..12).map(|token| (token % 4) as f32 * 0.2).collect();
    for (previous, before) in [(vec![], 7), (vec![3], 3), (vec![3, 9], 9)] {
        let raised = |(token, logit): (usize, &f32)| {
            let green = greens.is_green(before, token as u32);
            ((f64::from(*logit) + if green { 1.5 } else { 0.0 }) / 0.5).exp()
        };
        let weights: Vec<f64> = logits.iter().enumerate().map(raised).collect();
        let green = (0..12).filter(|&token| greens.is_green(before, token)).count();
        assert!((1..12).contains(&green));
        let (total, mut edge) = (weights.iter().sum::<f64>(), 0.0);
        for (token, weight) in weights.iter().enumerate() {
            let middle = (edge + weight / 2.0) / total;
            assert_eq!(sampler.choose(&logits, &previous, middle, &mut Scratch::default()), Ok(token as u32));
            edge += weight;
        }
    }
}

#[test]
fn where_a_number_lies_in_its_interval() {
    // 1/8, 1/2, 0, 3/8.
    let logits = logs(&[0.125, 0.5, 0.0, 0.375]);
    let mut scratch = Scratch::default();
    let plain = sampler(Sampling::default());
    for (u, token, place, share) in [
        (0.0, 0, 0.0, 0.125),
        (0.1, 0, 0.8, 0.125),
        (0.25, 1, 0.25, 0.5),
        (0.625, 3, 0.0, 0.375),
        (0.85, 3, 0.6, 0.375),
    ] {
        assert_eq!(plain.choose(&logits, &[], u + 1e-9, &mut scratch), Ok(token));
        let within = scratch.within().unwrap();
        near(&[within.place, within.share], &[place, share]);
    }
    assert_eq!(
        sampler(Sampling { greedy: true, ..Sampling::default() }).choose(&logits, &[], 0.9, &mut scratch),
        Ok(1)
    );
    assert_eq!(scratch.within(), None);
}
