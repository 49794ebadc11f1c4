//! AdamW (Loshchilov and Hutter 2019) in place, with the clip to a global norm, without a number coming back to the host.
//!
//! A step is three kinds of launches: sums of squares by blocks of every gradient, one cube that makes the norm, the clip and the
//! bias corrections of them, and the update. Several tensors share a launch. A norm that is not finite leaves parameters, moments
//! and the count of steps as they were; the [`State`] counts it.

use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::AdamWConfig;

use crate::rows::{UNITS, argument, count, empty, total, vector};

/// Vectors of a unit, of every block.
const ITEMS: usize = 4;
/// Tensors of a launch at most.
const TENSORS: usize = 8;
/// Fields of the state.
pub(crate) const FIELDS: usize = 8;

/// A tensor of the model and what belongs to it, each of `len` elements.
#[derive(Clone)]
pub struct Parameter {
    /// The parameters, moved in place.
    pub p: Handle,
    /// The gradient.
    pub g: Handle,
    /// Mean of the gradients, zeros before the first step.
    pub m: Handle,
    /// Mean of the squared gradients, zeros before the first step.
    pub v: Handle,
    /// Elements.
    pub len: usize,
    /// Whether the weight decay applies.
    pub decays: bool,
}

/// What the device knows of the steps.
#[derive(Debug)]
pub struct State {
    /// Whether the last norm was finite, the gradients' factor, the factors of both moments, then as in [`Report`].
    pub(crate) fields: Handle,
}

/// A gradient of `len` elements.
#[derive(Clone)]
pub struct Gradient {
    /// The gradient.
    pub g: Handle,
    /// Elements.
    pub len: usize,
}

/// The state, read back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Norm of the last step's gradients, scaled, before the clip.
    pub norm: f32,
    /// Steps taken.
    pub steps: u32,
    /// Steps left out because the norm was not finite.
    pub skipped: u32,
}

impl State {
    /// After `steps` steps.
    pub fn new(client: &Client, steps: u32) -> Self {
        let mut fields = [0.0; FIELDS];
        // Exact up to 2^24 steps.
        fields[5] = steps as f32;
        Self { fields: client.create_from_slice(f32::as_bytes(&fields)) }
    }

    /// Reads the state; waits for the device.
    pub fn read(&self, client: &Client) -> Report {
        let bytes = client.read_one_unchecked(self.fields.clone());
        let fields = f32::from_bytes(&bytes);
        Report { norm: fields[4], steps: fields[5] as u32, skipped: fields[6] as u32 }
    }
}

/// One step on all tensors: [`measure`] and [`update`].
pub fn step(
    client: &Client,
    config: &AdamWConfig,
    state: &State,
    parameters: &[Parameter],
    scale: f32,
    rate: f32,
) -> Handle {
    let gradients: Vec<Gradient> =
        parameters.iter().map(|tensor| Gradient { g: tensor.g.clone(), len: tensor.len }).collect();
    let norm = measure(client, config, state, &gradients, scale, rate);
    update(client, config, state, parameters, rate);
    norm
}

/// Counts a step, if the norm of all these gradients is finite, and sets its clip and its bias corrections in the state.
/// Gradients are multiplied by `scale`, the normaliser of the loss, on the way in.
///
/// Gives their norm, scaled, before the clip: one number, on the device.
pub fn measure(
    client: &Client,
    config: &AdamWConfig,
    state: &State,
    gradients: &[Gradient],
    scale: f32,
    rate: f32,
) -> Handle {
    let config = config.float32();
    let (partial, blocks) = square_sums(client, gradients);
    let norm = empty(client, 1);
    // SAFETY: one cube reads `blocks` sums and the state's fields, of lengths that `argument` checks.
    unsafe {
        finish_kernel::launch_unchecked(
            client,
            CubeCount::Static(1, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            argument(&partial, blocks, 1),
            argument(&state.fields, FIELDS, 1),
            argument(&norm, 1, 1),
            blocks,
            scale,
            config.clip,
            rate,
            f64::from(config.beta1).ln() as f32,
            f64::from(config.beta2).ln() as f32,
        );
    }
    norm
}

/// Moves parameters and moments, if the norm that `state` holds is finite.
pub fn update(client: &Client, config: &AdamWConfig, state: &State, parameters: &[Parameter], rate: f32) {
    for tensors in parameters.chunks(tensors(client)) {
        update_some(client, config.float32(), state, tensors, rate);
    }
}

fn update_some(client: &Client, config: AdamWConfig<f32>, state: &State, tensors: &[Parameter], rate: f32) {
    let lengths = || tensors.iter().map(|tensor| tensor.len);
    let blocks = Blocks::new(lengths());
    let keep = (1.0 - f64::from(rate) * f64::from(config.weight_decay)) as f32;
    let argument_of = |part: fn(&Parameter) -> &Handle| {
        tensors.iter().map(move |tensor| argument(part(tensor), tensor.len, blocks.vector))
    };
    // SAFETY: each unit finds its tensor by the first blocks and stops at its length, to which `argument` holds all four buffers.
    unsafe {
        update_kernel::launch_unchecked(
            client,
            count(client, blocks.total),
            CubeDim::new_1d(UNITS as u32),
            blocks.vector,
            argument_of(|it| &it.p).collect(),
            argument_of(|it| &it.g).collect(),
            argument_of(|it| &it.m).collect(),
            argument_of(|it| &it.v).collect(),
            blocks.firsts(lengths()).collect(),
            lengths().map(|len| len / blocks.vector).collect(),
            tensors.iter().map(|tensor| if tensor.decays { keep } else { 1.0 }).collect(),
            argument(&state.fields, FIELDS, 1),
            config.beta1,
            config.beta2,
            config.epsilon,
        );
    }
}

/// Tensors of a launch: a kernel binds four buffers of each, and the state.
fn tensors(client: &Client) -> usize {
    ((client.properties().hardware.max_bindings as usize).saturating_sub(1) / 4).clamp(1, TENSORS)
}

/// How the tensors of a launch are cut into blocks, a cube each.
#[derive(Clone, Copy)]
struct Blocks {
    vector: usize,
    total: usize,
}

impl Blocks {
    fn new(lengths: impl Iterator<Item = usize> + Clone) -> Self {
        let vector = lengths.clone().map(vector).min().expect("tensors in every chunk");
        let total = lengths.map(|len| len.div_ceil(UNITS * ITEMS * vector)).sum();
        Self { vector, total }
    }

    /// The first block of each tensor.
    fn firsts(self, lengths: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
        lengths.scan(0, move |next, len| {
            let first = *next;
            *next += len.div_ceil(UNITS * ITEMS * self.vector);
            Some(first)
        })
    }
}

/// `Σ g²` by blocks of all gradients, and the number of blocks.
fn square_sums(client: &Client, gradients: &[Gradient]) -> (Handle, usize) {
    let tensors = tensors(client);
    let lengths = |some: &'_ [Gradient]| some.iter().map(|gradient| gradient.len).collect::<Vec<_>>();
    let cut = |some: &[Gradient]| Blocks::new(lengths(some).into_iter());
    let blocks = gradients.chunks(tensors).map(|some| cut(some).total).sum();
    let partial = empty(client, blocks);
    let mut before = 0;
    for some in gradients.chunks(tensors) {
        let cut = cut(some);
        // SAFETY: cubes stop at the blocks and units at the tensor's length, to which `argument` holds the gradient; `partial` has a
        // place for each block.
        unsafe {
            square_sums_kernel::launch_unchecked(
                client,
                count(client, cut.total),
                CubeDim::new_1d(UNITS as u32),
                cut.vector,
                some.iter().map(|gradient| argument(&gradient.g, gradient.len, cut.vector)).collect(),
                cut.firsts(lengths(some).into_iter()).collect(),
                lengths(some).into_iter().map(|len| len / cut.vector).collect(),
                argument(&partial, blocks, 1),
                before,
                cut.total,
            );
        }
        before += cut.total;
    }
    (partial, blocks)
}

/// Sum over the cube's units in a tree, in unit 0.
#[cube]
pub(crate) fn cube_sum(x: f32) -> f32 {
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    shared[unit] = x;
    let levels = comptime!(UNITS.ilog2() as usize);
    #[unroll]
    for level in 0..levels {
        let half = comptime!(UNITS >> (level + 1));
        sync_cube();
        if unit < half {
            shared[unit] = shared[unit] + shared[unit + half];
        }
    }
    shared[unit]
}

/// `sum` and the squares of a unit's elements of a block.
#[cube]
fn add_squares<N: Size>(g: &[Vector<f32, N>], sum: Vector<f32, N>, start: usize, length: usize) -> Vector<f32, N> {
    let mut sum = sum;
    #[unroll]
    for item in 0..ITEMS {
        let at = start + comptime!(item * UNITS);
        if at < length {
            sum = fma(g[at], g[at], sum);
        }
    }
    sum
}

#[cube(launch_unchecked)]
fn square_sums_kernel<N: Size>(
    gradients: &Sequence<Box<[Vector<f32, N>]>>,
    firsts: &Sequence<usize>,
    lengths: &Sequence<usize>,
    partial: &mut [f32],
    before: usize,
    blocks: usize,
) {
    if CUBE_POS >= blocks {
        terminate!();
    }
    let mut squares = Vector::<f32, N>::new(0.0);
    #[unroll]
    for tensor in 0..gradients.len() {
        let first = firsts[tensor];
        let start = (CUBE_POS - first) * comptime!(UNITS * ITEMS) + UNIT_POS as usize;
        let length = lengths[tensor];
        if CUBE_POS >= first && start < length {
            squares = add_squares::<N>(gradients.index(tensor), squares, start, length);
        }
    }
    let sum = cube_sum(total::<N>(squares));
    if UNIT_POS == 0 {
        partial[before + CUBE_POS] = sum;
    }
}

/// One cube: norm, clip (as PyTorch's `clip_grad_norm_`, which adds 1e-6 to the norm) and bias corrections.
#[cube(launch_unchecked)]
fn finish_kernel(
    partial: &[f32],
    state: &mut [f32],
    norm_out: &mut [f32],
    blocks: usize,
    scale: f32,
    clip: f32,
    rate: f32,
    log_beta1: f32,
    log_beta2: f32,
) {
    let mut sum = 0.0f32;
    let mut at = UNIT_POS as usize;
    while at < blocks {
        sum += partial[at];
        at += UNITS;
    }
    let squares = cube_sum(sum);
    if UNIT_POS == 0 {
        let norm = squares.sqrt() * scale;
        // By its exponent: compilers may take comparisons for granted that NaN fails.
        let exponent = u32::reinterpret(norm) & 0x7f80_0000;
        if exponent != 0x7f80_0000 {
            let steps = state[5] + 1.0;
            state[0] = 1.0;
            state[1] = scale * (clip / (norm + 1e-6)).min(1.0);
            state[2] = rate / one_minus_exp(steps * log_beta1);
            state[3] = 1.0 / one_minus_exp(steps * log_beta2).sqrt();
            state[5] = steps;
        } else {
            state[0] = 0.0;
            state[6] = state[6] + 1.0;
        }
        state[4] = norm;
        norm_out[0] = norm;
    }
}

/// `1 - e^x` for `x <= 0`: by its series near zero, where the difference would lose digits.
#[cube]
fn one_minus_exp(x: f32) -> f32 {
    let mut value = 1.0f32 - x.exp();
    if x > -0.5f32 {
        // x + x²/2! + … + x⁸/8!
        let mut series = 1.0f32 + x / 8.0f32;
        #[unroll]
        for i in 0..6usize {
            series = 1.0f32 + series * x * comptime!(1.0f32 / (7 - i) as f32);
        }
        value = -x * series;
    }
    value
}

#[cube(launch_unchecked)]
fn update_kernel<N: Size>(
    p: &mut Sequence<Box<[Vector<f32, N>]>>,
    g: &Sequence<Box<[Vector<f32, N>]>>,
    m: &mut Sequence<Box<[Vector<f32, N>]>>,
    v: &mut Sequence<Box<[Vector<f32, N>]>>,
    firsts: &Sequence<usize>,
    lengths: &Sequence<usize>,
    keeps: &Sequence<f32>,
    state: &[f32],
    beta1: f32,
    beta2: f32,
    eps: f32,
) {
    if state[0] == 0.0 {
        terminate!();
    }
    #[unroll]
    for tensor in 0..p.len() {
        let first = firsts[tensor];
        let start = (CUBE_POS - first) * comptime!(UNITS * ITEMS) + UNIT_POS as usize;
        if CUBE_POS >= first && start < lengths[tensor] {
            update_block::<N>(
                p.index_mut(tensor),
                g.index(tensor),
                m.index_mut(tensor),
                v.index_mut(tensor),
                state,
                start,
                lengths[tensor],
                keeps[tensor],
                beta1,
                beta2,
                eps,
            );
        }
    }
}

/// The update of a unit's elements of a block.
#[cube]
fn update_block<N: Size>(
    p: &mut [Vector<f32, N>],
    g: &[Vector<f32, N>],
    m: &mut [Vector<f32, N>],
    v: &mut [Vector<f32, N>],
    state: &[f32],
    start: usize,
    length: usize,
    keep: f32,
    beta1: f32,
    beta2: f32,
    eps: f32,
) {
    let scale = Vector::<f32, N>::new(state[1]);
    let rate = Vector::<f32, N>::new(state[2]);
    let root = Vector::<f32, N>::new(state[3]);
    #[unroll]
    for item in 0..ITEMS {
        let at = start + comptime!(item * UNITS);
        if at < length {
            let gradient = g[at] * scale;
            let first = fma(Vector::new(beta1), m[at], Vector::new(1.0 - beta1) * gradient);
            let second = fma(Vector::new(beta2), v[at], Vector::new(1.0 - beta2) * (gradient * gradient));
            let step = first * rate / fma(second.sqrt(), root, Vector::new(eps));
            p[at] = p[at] * Vector::new(keep) - step;
            m[at] = first;
            v[at] = second;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;
    use kernels::adamw::Step;

    const CONFIG: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1, clip: 1.0 };
    const RATE: f32 = 3e-3;
    const FIRST: Step<'_> = Step { config: &CONFIG, number: 1, rate: RATE as f64, gradient_scale: 1.0, decays: true };

    fn parameters(client: &Client, lengths: &[usize]) -> Vec<Parameter> {
        let tensor = |(i, &len): (usize, &usize)| {
            let zeros = || upload(client, &vec![0.0; len]);
            let (p, g) = (upload(client, &numbers(i as u64, len)), zeros());
            Parameter { p, g, m: zeros(), v: zeros(), len, decays: i % 2 == 0 }
        };
        lengths.iter().enumerate().map(tensor).collect()
    }

    #[test]
    fn steps_equal_the_processors() {
        let Some(client) = device() else { return };
        for lengths in [&[1usize][..], &[8, 4096 * 2 + 4, 40], &[7, 5000, 1, 3, 64, 12, 4, 4, 1025, 16]] {
            let mut tensors = parameters(&client, lengths);
            let state = State::new(&client, 0);
            let mut host: Vec<[Vec<f32>; 3]> = tensors
                .iter()
                .map(|tensor| [download(&client, &tensor.p), vec![0.0; tensor.len], vec![0.0; tensor.len]])
                .collect();
            for number in 1..=4u64 {
                // The first steps are clipped, the last is not.
                let scale = if number < 4 { 0.5 } else { 1e-3 };
                let gradients: Vec<_> = lengths.iter().map(|&len| numbers(100 * number + len as u64, len)).collect();
                for (tensor, g) in tensors.iter_mut().zip(&gradients) {
                    tensor.g = upload(&client, g);
                }
                let last = step(&client, &CONFIG, &state, &tensors, scale, RATE);
                let squares: f64 = gradients.iter().map(|g| kernels::adamw::square_norm(g)).sum();
                let norm = squares.sqrt() * f64::from(scale);
                let clipped = f64::from(scale) * (CONFIG.clip / (norm + 1e-6)).min(1.0);
                for ((tensor, g), [p, m, v]) in tensors.iter().zip(&gradients).zip(&mut host) {
                    let gradient_scale = clipped as f32;
                    Step { number, gradient_scale, decays: tensor.decays, ..FIRST }.run(p, g, m, v);
                }
                let report = state.read(&client);
                assert_eq!(download(&client, &last), [report.norm]);
                assert!((f64::from(report.norm) - norm).abs() < 1e-5 * norm, "{} for {norm}", report.norm);
                assert_eq!((report.steps, report.skipped), (number as u32, 0));
            }
            for (tensor, [p, m, v]) in tensors.iter().zip(&host) {
                close("p", &download(&client, &tensor.p), p, 1e-6);
                close("m", &download(&client, &tensor.m), m, 2e-6);
                close("v", &download(&client, &tensor.v), v, 4e-6);
            }
        }
    }

    #[test]
    fn a_norm_that_is_not_finite_changes_nothing_but_the_count() {
        let Some(client) = device() else { return };
        for bad in [f32::NAN, f32::INFINITY] {
            let mut tensors = parameters(&client, &[12, 5]);
            tensors[1].g = upload(&client, &[1.0, bad, 0.0, 0.0, 0.0]);
            let state = State::new(&client, 3);
            let before: Vec<_> = tensors.iter().map(|tensor| download(&client, &tensor.p)).collect();
            step(&client, &CONFIG, &state, &tensors, 1.0, RATE);
            for (tensor, before) in tensors.iter().zip(before) {
                assert_eq!(download(&client, &tensor.p), before);
                assert!(download(&client, &tensor.v).iter().all(|&v| v == 0.0));
            }
            let report = state.read(&client);
            assert_eq!((report.steps, report.skipped), (3, 1));
            assert!(!report.norm.is_finite());
        }
    }

    #[test]
    fn bias_corrections_late_in_a_run() {
        let Some(client) = device() else { return };
        for steps in [1u32, 10, 499, 500, 4000, 100_000] {
            let mut tensors = parameters(&client, &[4]);
            tensors[0].g = upload(&client, &[1e-2; 4]);
            let p = download(&client, &tensors[0].p);
            step(&client, &CONFIG, &State::new(&client, steps), &tensors, 1.0, RATE);
            let mut host = [p, vec![0.0; 4], vec![0.0; 4]];
            let [p, m, v] = &mut host;
            Step { number: u64::from(steps) + 1, ..FIRST }.run(p, &[1e-2; 4], m, v);
            close("p", &download(&client, &tensors[0].p), p, 2e-7);
        }
    }
}
