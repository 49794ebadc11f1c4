//! Survival without an approximation: each type's count among `n` draws is a Markov chain of its own, whose next state
//! is binomial, so the expected number of types with each count can be carried from generation to generation.
//!
//! Source: Suresh, Thangaraj and Khandavally 2025 (their exact theorem) for `replace`; the others derived here. The
//! trap: n² operations a generation, for `pool` n² for each count; for large n take [`super::survival`].

/// Expected number of types by their count among a model's `n` draws: `spectrum[count]`.
pub type Spectrum = Vec<f64>;

/// Of the human draws: each count is binomial.
pub fn human(n: usize, p: &[f64]) -> Spectrum {
    let mut spectrum = vec![0.0; n + 1];
    p.iter().for_each(|&p| spectrum.iter_mut().zip(binomial(n, p)).for_each(|(sum, share)| *sum += share));
    spectrum
}

/// The expected number of types that are there.
pub fn alive(spectrum: &[f64]) -> f64 {
    spectrum[1..].iter().sum()
}

/// Draws from a model, as a step of the spectrum: the count among `draws` new ones, given that among the model's `n`.
#[derive(Clone, Debug)]
pub struct Step {
    rows: Vec<Vec<f64>>,
}

impl Step {
    /// `draws` draws from a model that was fitted to `n`.
    pub fn new(n: usize, draws: usize) -> Self {
        Self { rows: (0..=n).map(|count| binomial(draws, count as f64 / n as f64)).collect() }
    }

    /// The spectrum of the new draws.
    pub fn next(&self, spectrum: &[f64]) -> Spectrum {
        let mut next = vec![0.0; self.rows[0].len()];
        for (row, types) in self.rows.iter().zip(spectrum) {
            next.iter_mut().zip(row).for_each(|(sum, share)| *sum += types * share);
        }
        next
    }
}

/// `replace`: the expected number of types alive in models 0, 1, ...
pub fn replace(n: usize, p: &[f64], generations: usize) -> Vec<f64> {
    let step = Step::new(n, n);
    std::iter::successors(Some(human(n, p)), |spectrum| Some(step.next(spectrum)))
        .take(generations)
        .map(|spectrum| alive(&spectrum))
        .collect()
}

/// `pool`: `m` of the `n` human draws, drawn anew each generation without replacement, with `n - m` of the last
/// model's. The next count is hypergeometric plus binomial. A type's human count stays what it was, so the chains are
/// carried for each.
pub fn pool(n: usize, m: usize, p: &[f64], generations: usize) -> Vec<f64> {
    let step = Step::new(n, n - m);
    let mut expected = vec![0.0; generations];
    for (count, &types) in human(n, p).iter().enumerate().filter(|&(_, &types)| types > 1e-15) {
        let again = hypergeometric(n, count, m);
        let mut spectrum = vec![0.0; n + 1];
        spectrum[count] = types;
        expected[0] += alive(&spectrum);
        for expected in &mut expected[1..] {
            spectrum = together(&again, &step.next(&spectrum));
            *expected += alive(&spectrum);
        }
    }
    expected
}

/// `fresh`: `m` new human draws with `n - m` of the last model's: binomial plus binomial, for each type.
pub fn fresh(n: usize, m: usize, p: &[f64], generations: usize) -> Vec<f64> {
    let step = Step::new(n, n - m);
    let mut expected = vec![0.0; generations];
    for &p in p {
        let (mut spectrum, new) = (human(n, &[p]), binomial(m, p));
        for expected in &mut expected {
            *expected += alive(&spectrum);
            spectrum = together(&new, &step.next(&spectrum));
        }
    }
    expected
}

/// `anchor`: the same `m` human draws each generation with `n - m` of the last model's. A type in the anchor stays;
/// others live on in the rest, which is drawn at their share of all n.
pub fn anchor(n: usize, m: usize, p: &[f64], generations: usize) -> Vec<f64> {
    let step = Step::new(n, n - m);
    let mut expected = vec![0.0; generations];
    for &p in p {
        let outside = (1.0 - p).powi(m as i32);
        let mut spectrum = human(n - m, &[p]);
        for expected in &mut expected {
            *expected += 1.0 - outside + outside * alive(&spectrum);
            spectrum.resize(n + 1, 0.0);
            spectrum = step.next(&spectrum);
        }
    }
    expected
}

/// Of the sum of two independent counts.
fn together(of_human: &[f64], latest: &[f64]) -> Spectrum {
    let mut spectrum = vec![0.0; of_human.len() + latest.len() - 1];
    for (count, share) in of_human.iter().enumerate() {
        latest.iter().enumerate().for_each(|(more, types)| spectrum[count + more] += types * share);
    }
    spectrum
}

/// P(0), P(1), ..., P(n) of `n` draws at `p`.
pub(crate) fn binomial(n: usize, p: f64) -> Vec<f64> {
    // From the side where no draw is likelier, so that the first term is no smaller than 2^-n.
    if p > 0.5 {
        let mut mirrored = binomial(n, 1.0 - p);
        mirrored.reverse();
        return mirrored;
    }
    let mut term = (1.0 - p).powi(n as i32);
    let step = |k: usize| (n - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
    let mut terms = vec![term];
    for k in 0..n {
        term *= step(k);
        terms.push(term);
    }
    terms
}

/// How many of `count` marked among `n` are in a draw of `m` without replacement: P(0), P(1), ..., P(m).
fn hypergeometric(n: usize, count: usize, m: usize) -> Vec<f64> {
    let mut shares = vec![1.0];
    for drawn in 0..m {
        let mut next = vec![0.0; shares.len() + 1];
        for (marked, share) in shares.iter().enumerate() {
            let p = count.saturating_sub(marked) as f64 / (n - drawn) as f64;
            next[marked] += share * (1.0 - p);
            next[marked + 1] += share * p;
        }
        shares = next;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::super::{Human, Regime, survival};
    use super::*;

    /// The closed forms are lower bounds, and near for rare types.
    #[test]
    fn closed_forms_are_bounds_and_near() {
        let (n, m, generations) = (150, 45, 8);
        let p = [0.01; 100];
        let alpha = m as f64 / n as f64;
        let of = |human| Regime::Mixture(human, alpha);
        let pairs = [
            (Regime::Replace, replace(n, &p, generations)),
            (of(Human::Fresh), fresh(n, m, &p, generations)),
            (of(Human::Anchor), anchor(n, m, &p, generations)),
            (of(Human::Pool), pool(n, m, &p, generations)),
        ];
        for (regime, exact) in pairs {
            for (generation, exact) in exact.into_iter().enumerate() {
                let law = 100.0 * survival(regime, n as f64, 0.01, generation as u32);
                assert!(law <= exact && law > exact * 0.985, "{regime:?} {generation}: {law} {exact}");
            }
        }
    }
}
