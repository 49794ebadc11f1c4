//! Closed forms for the categorical learner, each one checked against the loop by simulation (`tests/laws.rs`).
//!
//! Throughout: n draws per generation, p the true distribution, H0 = 1 - Σp² its heterozygosity, and generations
//! numbered as everywhere: model 0 is fitted to n human draws, model g to what the recipe gives. The literature often
//! counts the human draw as step 1; its k is g + 1.
//!
//! A law is *exact* (the mean over chains is the formula's), a *bound*, or an *approximation* with a stated error: a
//! test that takes an approximation for exact fails as soon as enough is simulated.

/// Heterozygosity 1 - Σq²: the chance that two draws differ. (Gini and Simpson's index; Nei's gene diversity.)
pub fn heterozygosity(q: &[f64]) -> f64 {
    1.0 - q.iter().map(|q| q * q).sum::<f64>()
}

/// Squared error ‖q - p‖².
pub fn squared_error(q: &[f64], p: &[f64]) -> f64 {
    q.iter().zip(p).map(|(q, p)| (q - p) * (q - p)).sum()
}

/// `replace`: the chance that a type of probability `p` is still there in model `generation`.
///
/// 1 - exp(-n p g_k) with g_1 = 1, g_{k+1} = 1 - exp(-g_k) and k = generation + 1 (Suresh, Thangaraj and Khandavally
/// 2025): a critical branching process with Poisson offspring. *Approximation*: the multinomial's counts are nearly
/// Poisson as long as n p² is small; the error is of that order. Documents must be independent draws; items that come
/// in runs count as one draw a run.
pub fn survival_replace(n: f64, p: f64, generation: u32) -> f64 {
    let g = (0..generation).fold(1.0, |g: f64, _| -(-g).exp_m1());
    -(-n * p * g).exp_m1()
}

/// `replace`: E H of model `generation`, H0 (1 - 1/n)^(g+1). *Exact* (Wright and Fisher's drift).
pub fn heterozygosity_replace(h0: f64, n: f64, generation: u32) -> f64 {
    h0 * (1.0 - 1.0 / n).powi(generation as i32 + 1)
}

/// `accumulate`: E H of model `generation`, H0 ∏_{i=1}^{g+1} (1 - 1/(n i²)). *Exact*.
///
/// The pool of i - 1 batches gets one more, drawn from itself: i² H_i = (i² - 1) H_{i-1} + (1 - 1/n) H_{i-1}. The
/// product does not fall to zero: its limit is H0 sin(π/√n) / (π/√n).
pub fn heterozygosity_accumulate(h0: f64, n: f64, generation: u32) -> f64 {
    (1..=generation + 1).fold(h0, |h, i| h * (1.0 - 1.0 / (n * f64::from(i).powi(2))))
}

/// `accumulate-subsample`: E H of model `generation`. *Exact*.
///
/// The pool of t batches (N = n t) has E H_t. The model is a draw of n from it without replacement, so its own mean is
/// s_t H_t with s_t = N (n-1) / (n (N-1)), and n draws from the model make H_{t+1} = H_t [1 - (1 - (1 - 1/n) s_t) /
/// (t+1)²].
pub fn heterozygosity_subsample(h0: f64, n: f64, generation: u32) -> f64 {
    let kept = |t: f64| n * t * (n - 1.0) / (n * (n * t - 1.0));
    let mut pool = h0 * (1.0 - 1.0 / n);
    for t in (1..=generation).map(f64::from) {
        pool *= 1.0 - (1.0 - (1.0 - 1.0 / n) * kept(t)) / (t + 1.0).powi(2);
    }
    pool * kept(f64::from(generation) + 1.0)
}

/// Which human text a mixture with `latest` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Human {
    /// New draws from the truth each generation.
    Fresh,
    /// The same part of the human set each generation.
    Anchor,
    /// A part of the human set, drawn anew each generation, no document twice in one draw.
    Pool,
}

/// A human share α of n draws and 1 - α of the last generation's: E‖q - p‖² of model `generation`. *Exact*, for exact
/// counts.
///
/// With D_g for the error, r for the human frequencies and m for the mean of q given the human set,
///
/// D_{g+1} = α² E‖r-p‖² + 2α(1-α) E(r-p)·(m_g-p) + (1-α)² D_g + (1-α)(H0 - D_g)/n,   D_0 = H0/n.
///
/// The first term is αH0/n for all three kinds of human text. They differ in the second, in what the last model already
/// knows of the human documents: nothing (fresh), H0/n (pool), and for the anchor, to which m converges, H0/(αn) +
/// (1-α)^g (H0/n - H0/(αn)).
pub fn error_of_mixture(human: Human, h0: f64, n: f64, alpha: f64, generation: u32) -> f64 {
    let (fit, anchor) = (h0 / n, h0 / (alpha * n));
    (0..generation).fold(fit, |error, step| {
        let shared = match human {
            Human::Fresh => 0.0,
            Human::Pool => fit,
            Human::Anchor => anchor + (1.0 - alpha).powi(step as i32) * (fit - anchor),
        };
        alpha * fit
            + 2.0 * alpha * (1.0 - alpha) * shared
            + (1.0 - alpha).powi(2) * error
            + (1.0 - alpha) * (h0 - error) / n
    })
}

/// What [`error_of_mixture`] converges to.
///
/// With B = 1 - (1-α)² + (1-α)/n: fresh (H0/n) / B; anchor H0/(αn) + (1-α) H0 (1 - 1/(αn)) / (n B); pool (H0/n) (1 +
/// 2α(1-α)) / B. An anchor with synthetic text is worse than the anchor alone, whose error is H0/(αn).
pub fn error_of_mixture_limit(human: Human, h0: f64, n: f64, alpha: f64) -> f64 {
    let b = 1.0 - (1.0 - alpha).powi(2) + (1.0 - alpha) / n;
    match human {
        Human::Fresh => h0 / n / b,
        Human::Anchor => h0 / (alpha * n) + (1.0 - alpha) * h0 * (1.0 - 1.0 / (alpha * n)) / (n * b),
        Human::Pool => h0 / n * (1.0 + 2.0 * alpha * (1.0 - alpha)) / b,
    }
}
