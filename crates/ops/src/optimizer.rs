use crate::{AdamWConfig, Late, OptimizerConfig, fused, muon};
use burn::tensor::Tensor;
use kernels::adamw::Step;

/// How a parameter is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// By AdamW, with weight decay or without.
    AdamW {
        /// Whether it decays.
        decays: bool,
    },
    /// By Muon, with weight decay.
    Muon {
        /// Rows of each matrix that lies in it, one below the other.
        parts: Vec<usize>,
    },
}

/// Moments of one parameter, `[rows, columns]` like it.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Mean of the gradients.
    pub first: Tensor<2>,
    /// Mean of the squared gradients, which Muon has not.
    pub second: Option<Tensor<2>>,
}

/// The optimizer of a model: constants, how each parameter is moved, moments and the count of steps.
#[derive(Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    /// In the parameters' order.
    updates: Vec<Update>,
    /// In the parameters' order; empty before the first step.
    moments: Vec<Moments>,
    steps: i32,
    /// A GPU counts the steps itself, since it alone knows in time whether the norm was finite.
    #[cfg(feature = "gpu")]
    state: Option<fused::OptimizerState>,
}

impl Optimizer {
    /// An optimizer that has taken no step, of parameters that are moved so.
    pub fn new(config: OptimizerConfig, updates: Vec<Update>) -> Self {
        Self {
            config,
            updates,
            moments: Vec::new(),
            steps: 0,
            #[cfg(feature = "gpu")]
            state: None,
        }
    }

    /// The same after `steps` steps with these moments, one for each parameter, on the parameters' device.
    #[must_use]
    pub fn resumed(self, moments: Vec<Moments>, steps: u32) -> Self {
        Self {
            #[cfg(feature = "gpu")]
            state: moments.first().and_then(|one| fused::OptimizerState::after(one, steps)),
            moments,
            steps: steps as i32,
            ..self
        }
    }

    /// The moments, in the parameters' order.
    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// How many steps were taken, without those that were left out. Waits for the device.
    ///
    /// # Panics
    /// If the device fails.
    pub fn steps(&self) -> u32 {
        #[cfg(feature = "gpu")]
        if let (Some(state), Some(one)) = (&self.state, self.moments.first()) {
            return state.steps(one);
        }
        self.steps as u32
    }

    /// The norm of all gradients together, `√Σ g²`.
    ///
    /// One number comes back from the device. Each parameter's sum is at most some hundred thousand terms in float32;
    /// the parameters are added in f64.
    pub fn global_norm(gradients: &[Tensor<2>]) -> f64 {
        if gradients.first().is_some_and(|g| fused::is_flex(&g.device())) {
            return gradients.iter().map(fused::square_norm).sum::<f64>().sqrt();
        }
        reference_norm(gradients)
    }

    /// Sets the moments' memory aside, which the first step else does: whoever then measures what is left of a device's memory
    /// has all that a run keeps before him.
    pub fn prepare(&mut self, parameters: &[Tensor<2>]) {
        if self.moments.is_empty() {
            let zeros = |(p, update): (&Tensor<2>, &Update)| Moments {
                first: p.zeros_like(),
                second: matches!(update, Update::AdamW { .. }).then(|| p.zeros_like()),
            };
            self.moments = parameters.iter().zip(&self.updates).map(zeros).collect();
        }
    }

    /// One step: gradients are multiplied by `scale`, clipped to the global norm, and the parameters moved.
    /// Gives the norm before clipping. Neither parameters nor gradients are tracked by autodiff.
    ///
    /// A norm that is not finite leaves everything as it was. On a GPU nothing comes back from the device until somebody
    /// reads the norm.
    ///
    /// # Panics
    /// If the lists differ in length from the optimizer's own.
    pub fn step(
        &mut self,
        parameters: Vec<Tensor<2>>,
        gradients: Vec<Tensor<2>>,
        scale: f64,
        rate: f64,
    ) -> (Vec<Tensor<2>>, Late) {
        assert!(parameters.len() == gradients.len() && parameters.len() == self.updates.len());
        self.prepare(&parameters);
        assert_eq!(self.moments.len(), parameters.len(), "the same parameters in every step");
        #[cfg(feature = "gpu")]
        if parameters.first().is_some_and(|p| fused::is_gpu(&p.device())) {
            let Self { config, updates, moments, state, .. } = self;
            let (moved, norm) =
                fused::optimizer_on_gpu(config, state, parameters, gradients, moments, updates, scale, rate);
            return (moved, Late::new(norm));
        }
        let norm = Self::global_norm(&gradients) * scale;
        if !norm.is_finite() {
            return (parameters, norm.into());
        }
        self.steps += 1;
        // As in PyTorch's clip_grad_norm_, which adds 1e-6 to the norm.
        let scale = scale * (self.config.adamw.clip / (norm + 1e-6)).min(1.0);
        (self.moved(parameters, gradients, scale, rate), norm.into())
    }

    /// The parameters after the step: Muon's, which share the work of their matrices, and AdamW's.
    fn moved(
        &mut self,
        parameters: Vec<Tensor<2>>,
        gradients: Vec<Tensor<2>>,
        scale: f64,
        rate: f64,
    ) -> Vec<Tensor<2>> {
        let mut moved: Vec<Option<Tensor<2>>> = Vec::new();
        let mut matrices = Vec::new();
        let each = parameters.into_iter().zip(gradients).zip(&mut self.moments).zip(&self.updates);
        for (at, (((p, g), moments), update)) in each.enumerate() {
            moved.push(match update {
                Update::AdamW { decays } => {
                    Some(adamw(p, g, moments, &self.config.adamw, self.steps, scale, rate, *decays))
                }
                Update::Muon { parts } => {
                    matrices.push((at, muon::Matrices { p, g, moments, parts }));
                    None
                }
            });
        }
        let (places, matrices): (Vec<usize>, Vec<muon::Matrices<'_>>) = matrices.into_iter().unzip();
        for (at, p) in places.into_iter().zip(muon::step(matrices, &self.config.muon(), scale, rate)) {
            moved[at] = Some(p);
        }
        moved.into_iter().map(|p| p.expect("every parameter is moved")).collect()
    }
}

/// [`Optimizer::global_norm`] of Burn's own operations.
pub fn reference_norm(gradients: &[Tensor<2>]) -> f64 {
    let squares = gradients.iter().map(|g| g.clone().square().sum_dim(1).sum_dim(0).reshape([1])).collect();
    let squares: Vec<f32> = Tensor::<1>::cat(squares, 0).try_into_vec_as().expect("float32 sums");
    squares.iter().map(|&s| f64::from(s)).sum::<f64>().sqrt()
}

/// `p ← p·(1 − rate·decay) − rate · m̂ / (√v̂ + ε)` with bias-corrected moments.
fn adamw(
    p: Tensor<2>,
    g: Tensor<2>,
    moments: &mut Moments,
    config: &AdamWConfig,
    steps: i32,
    scale: f64,
    rate: f64,
    decays: bool,
) -> Tensor<2> {
    let second = moments.second.as_mut().expect("AdamW has two moments");
    if fused::is_flex(&p.device()) {
        let step = Step { config, number: steps as u64, rate, gradient_scale: scale as f32, decays };
        let held = [moments.first.extract(), second.extract()];
        let (p, [first, second]) = fused::adamw(step, p, g, held);
        *moments = Moments { first, second: Some(second) };
        return p;
    }
    reference_update(p, g, [&mut moments.first, second], config, steps, scale, rate, decays)
}

/// One parameter's step of AdamW of Burn's own operations.
pub fn reference_update(
    p: Tensor<2>,
    g: Tensor<2>,
    moments: [&mut Tensor<2>; 2],
    config: &AdamWConfig,
    steps: i32,
    scale: f64,
    rate: f64,
    decays: bool,
) -> Tensor<2> {
    let AdamWConfig { beta1, beta2, epsilon, weight_decay, .. } = *config;
    let [held, squares] = moments;
    let g = g.mul_scalar(scale);
    let first = held.clone().mul_scalar(beta1) + g.clone().mul_scalar(1.0 - beta1);
    let second = squares.clone().mul_scalar(beta2) + g.square().mul_scalar(1.0 - beta2);
    (*held, *squares) = (first.clone(), second.clone());
    let root = second.div_scalar(1.0 - beta2.powi(steps)).sqrt().add_scalar(epsilon);
    let shift = first.mul_scalar(rate / (1.0 - beta1.powi(steps))) / root;
    let p = if decays { p.mul_scalar(1.0 - rate * weight_decay) } else { p };
    p - shift
}
