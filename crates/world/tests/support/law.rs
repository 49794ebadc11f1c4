//! The exact law of survival among `n` draws a generation: each type's count is a Markov chain of its own, whose next
//! state is binomial, so the expected number of types with each count can be carried from generation to generation without
//! an approximation.

/// Expected number of types by their count among a model's `n` draws: `spectrum[count]`.
pub(crate) type Spectrum = Vec<f64>;

/// Of the human draws: each count is binomial.
pub(crate) fn human(n: usize, p: &[f64]) -> Spectrum {
    let mut spectrum = vec![0.0; n + 1];
    p.iter().for_each(|&p| spectrum.iter_mut().zip(binomial(n, p)).for_each(|(sum, share)| *sum += share));
    spectrum
}

/// The expected number of types that are there.
pub(crate) fn alive(spectrum: &[f64]) -> f64 {
    spectrum[1..].iter().sum()
}

/// `replace`, for models 0, 1, ...: the next count is of `n` draws at the present share.
pub(crate) fn replace(n: usize, p: &[f64], generations: usize) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = (0..=n).map(|count| binomial(n, count as f64 / n as f64)).collect();
    let mut spectrum = human(n, p);
    let mut expected = vec![alive(&spectrum)];
    for _ in 1..generations {
        let mut next = vec![0.0; n + 1];
        for (row, types) in rows.iter().zip(&spectrum) {
            next.iter_mut().zip(row).for_each(|(sum, share)| *sum += types * share);
        }
        spectrum = next;
        expected.push(alive(&spectrum));
    }
    expected
}

/// `m` of the `n` human draws, drawn anew each generation without replacement, with `n - m` of the last model's: the next
/// count is hypergeometric plus binomial. A type's human count stays what it was, so the chains are carried for each.
pub(crate) fn pool(n: usize, m: usize, p: &[f64], generations: usize) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = (0..=n).map(|count| binomial(n - m, count as f64 / n as f64)).collect();
    let mut expected = vec![0.0; generations];
    for (count, &types) in human(n, p).iter().enumerate().filter(|&(_, &types)| types > 1e-15) {
        let again = hypergeometric(n, count, m);
        let mut spectrum = vec![0.0; n + 1];
        spectrum[count] = types;
        expected[0] += alive(&spectrum);
        for expected in &mut expected[1..] {
            let mut latest = vec![0.0; n - m + 1];
            for (row, types) in rows.iter().zip(&spectrum) {
                latest.iter_mut().zip(row).for_each(|(sum, share)| *sum += types * share);
            }
            spectrum = vec![0.0; n + 1];
            for (of_pool, share) in again.iter().enumerate() {
                latest.iter().enumerate().for_each(|(of_latest, types)| spectrum[of_pool + of_latest] += types * share);
            }
            *expected += alive(&spectrum);
        }
    }
    expected
}

/// The pool's law for rare types, where counts are Poisson's: 1 - exp{-np [1 - (1 - h_g) ∏_{i<g} (1 - α h_i)]} with h_0 = 1
/// and h_{j+1} = 1 - exp(-(1-α) h_j), the chance that a draw still has a descendant j generations on. A human draw is lost
/// if neither its first descendants are there nor those of any generation that drew it again. *Approximation*, of the
/// order of n p², as `chain::laws::survival_replace`, which it is for α = 0.
pub(crate) fn survival_pool(n: f64, p: f64, alpha: f64, generation: u32) -> f64 {
    let (mut h, mut lost_again) = (1.0_f64, 1.0);
    for _ in 0..generation {
        lost_again *= 1.0 - alpha * h;
        h = -(-(1.0 - alpha) * h).exp_m1();
    }
    -(-n * p * (1.0 - (1.0 - h) * lost_again)).exp_m1()
}

/// P(0), P(1), ..., P(n) of `n` draws at `p`.
fn binomial(n: usize, p: f64) -> Vec<f64> {
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

/// How many of `count` marked among `n` are in a draw of `m` without replacement: P(0), P(1), ...
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
