//! Gradients of the fused operations: each is one node of the graph, the same for every backend that has the
//! [`Kernels`].

use super::{AttentionContext, FusedOps, Targets};
use crate::{Precision, TokenRule};
use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn::backend::{AutodiffBackend, TensorMetadata, tensor::FloatTensor};
use std::fmt::Debug;
use std::sync::Arc;

/// The operations' gradients on a backend, and forward passes that keep what those need.
pub(super) trait Kernels: FusedOps {
    /// Attention's log-sum-exp of each row of scores.
    type LogSums: Clone + Debug + Send + 'static;

    /// `dy · weight`
    fn linear_input_gradient(
        dy: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        precision: Precision,
    ) -> FloatTensor<Self>;

    /// `dyᵀ · x`
    fn linear_weight_gradient(dy: FloatTensor<Self>, x: FloatTensor<Self>, precision: Precision) -> FloatTensor<Self>;

    /// Of the rows, and of the weight.
    fn rms_norm_gradients(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    fn swiglu_gradient(gate_up: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;

    fn attend(projected: FloatTensor<Self>, context: &AttentionContext) -> (FloatTensor<Self>, Self::LogSums);

    fn attention_gradient(
        projected: FloatTensor<Self>,
        context: &AttentionContext,
        out: FloatTensor<Self>,
        log_sums: Self::LogSums,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Of a table of `rows` rows.
    fn embedding_gradient(dy: FloatTensor<Self>, ids: &[u32], rows: usize) -> FloatTensor<Self>;

    /// As the operation; where they are wanted, also the gradients of hidden states and head.
    fn lose(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        targets: &Targets,
        rule: TokenRule,
        precision: Precision,
        gradients: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, Option<[FloatTensor<Self>; 2]>);

    /// `gradient · upstream`, the latter one number.
    fn scaled(gradient: FloatTensor<Self>, upstream: FloatTensor<Self>) -> FloatTensor<Self>;
}

#[derive(Debug)]
struct Linear(Precision);

impl<B: Kernels> Backward<B, 2> for Linear {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let ((x, weight), [node_x, node_weight]) = (ops.state, ops.parents);
        if let Some(node) = node_x {
            grads.register::<B>(node.id, B::linear_input_gradient(dy.clone(), weight, self.0));
        }
        if let Some(node) = node_weight {
            grads.register::<B>(node.id, B::linear_weight_gradient(dy, x, self.0));
        }
    }
}

/// With its epsilon.
#[derive(Debug)]
struct RmsNorm(f64);

impl<B: Kernels> Backward<B, 2> for RmsNorm {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (x, weight) = ops.state;
        let (dx, d_weight) = B::rms_norm_gradients(x, weight, self.0, dy);
        let [node_x, node_weight] = ops.parents;
        if let Some(node) = node_x {
            grads.register::<B>(node.id, dx);
        }
        if let Some(node) = node_weight {
            grads.register::<B>(node.id, d_weight);
        }
    }
}

#[derive(Debug)]
struct Swiglu;

impl<B: Kernels> Backward<B, 1> for Swiglu {
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |dy| B::swiglu_gradient(ops.state, dy));
    }
}

#[derive(Debug)]
struct Attention(Arc<AttentionContext>);

impl<B: Kernels> Backward<B, 1> for Attention {
    /// Projection, result, log-sum-exp.
    type State = (FloatTensor<B>, FloatTensor<B>, B::LogSums);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (projected, out, log_sums) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |dy| B::attention_gradient(projected, &self.0, out, log_sums, dy));
    }
}

/// With the rows of its table.
#[derive(Debug)]
struct Embedding(usize);

impl<B: Kernels> Backward<B, 1> for Embedding {
    type State = Arc<[u32]>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |dy| B::embedding_gradient(dy, &ops.state, self.0));
    }
}

#[derive(Debug)]
struct HeadLoss;

impl<B: Kernels> Backward<B, 2> for HeadLoss {
    /// The gradients, formed in the forward pass.
    type State = [FloatTensor<B>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = grads.consume::<B>(&ops.node);
        for (node, gradient) in ops.parents.into_iter().zip(ops.state) {
            if let Some(node) = node {
                grads.register::<B>(node.id, B::scaled(gradient, upstream.clone()));
            }
        }
    }
}

impl<B: Kernels, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn fused_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>, precision: Precision) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::fused_linear(x.clone(), weight.clone(), precision);
        match Backward::<B, 2>::prepare::<C>(Linear(precision), nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::fused_rms_norm(x.clone(), weight.clone(), epsilon);
        match Backward::<B, 2>::prepare::<C>(RmsNorm(epsilon), nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = gate_up.node();
        let gate_up = gate_up.into_primitive();
        let y = B::fused_swiglu(gate_up.clone());
        match Backward::<B, 1>::prepare::<C>(Swiglu, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(gate_up, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_attention(projected: FloatTensor<Self>, context: Arc<AttentionContext>) -> FloatTensor<Self> {
        let node = projected.node();
        let projected = projected.into_primitive();
        let (out, log_sums) = B::attend(projected.clone(), &context);
        match Backward::<B, 1>::prepare::<C>(Attention(context), [node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((projected, out.clone(), log_sums), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        }
    }

    fn fused_embedding(table: FloatTensor<Self>, ids: Arc<[u32]>) -> FloatTensor<Self> {
        let node = table.node();
        let table = table.into_primitive();
        let rows = table.shape()[0];
        let y = B::fused_embedding(table, ids.clone());
        match Backward::<B, 1>::prepare::<C>(Embedding(rows), [node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(ids, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_head_loss(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        targets: Targets,
        rule: TokenRule,
        precision: Precision,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [hidden.node(), head.node()];
        let (hidden, head) = (hidden.into_primitive(), head.into_primitive());
        let (sum, losses) = match Backward::<B, 2>::prepare::<C>(HeadLoss, nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (sum, losses, formed) = B::lose(hidden, head, &targets, rule, precision, true);
                (prep.finish(formed.expect("gradients were asked for"), sum), losses)
            }
            OpsKind::UnTracked(prep) => {
                let (sum, losses, _) = B::lose(hidden, head, &targets, rule, precision, false);
                (prep.finish(sum), losses)
            }
        };
        (sum, <Self as AutodiffBackend>::from_inner(losses))
    }
}
