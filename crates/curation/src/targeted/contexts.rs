//! Contexts after which a model is at a loss.

/// A place in a document after which the model does badly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardContext {
    /// Index of the document.
    pub document: usize,
    /// Where what is hard begins: the tokens before it are the prompt.
    pub position: usize,
    /// Mean excess loss of the tokens from there on, nats.
    pub excess: f64,
}

/// The `count` contexts with the highest mean excess loss over the next `reach` tokens, worst first, with at least
/// `prompt` tokens before them; at most one in a document. `losses` are the model's on human text, `reference` those of
/// a model that learned from it (generation 0): a loss by itself may be the language's own entropy, and no writing
/// closes that.
///
/// # Panics
/// If the two do not have losses for the same tokens, or `reach` is 0.
pub fn hard_contexts(
    losses: &[Vec<f32>],
    reference: &[Vec<f32>],
    prompt: usize,
    reach: usize,
    count: usize,
) -> Vec<HardContext> {
    assert!(reach > 0, "at least one token is looked at");
    assert!(losses.iter().map(Vec::len).eq(reference.iter().map(Vec::len)), "losses of the same tokens");
    let worst = |(document, (losses, reference)): (usize, (&Vec<f32>, &Vec<f32>))| {
        let excess: Vec<f64> = losses.iter().zip(reference).map(|(&l, &r)| f64::from(l) - f64::from(r)).collect();
        let windows = excess.windows(reach).enumerate().skip(prompt);
        let hard = windows.map(|(position, window)| HardContext {
            document,
            position,
            excess: window.iter().sum::<f64>() / reach as f64,
        });
        hard.reduce(|worst, next| if next.excess > worst.excess { next } else { worst })
    };
    let mut hard: Vec<HardContext> = losses.iter().zip(reference).enumerate().filter_map(worst).collect();
    hard.sort_by(|a, b| b.excess.total_cmp(&a.excess).then(a.document.cmp(&b.document)));
    hard.truncate(count);
    hard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardest_come_first() {
        let reference = vec![vec![1.0; 5], vec![3.0; 5], vec![1.0; 2]];
        let losses = vec![vec![9.0, 1.0, 2.0, 4.0, 1.0], vec![3.0, 3.0, 3.0, 3.0, 4.0], vec![5.0; 2]];
        let hard = hard_contexts(&losses, &reference, 1, 2, 5);
        let expected = |document, position, excess| HardContext { document, position, excess };
        // The first token has no prompt before it; the third document is too short.
        assert_eq!(hard, [expected(0, 2, 2.0), expected(1, 3, 0.5)]);
        assert_eq!(hard_contexts(&losses, &reference, 1, 2, 1).len(), 1);
    }
}
