//! The temperature at which a model's text has the human text's entropy.
//!
//! *Definition.* On held-out human text, position by position after the human tokens before it, let z be the model's logits,
//! q_T = softmax(z / T), and y the token that came. The temperature T is that at which, on average over positions,
//!
//! > Σ_v q_T(v) · (−ln q_1(v)) = −ln q_1(y):
//!
//! what is drawn at T costs the model as much as what people wrote. Since −ln q_1 is z less a constant, this is Σ q_T z =
//! z(y) on average, which says three things at once: that H(q_T) is the cross-entropy −ln q_T(y), so that the model is as
//! uncertain as it is wrong; that the cross-entropy has its minimum over T there, which is temperature scaling; and, the
//! cross-entropy being convex in 1 / T, that there is one such temperature. It is found by Newton's steps within a bracket
//! that each evaluation narrows, as bisection does.
//!
//! *Source.* Guo et al. 2017 (arXiv 1706.04599) for temperature scaling; Braverman et al. 2020 (arXiv 1906.05664) for entropy
//! rates that drift, and calibration that stops them. To do it in each generation of a chain is ours.
//!
//! *Trap.* The contexts are human. Text that is written freely meets its own contexts and drifts from them, so its entropy is
//! not exactly matched. And it is an average: a temperature cannot give back a token that the model has lost.
//!
//! *Cost.* Held-out human text, read anew in every generation: implicit human supervision.

use crate::logits::{Model, Places};
use crate::{SampleError, Tokens};
use burn::tensor::Device;
use model::Weights;
use rundir::{Checkpoint, Stopped};

/// Where it is sought: a model that is too sure at any temperature, or never sure enough, gets the end of this.
const TEMPERATURES: [f64; 2] = [0.05, 20.0];
/// A relative step so small ends the search; Newton's steps square their errors, so the last digits are right.
const STEP: f64 = 1e-7;
/// Evaluations at most; bisection alone ends within them.
const MOST: usize = 40;

/// The temperature at which what the model draws costs it as much as this text does; see this file's first lines. Every
/// token counts, and the end unless the document is truncated. Within, [`SampleError`] if the model has diverged.
///
/// # Errors
/// [`Stopped`] if the checkpoint's interrupt is set; nothing is saved.
///
/// # Panics
/// If a document does not fit the context, there is no token, or the device fails.
pub fn matched_temperature(
    weights: &Weights,
    documents: &[Tokens<'_>],
    separator: u32,
    device: &Device,
    checkpoint: &Checkpoint,
) -> Result<Result<f64, SampleError>, Stopped> {
    let model = Model::new(weights, separator, device);
    let positions = |&(ids, truncated): &Tokens<'_>| ids.len() + usize::from(!truncated);
    let documents: Vec<&Tokens<'_>> = documents.iter().filter(|document| positions(document) > 0).collect();
    assert!(!documents.is_empty(), "a temperature is matched on at least one token");
    let places: Vec<Vec<usize>> = documents.iter().map(|document| (0..positions(document)).collect()).collect();
    let texts: Vec<Places<'_>> =
        documents.iter().zip(&places).map(|((ids, _), places)| (&ids[..places.len() - 1], &places[..])).collect();
    let found = solve(&mut |inverse| {
        let mut sum = Pull::default();
        model.at(&texts, checkpoint, &mut |text, place, logits| {
            let target = documents[text].0.get(place).copied().unwrap_or(separator);
            sum.add(Pull::of(logits, target, inverse));
        })?;
        Ok(sum)
    });
    Ok(found?.map(|inverse| 1.0 / inverse))
}

/// How the cross-entropy changes with the inverse of the temperature.
#[derive(Clone, Copy, Debug, Default)]
struct Pull {
    /// Its first derivative: Σ q z − z(y).
    slope: f64,
    /// Its second: the variance of z under q.
    curvature: f64,
}

impl Pull {
    fn of(logits: &[f32], target: u32, inverse: f64) -> Self {
        let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for &logit in logits {
            let below = f64::from(logit) - largest;
            let weight = (inverse * below).exp();
            sum += weight;
            first += weight * below;
            second += weight * below * below;
        }
        let mean = first / sum;
        let of_target = f64::from(logits[target as usize]) - largest;
        Self { slope: mean - of_target, curvature: second / sum - mean * mean }
    }

    fn add(&mut self, other: Self) {
        self.slope += other.slope;
        self.curvature += other.curvature;
    }
}

/// Where the slope, which rises, is zero; the nearer end of the range where it is not.
fn solve(pull: &mut dyn FnMut(f64) -> Result<Pull, Stopped>) -> Result<Result<f64, SampleError>, Stopped> {
    let [mut low, mut high] = [1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0]];
    let mut at = 1.0;
    for _ in 0..MOST {
        let Pull { slope, curvature } = pull(at)?;
        if !(slope.is_finite() && curvature.is_finite()) {
            return Ok(Err(SampleError::NotADistribution));
        }
        if slope == 0.0 {
            break;
        }
        *(if slope > 0.0 { &mut high } else { &mut low }) = at;
        let newton = at - slope / curvature;
        let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
        let is_there = (next - at).abs() <= STEP * at;
        at = next;
        if is_there {
            break;
        }
    }
    Ok(Ok(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoding, decode, decoder};
    use model::Settings;
    use sampling::Sampling;
    use streams::Streams;

    fn solved(rows: &[(Vec<f32>, u32)]) -> f64 {
        let mut all = |inverse: f64| {
            let mut sum = Pull::default();
            rows.iter().for_each(|(logits, target)| sum.add(Pull::of(logits, *target, inverse)));
            Ok(sum)
        };
        1.0 / solve(&mut all).unwrap().unwrap()
    }

    #[test]
    fn two_tokens_have_a_closed_form() {
        // A token that comes three times in four is matched where softmax(z / T) says three quarters: z / T = ln 3.
        for gap in [0.2_f32, 1.0, 5.0] {
            let rows: Vec<_> = [0, 0, 1, 0].iter().map(|&target| (vec![gap - 7.0, -7.0], target)).collect();
            let want = f64::from(gap - 7.0 + 7.0) / 3_f64.ln();
            assert!((solved(&rows) / want - 1.0).abs() < 1e-6, "{gap}: {} {want}", solved(&rows));
        }
        // What always comes, or comes least of all, has no such temperature.
        let ends = [0, 1].map(|target| solved(&[(vec![1.0, 0.0], target)]));
        assert!(
            (ends[0] / TEMPERATURES[0] - 1.0).abs() < 1e-3 && (ends[1] / TEMPERATURES[1] - 1.0).abs() < 1e-3,
            "{ends:?}"
        );
        assert!(solve(&mut |_| Ok(Pull { slope: f64::NAN, curvature: 1.0 })).unwrap().is_err());
    }

    /// Initial weights eight times as large: neither uniform nor certain.
    fn weights() -> Weights {
        let config = Settings { preset: "tiny".into(), context: Some(24), ..Settings::default() }.resolve(60).unwrap();
        let fresh = Weights::initialise(&config, &Streams::new(3), 0);
        let grown = fresh.names().map(|name| {
            let factor = if name.contains("norm") { 1.0 } else { 8.0 };
            (name.to_owned(), fresh.tensor(name).iter().map(|v| v * factor).collect())
        });
        Weights::from_tensors(config, grown.collect()).unwrap()
    }

    #[test]
    fn text_drawn_at_a_temperature_gives_that_temperature_back() {
        let (weights, chosen) = (weights(), ops::device::parse("flex").unwrap());
        for temperature in [0.7, 1.0, 1.4] {
            let sampling = Sampling { temperature, ..Sampling::default() };
            let decoding = Decoding {
                sampling: &sampling,
                streams: Streams::new(8),
                generation: 0,
                separator: 0,
                first: 0,
                prompt: &|_| Vec::new(),
            };
            let size = |ids: &[u32], truncated: bool| ids.len() as u64 + u64::from(!truncated);
            let mut decoder = decoder(&weights, &chosen, &sampling, 16);
            let written = decode(&mut decoder, &decoding, 6000, &size, &mut Checkpoint::none(), &mut |_| {}).unwrap();
            let tokens: Vec<Tokens<'_>> = written.iter().map(|text| (&text.ids[..], text.truncated)).collect();
            let device = chosen.device();
            let match_to = || matched_temperature(&weights, &tokens, 0, &device, &Checkpoint::none()).unwrap().unwrap();
            let found = match_to();
            assert!((found / temperature - 1.0).abs() < 0.05, "{temperature}: {found}");
            assert_eq!(found, match_to());

            // The definition, and the two things that it says beside: sums of H(q_T), -ln q_T(y), Σ q_T (-ln q_1), -ln q_1(y).
            let places: Vec<Vec<usize>> =
                tokens.iter().map(|(ids, cut)| (0..ids.len() + usize::from(!cut)).collect()).collect();
            let texts: Vec<Places<'_>> =
                tokens.iter().zip(&places).map(|((ids, _), at)| (&ids[..at.len() - 1], &at[..])).collect();
            let mut sums = [0.0_f64; 4];
            let model = Model::new(&weights, 0, &device);
            let summed = model.at(&texts, &Checkpoint::none(), &mut |text, place, logits| {
                let target = tokens[text].0.get(place).copied().unwrap_or(0) as usize;
                let losses = |temperature: f64| -> Vec<f64> {
                    let scaled: Vec<f64> = logits.iter().map(|&z| f64::from(z) / temperature).collect();
                    let sum: f64 = scaled.iter().map(|z| z.exp()).sum();
                    scaled.iter().map(|z| sum.ln() - z).collect()
                };
                let (cool, plain) = (losses(found), losses(1.0));
                let mean = |of: &[f64]| cool.iter().zip(of).map(|(loss, of)| (-loss).exp() * of).sum::<f64>();
                for (sum, value) in sums.iter_mut().zip([mean(&cool), cool[target], mean(&plain), plain[target]]) {
                    *sum += value;
                }
            });
            summed.unwrap();
            assert!((sums[0] / sums[1] - 1.0).abs() < 1e-6 && (sums[2] / sums[3] - 1.0).abs() < 1e-6, "{sums:?}");
        }
    }
}
