//! Gradients of the fused operations: each is one node of the graph, with a backward kernel of its own.

use super::flex::{FlexAttention, Rows, attend, filled, lose, tensor};
use super::{FusedOps, Targets};
use crate::{Precision, TokenRule};
use burn::backend::autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn::backend::{AutodiffBackend, Flex, ops::FloatTensorOps, tensor::FloatTensor};
use burn_flex::FlexTensor;
use kernels::{attention as kernel, linear, rms_norm, swiglu};
use std::sync::Arc;

#[derive(Debug)]
struct Linear(Precision);

impl Backward<Flex, 2> for Linear {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = Rows::new(&grads.consume::<Flex>(&ops.node));
        let (x, w) = (Rows::new(&ops.state.0), Rows::new(&ops.state.1));
        let [node_x, node_w] = ops.parents;
        if let Some(node) = node_x {
            let dx = filled("linear, input gradient", x.rows, x.columns, |dx| {
                linear::backward_input(self.0, dy.values(), w.values(), w.columns, w.rows, dx);
            });
            grads.register::<Flex>(node.id, dx);
        }
        if let Some(node) = node_w {
            let dw = filled("linear, weight gradient", w.rows, w.columns, |dw| {
                linear::backward_weight(self.0, dy.values(), x.values(), w.columns, w.rows, false, dw);
            });
            grads.register::<Flex>(node.id, dw);
        }
    }
}

/// The saved inputs of a norm, and its epsilon.
#[derive(Debug)]
struct RmsNorm(f32);

impl Backward<Flex, 2> for RmsNorm {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = Rows::new(&grads.consume::<Flex>(&ops.node));
        let (x, w) = (Rows::new(&ops.state.0), Rows::new(&ops.state.1));
        let mut dw = vec![0.0; w.columns];
        let dx = filled("rms norm, gradient", x.rows, x.columns, |dx| {
            rms_norm::backward(x.values(), w.values(), self.0, dy.values(), None, dx, &mut dw);
        });
        let [node_x, node_w] = ops.parents;
        if let Some(node) = node_x {
            grads.register::<Flex>(node.id, dx);
        }
        if let Some(node) = node_w {
            grads.register::<Flex>(node.id, tensor(dw, vec![1, w.columns]));
        }
    }
}

#[derive(Debug)]
struct Swiglu;

impl Backward<Flex, 1> for Swiglu {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gate_up = Rows::new(&ops.state);
        unary::<Flex, _>(ops.parents, ops.node, grads, |dy| {
            let dy = Rows::new(&dy);
            filled("swiglu, gradient", gate_up.rows, gate_up.columns, |d| {
                swiglu::backward(gate_up.values(), gate_up.columns / 2, dy.values(), d);
            })
        });
    }
}

#[derive(Debug)]
struct Attention(Arc<FlexAttention>);

impl Backward<Flex, 1> for Attention {
    /// Projection, result, log-sum-exp.
    type State = (FlexTensor, FlexTensor, Arc<Vec<f32>>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (projected, out, log_sums) = ops.state;
        let (projected, out) = (Rows::new(&projected), Rows::new(&out));
        let context = &self.0;
        unary::<Flex, _>(ops.parents, ops.node, grads, |dy| {
            let dy = Rows::new(&dy);
            filled("attention, gradient", projected.rows, projected.columns, |d| {
                kernel::backward(
                    context.shape,
                    projected.values(),
                    &context.starts,
                    &context.rotary,
                    out.values(),
                    &log_sums,
                    dy.values(),
                    d,
                );
            })
        });
    }
}

#[derive(Debug)]
struct HeadLoss;

impl Backward<Flex, 2> for HeadLoss {
    /// The gradients, formed in the forward pass.
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = Rows::new(&grads.consume::<Flex>(&ops.node)).values()[0];
        let scaled = |d: FlexTensor| if upstream == 1.0 { d } else { Flex::float_mul_scalar(d, upstream.into()) };
        let (d_hidden, d_head) = ops.state;
        let [node_hidden, node_head] = ops.parents;
        if let Some(node) = node_hidden {
            grads.register::<Flex>(node.id, scaled(d_hidden));
        }
        if let Some(node) = node_head {
            grads.register::<Flex>(node.id, scaled(d_head));
        }
    }
}

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn fused_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>, precision: Precision) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, w) = (x.into_primitive(), weight.into_primitive());
        let y = Flex::fused_linear(x.clone(), w.clone(), precision);
        match Linear(precision).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, w), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, epsilon: f64) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, w) = (x.into_primitive(), weight.into_primitive());
        let y = Flex::fused_rms_norm(x.clone(), w.clone(), epsilon);
        match RmsNorm(epsilon as f32).prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, w), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = gate_up.node();
        let gate_up = gate_up.into_primitive();
        let y = Flex::fused_swiglu(gate_up.clone());
        match Swiglu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(gate_up, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn fused_attention(projected: FloatTensor<Self>, context: Arc<FlexAttention>) -> FloatTensor<Self> {
        let node = projected.node();
        let projected = projected.into_primitive();
        let (out, log_sums) = attend(&Rows::new(&projected), &context);
        match Attention(context).prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((projected, out.clone(), Arc::new(log_sums)), out),
            OpsKind::UnTracked(prep) => prep.finish(out),
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
        let (hidden, head) = (Rows::new(&hidden.into_primitive()), Rows::new(&head.into_primitive()));
        let (sum, losses) = match HeadLoss.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (sum, losses, formed) = lose(&hidden, &head, &targets, rule, precision, true);
                (prep.finish(formed.expect("gradients were asked for"), sum), losses)
            }
            OpsKind::UnTracked(prep) => {
                let (sum, losses, _) = lose(&hidden, &head, &targets, rule, precision, false);
                (prep.finish(sum), losses)
            }
        };
        (sum, <Self as AutodiffBackend>::from_inner(losses))
    }
}
