//! Contexts after which a model is at a loss.

/// For each document, the mean loss of the tokens after the first `prompt` beyond the reference's, nats, where that is
/// above 0, else 0. `losses` are the model's on human text, `reference` those of a model that learned from it
/// (generation 0): a loss by itself may be the language's own entropy, and no writing closes that.
///
/// # Panics
/// If the two do not have losses for the same tokens.
pub fn excess(losses: &[Vec<f32>], reference: &[Vec<f32>], prompt: usize) -> Vec<f64> {
    assert!(losses.iter().map(Vec::len).eq(reference.iter().map(Vec::len)), "losses of the same tokens");
    let behind = |losses: &[f32]| losses.iter().skip(prompt).map(|&loss| f64::from(loss)).sum::<f64>();
    let mean = |(losses, reference): (&Vec<f32>, &Vec<f32>)| {
        let tokens = losses.len().saturating_sub(prompt).max(1);
        ((behind(losses) - behind(reference)) / tokens as f64).max(0.0)
    };
    losses.iter().zip(reference).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_prompt_counts() {
        let reference = vec![vec![1.0; 5], vec![3.0; 5], vec![1.0; 2], vec![1.0; 3]];
        let losses = vec![vec![9.0, 9.0, 2.0, 4.0, 1.5], vec![9.0, 9.0, 3.0, 2.0, 3.0], vec![5.0; 2], vec![1.0; 3]];
        assert_eq!(excess(&losses, &reference, 2), [1.5, 0.0, 0.0, 0.0]);
    }
}
