//! Causal attention within documents, straight from the fused projection, rotary positions inside.
//!
//! Position `p` of a window attends to the positions from `starts[p]`, the first of its document, to `p` itself. Queries and keys
//! are rotated by their place in the document (Su et al. 2021; pairs are a head's first and second half, as in Hugging Face's
//! Llama). The forward pass saves the log-sum-exp of each row of scores; the backward pass makes the probabilities again from it
//! (Dao 2023), so nothing of size `[time, time]` is kept. No sum depends on the order in which cubes run.
//!
//! A unit keeps a whole row in registers: its query and output, or in the backward pass a query (or key and value) and the
//! gradients. The rows of the other side pass by in shared memory, where all units of a plane read the same address at once, four
//! multiply-adds for each load. Two or more units can share a row (`split`), with a plane shuffle for each score, where a row would
//! take too many registers.

use cubecl::prelude::*;
use cubecl::server::Handle;
use kernels::spec::AttentionShape;

use crate::rows::{argument, count, empty, planes};

mod backward;
mod forward;
#[cfg(test)]
mod tests;
mod tile;

use tile::Plan;
pub use tile::Tiles;

/// Panics at sizes that the kernels cannot take.
fn check(shape: AttentionShape, rotary: &Rotary) {
    assert!(
        shape.kv_heads > 0
            && shape.heads.is_multiple_of(shape.kv_heads)
            && shape.head_width.is_multiple_of(8)
            && shape.rows() > 0,
        "attention: {shape:?}"
    );
    assert!(
        rotary.head_width == shape.head_width && rotary.places >= shape.time,
        "attention: {shape:?} with a rotary table of {} places for heads of width {}",
        rotary.places,
        rotary.head_width
    );
}

/// Cosines and sines of the rotary angles for each place and pair of a head's columns: make once, use in every layer.
#[derive(Clone)]
pub struct Rotary {
    /// `[places, head_width]`: the cosines of the pairs, then the sines.
    table: Handle,
    places: usize,
    head_width: usize,
}

impl Rotary {
    /// The angle of pair `i` at place `p` is `p * theta^(-2 i / head_width)`.
    pub fn new(client: &Client, places: usize, head_width: usize, theta: f64) -> Self {
        let half = head_width / 2;
        let mut table = vec![0.0f32; places * head_width];
        for (p, row) in table.chunks_exact_mut(head_width).enumerate() {
            for i in 0..half {
                let (sin, cos) = (p as f64 * theta.powf(-(i as f64) / half as f64)).sin_cos();
                (row[i], row[half + i]) = (cos as f32, sin as f32);
            }
        }
        Self { table: client.create_from_slice(f32::as_bytes(&table)), places, head_width }
    }

    fn argument(&self) -> BufferArg {
        argument(&self.table, self.places * self.head_width, 4)
    }
}

/// What the forward pass gives.
#[derive(Clone)]
pub struct Forward {
    /// `[batch * time, heads * head_width]`.
    pub out: Handle,
    /// Log-sum-exp of the scores, `[batch, heads, time]`.
    pub lse: Handle,
}

/// Attention of every window.
pub fn forward(client: &Client, shape: AttentionShape, qkv: &Handle, starts: &Handle, rotary: &Rotary) -> Forward {
    forward_with(client, shape, qkv, starts, rotary, Tiles::forward(shape, planes(client)))
}

/// [`forward`] with other tiles than the usual ones.
pub fn forward_with(
    client: &Client,
    shape: AttentionShape,
    qkv: &Handle,
    starts: &Handle,
    rotary: &Rotary,
    tiles: Tiles,
) -> Forward {
    check(shape, rotary);
    let plan = Plan::new(shape, tiles);
    let out = empty(client, shape.rows() * shape.width());
    let lse = empty(client, shape.heads * shape.rows());
    // SAFETY: cubes stop at the batch, positions at the window, and `check` and `argument` hold the buffers to these sizes; that
    // `starts` are positions of the window is the caller's promise.
    unsafe {
        forward::forward_kernel::launch_unchecked(
            client,
            count(client, shape.batch * shape.heads * plan.blocks()),
            plan.dim(),
            argument(qkv, shape.rows() * shape.qkv_width(), 4),
            argument(starts, shape.rows(), 1),
            rotary.argument(),
            argument(&out, shape.rows() * shape.width(), 4),
            argument(&lse, shape.heads * shape.rows(), 1),
            shape.batch,
            scale(shape),
            plan,
        );
    }
    Forward { out, lse }
}

/// Gradient of [`forward`] with respect to `qkv`, from its results and the gradient `d_out` of the output.
pub fn backward(
    client: &Client,
    shape: AttentionShape,
    qkv: &Handle,
    starts: &Handle,
    rotary: &Rotary,
    saved: &Forward,
    d_out: &Handle,
) -> Handle {
    let planes = planes(client);
    let tiles = [Tiles::queries(shape, planes), Tiles::keys(shape, planes)];
    backward_with(client, shape, qkv, starts, rotary, saved, d_out, tiles)
}

/// [`backward`] with other tiles than the usual ones: for the queries' gradient, then for the keys' and values'.
pub fn backward_with(
    client: &Client,
    shape: AttentionShape,
    qkv: &Handle,
    starts: &Handle,
    rotary: &Rotary,
    saved: &Forward,
    d_out: &Handle,
    [queries, keys]: [Tiles; 2],
) -> Handle {
    check(shape, rotary);
    let (rows, width) = (shape.rows(), shape.width());
    let d_qkv = empty(client, rows * shape.qkv_width());
    let delta = empty(client, shape.heads * rows);
    let plan = Plan::new(shape, queries);
    // SAFETY: as in `forward_with`.
    unsafe {
        backward::queries_kernel::launch_unchecked(
            client,
            count(client, shape.batch * shape.heads * plan.blocks()),
            plan.dim(),
            argument(qkv, rows * shape.qkv_width(), 4),
            argument(starts, rows, 1),
            rotary.argument(),
            argument(&saved.out, rows * width, 4),
            argument(&saved.lse, shape.heads * rows, 1),
            argument(d_out, rows * width, 4),
            argument(&d_qkv, rows * shape.qkv_width(), 4),
            argument(&delta, shape.heads * rows, 1),
            shape.batch,
            scale(shape),
            plan,
        );
    }
    let plan = Plan::new(shape, keys);
    // SAFETY: as in `forward_with`.
    unsafe {
        backward::keys_kernel::launch_unchecked(
            client,
            count(client, shape.batch * shape.kv_heads * plan.blocks()),
            plan.dim(),
            argument(qkv, rows * shape.qkv_width(), 4),
            argument(starts, rows, 1),
            rotary.argument(),
            argument(&saved.lse, shape.heads * rows, 1),
            argument(&delta, shape.heads * rows, 1),
            argument(d_out, rows * width, 4),
            argument(&d_qkv, rows * shape.qkv_width(), 4),
            shape.batch,
            scale(shape),
            plan,
        );
    }
    d_qkv
}

fn scale(shape: AttentionShape) -> f32 {
    1.0 / (shape.head_width as f32).sqrt()
}
