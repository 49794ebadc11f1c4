//! Output head and cross-entropy in one: logits exist for a few hundred rows at a time, never as `[tokens, vocabulary]`.
//!
//! Each chunk of rows takes two steps. Pieces of its rows form their logits, losses and the gradient of the logits, and from it,
//! still in the second-level cache, the gradient of their hidden states. Then pieces of the vocabulary add the chunk's part
//! to the gradient of the head. Both are cut by the shapes alone, in a way that suits the precision.
//!
//! Rows of weight 0 are left out before the rows are cut into chunks.

use super::precision::Path;
use super::spec::{Precision, TokenRule};

#[cfg(target_arch = "x86_64")]
mod bfloat16;
mod float32;
mod row;
#[cfg(test)]
mod tests;

impl TokenRule<&[f32]> {
    /// What a token counts by [`Self::apply`], mixed with what the prior loses, where there is one.
    fn mixed(self, counted: f64, of_prior: f64) -> f64 {
        match self {
            Self::Smoothed { share, .. } => (1.0 - f64::from(share)) * counted + f64::from(share) * of_prior,
            _ => counted,
        }
    }
}

/// What is read: all of it row-major.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Hidden states, `[n, d]`.
    pub hidden: &'a [f32],
    /// Output head, `[vocabulary, d]`: the tied embedding.
    pub head: &'a [f32],
    /// Target tokens, `[n]`.
    pub targets: &'a [u32],
    /// Weights of the rows, `[n]`; a row of weight 0 is not computed at all.
    pub weights: &'a [f32],
    /// Width `d`.
    pub width: usize,
    /// What a token's loss counts.
    pub rule: TokenRule<&'a [f32]>,
    /// Of the products: logits, gradient of the hidden states, gradient of the head. All else is float32.
    pub precision: Precision,
}

impl Inputs<'_> {
    fn vocabulary(&self) -> usize {
        self.head.len() / self.width
    }

    fn hidden(&self, row: usize) -> &[f32] {
        &self.hidden[row * self.width..][..self.width]
    }
}

/// Where the gradients of the weighted sum go; both are overwritten.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Gradient of the hidden states, `[n, d]`.
    pub hidden: &'a mut [f32],
    /// Gradient of the head, `[vocabulary, d]`.
    pub head: &'a mut [f32],
}

/// Losses of all rows, and the weighted sum `Σ weight * rule(loss)`, not normalised.
///
/// `losses` `[n]` receives the cross-entropy of each row in nats, without weight or rule; 0 where the weight is 0.
/// Sums over rows are taken in `f64`, in the order of the rows.
pub fn head_loss(inputs: Inputs<'_>, losses: &mut [f32], gradients: Option<Gradients<'_>>) -> f32 {
    head_loss_by(inputs.precision.path(), inputs, losses, gradients)
}

fn head_loss_by(path: Path, inputs: Inputs<'_>, losses: &mut [f32], gradients: Option<Gradients<'_>>) -> f32 {
    let (n, d, vocabulary) = (inputs.targets.len(), inputs.width, inputs.vocabulary());
    assert!(
        [inputs.hidden.len(), inputs.head.len(), inputs.weights.len(), losses.len()] == [n * d, vocabulary * d, n, n],
        "head_loss: {} hidden, {} in the head, {} weights, {} losses for {n} targets of width {d}",
        inputs.hidden.len(),
        inputs.head.len(),
        inputs.weights.len(),
        losses.len()
    );
    assert!(
        inputs.targets.iter().all(|&t| (t as usize) < vocabulary),
        "head_loss: a target is not in the vocabulary of {vocabulary}"
    );
    if let TokenRule::Smoothed { prior, .. } = inputs.rule {
        assert_eq!(prior.len(), vocabulary, "head_loss: a prior over another vocabulary");
    }
    if let Some(g) = &gradients {
        assert!(
            g.hidden.len() == n * d && g.head.len() == vocabulary * d,
            "head_loss: gradients of {} and {}",
            g.hidden.len(),
            g.head.len()
        );
    }
    match path {
        Path::Float32 => over_chunks(inputs, float32::Chunk::new(inputs, Precision::Float32), losses, gradients),
        Path::Rounded(precision) => {
            let (hidden, head) = (&precision.rounded(inputs.hidden), &precision.rounded(inputs.head));
            let inputs = Inputs { hidden, head, ..inputs };
            over_chunks(inputs, float32::Chunk::new(inputs, precision), losses, gradients)
        }
        #[cfg(target_arch = "x86_64")]
        Path::Native(s) => bfloat16::with_chunk(s, inputs, |chunk| over_chunks(inputs, chunk, losses, gradients)),
    }
}

/// The products of a chunk of rows, and what they leave to the next step.
trait Products {
    /// Rows of a chunk, at most.
    fn length(&self) -> usize;
    /// Losses of the given rows and, if wanted, the gradients of their logits and of their hidden states.
    fn run(&mut self, inputs: Inputs<'_>, rows: &[usize], want_gradients: bool);
    /// Cross-entropy of each row of the chunk, and what it counts by the rule.
    fn losses(&self) -> &[(f32, f64)];
    /// Gradients of the hidden states of the chunk's rows.
    fn d_hidden(&self) -> &[f32];
    /// `head = d_logitsᵀ hidden` over the chunk's rows, or `head += ...` if `add`.
    fn head_gradient(&self, add: bool, head: &mut [f32]);
}

fn over_chunks(
    inputs: Inputs<'_>,
    mut chunk: impl Products,
    losses: &mut [f32],
    mut gradients: Option<Gradients<'_>>,
) -> f32 {
    let d = inputs.width;
    let rows: Vec<usize> = (0..losses.len()).filter(|&i| inputs.weights[i] != 0.0).collect();
    losses.fill(0.0);
    if let Some(g) = &mut gradients {
        if rows.len() < losses.len() {
            g.hidden.fill(0.0);
        }
        if rows.is_empty() {
            g.head.fill(0.0);
        }
    }
    let mut sum = 0.0f64;
    for (number, rows) in rows.chunks(chunk.length()).enumerate() {
        chunk.run(inputs, rows, gradients.is_some());
        for (&row, &(loss, counted)) in rows.iter().zip(chunk.losses()) {
            losses[row] = loss;
            sum += f64::from(inputs.weights[row]) * counted;
        }
        if let Some(g) = &mut gradients {
            for (&row, from) in rows.iter().zip(chunk.d_hidden().chunks_exact(d)) {
                g.hidden[row * d..][..d].copy_from_slice(from);
            }
            chunk.head_gradient(number > 0, g.head);
        }
    }
    sum as f32
}
