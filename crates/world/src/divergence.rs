//! The distance between a model and the language, from log-probabilities of the same texts. All are in nats; a document's
//! log-probability includes its end.
//!
//! The two directions need not agree. From the truth to the model, `Q` of a text's canonical ids is at most `Q` of the
//! text, so the excess bounds the divergence from above. From the model to the truth the divergence is infinite as soon as
//! anything fails to parse: reported are g = Q(parses) and the divergence of what parses, E[ln Q − ln P | parses] − ln g,
//! the −ln g making Q a distribution over what parses. It needs texts drawn at temperature 1, without truncation.

/// An estimate and its standard error, documents being independent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error; no number for a single document.
    pub standard_error: f64,
}

/// A test document under the truth and under a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// ln P of the text.
    pub truth: f64,
    /// ln Q of its ids.
    pub model: f64,
    /// Its tokens, with the end.
    pub tokens: usize,
}

/// Excess over the floor per token, on documents of the language: Σ (ln P − ln Q) / Σ tokens. None without tokens. Infinite,
/// with a standard error that is no number, as soon as one of the documents is impossible for the model.
pub fn excess(documents: &[Scored]) -> Option<Estimate> {
    ratio(documents.iter().map(|d| (d.truth - d.model, d.tokens as f64)))
}

/// Excess per document: the divergence from the truth to the model, from above. None without documents.
pub fn excess_per_document(documents: &[Scored]) -> Option<Estimate> {
    ratio(documents.iter().map(|d| (d.truth - d.model, 1.0)))
}

/// The divergence from a model to the language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToTruth {
    /// g: how much of what the model writes is of the language.
    pub parses: Estimate,
    /// The divergence on what parses; none if nothing does.
    pub divergence: Option<Estimate>,
}

/// Estimates the divergence from a model to the language, by document, or by sentence given the parsed state: of each text
/// that the model wrote, ln P (none if it does not parse) and ln Q. None without texts.
pub fn to_truth(written: &[(Option<f64>, f64)]) -> Option<ToTruth> {
    let parses = ratio(written.iter().map(|(truth, _)| (f64::from(u8::from(truth.is_some())), 1.0)))?;
    let parsed = written.iter().filter_map(|(truth, model)| Some((model - (*truth)?, 1.0)));
    let divergence = ratio(parsed).map(|mean| {
        // Independent of the mean, −ln g has the variance (1 − g) / (g n) to first order.
        let of_g = (1.0 - parses.value) / (parses.value * written.len() as f64);
        Estimate { value: mean.value - parses.value.ln(), standard_error: (mean.standard_error.powi(2) + of_g).sqrt() }
    });
    Some(ToTruth { parses, divergence })
}

/// Σ x / Σ y with the standard error of a ratio (linearised). None if Σ y is zero.
fn ratio(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Estimate> {
    let (n, x, y) = pairs.clone().fold((0.0, 0.0, 0.0), |(n, a, b), (x, y)| (n + 1.0, a + x, b + y));
    if y <= 0.0 {
        return None;
    }
    let value = x / y;
    let squares: f64 = pairs.map(|(x, y)| (x - value * y).powi(2)).sum();
    Some(Estimate { value, standard_error: (squares * n / (n - 1.0)).sqrt() / y })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_a_ratio_of_sums() {
        let scored = |truth, model, tokens| Scored { truth, model, tokens };
        let two = excess(&[scored(-2.0, -3.0, 4), scored(-6.0, -8.0, 8)]).unwrap();
        assert_eq!(two.value, 0.25);
        // Residuals 1 − .25·4 = 0 and 2 − .25·8 = 0.
        assert_eq!(two.standard_error, 0.0);
        let uneven = excess(&[scored(-1.0, -2.0, 1), scored(-1.0, -1.0, 1)]).unwrap();
        assert_eq!(uneven, Estimate { value: 0.5, standard_error: 0.5 });
        assert_eq!(excess(&[]), None);
        assert_eq!(excess_per_document(&[scored(-2.0, -3.0, 4)]).unwrap().value, 1.0);
    }

    #[test]
    fn what_does_not_parse_is_apart() {
        // Q is P on half of its mass and never of the language on the rest: given that it parses, Q is P.
        let written =
            [(Some(-3.0), -3.0 + 0.5_f64.ln()), (None, -9.0), (Some(-1.0), -1.0 + 0.5_f64.ln()), (None, -1.0)];
        let found = to_truth(&written).unwrap();
        assert_eq!(found.parses.value, 0.5);
        assert!(found.divergence.unwrap().value.abs() < 1e-15);
        assert!((found.divergence.unwrap().standard_error - 0.5).abs() < 1e-15, "√(½ / (½ · 4))");
        assert_eq!(to_truth(&[(None, -1.0)]).unwrap().divergence, None);
        assert_eq!(to_truth(&[]), None);
    }
}
