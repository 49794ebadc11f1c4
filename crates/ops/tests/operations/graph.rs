//! The operations as nodes of a graph: inputs used twice, inputs that are not tracked, a chain of all of them.

use super::attention::{shape, starts};
use super::formulas;
use super::harness::{Matrix, check, flex, head_loss, linear, read};
use super::loss::{targets, weights};
use burn::tensor::Tensor;
use ops::{Attention, TokenRule, attention, embedding, rms_norm, swiglu};

#[test]
fn a_tensor_on_both_sides_of_a_product_gets_both_gradients() {
    check(
        "x · xᵀ",
        &[Matrix::random(1, 7, 13)],
        |x| formulas::linear(&x[0], &x[0], 13),
        |x| linear(x[0].clone(), x[0].clone()),
    );
}

#[test]
fn a_block_with_its_residuals_equals_its_formula() {
    let (shape, width, hidden, epsilon) = (shape(2, 11, 3, 1, 8), 7, 5, 1e-5);
    let starts = starts(shape, &[4, 6, 1]);
    let add = |a: &[f64], b: Vec<f64>| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
    let sizes = [
        (shape.batch * shape.time, width),
        (1, width),
        (shape.qkv_width(), width),
        (width, shape.heads * shape.head_width),
        (1, width),
        (2 * hidden, width),
        (width, hidden),
    ];
    let inputs: Vec<_> =
        sizes.iter().zip(1..).map(|(&(rows, columns), seed)| Matrix::random(seed, rows, columns)).collect();
    check(
        "block",
        &inputs,
        |x| {
            let projected = formulas::linear(&formulas::rms_norm(&x[0], &x[1], epsilon), &x[2], width);
            let seen = formulas::attention(shape, &projected, &starts);
            let y = add(&x[0], formulas::linear(&seen, &x[3], shape.heads * shape.head_width));
            let gate_up = formulas::linear(&formulas::rms_norm(&y, &x[4], epsilon), &x[5], width);
            add(&y, formulas::linear(&formulas::swiglu(&gate_up, hidden), &x[6], hidden))
        },
        |x| {
            let context = Attention::new(shape, &starts, &x[0].device());
            let [x, norm1, projection, output, norm2, gate_up, down]: [Tensor<2>; 7] = x.to_vec().try_into().unwrap();
            let projected = linear(rms_norm(x.clone(), norm1, epsilon), projection);
            let y = x + linear(attention(projected, &context), output);
            y.clone() + linear(swiglu(linear(rms_norm(y, norm2, epsilon), gate_up)), down)
        },
    );
}

#[test]
fn a_tied_head_gets_the_gradients_of_both_ends() {
    let (tokens, width, vocabulary) = (17, 5, 13);
    let ids: Vec<u32> = (0..tokens as u32).map(|i| i * i % 11).collect();
    let (targets, weights) = (targets(tokens, vocabulary), weights(tokens));
    for rule in [TokenRule::CrossEntropy, TokenRule::Focal { gamma: 2.0 }] {
        check(
            "tied head",
            &[Matrix::random(1, vocabulary, width).times(2.0), Matrix::random(2, 1, width)],
            |x| {
                let row = |&id: &u32| x[0][id as usize * width..][..width].to_vec();
                let hidden = formulas::rms_norm(&ids.iter().flat_map(row).collect::<Vec<_>>(), &x[1], 1e-5);
                vec![formulas::head_loss(&hidden, &x[0], width, &targets, &weights, rule)]
            },
            |x| {
                let hidden = rms_norm(embedding(x[0].clone(), &ids), x[1].clone(), 1e-5);
                head_loss(hidden, x[0].clone(), &targets, &weights, rule).sum.reshape([1, 1])
            },
        );
    }
}

#[test]
fn two_losses_over_one_hidden_state_add_up() {
    let (tokens, width, vocabulary) = (11, 7, 19);
    let weights = [weights(tokens), vec![1.0; tokens]];
    let targets = [targets(tokens, vocabulary), vec![3; tokens]];
    let rules = [TokenRule::CrossEntropy, TokenRule::Focal { gamma: 1.0 }];
    check(
        "two losses",
        &[Matrix::random(1, tokens, width), Matrix::random(2, vocabulary, width)],
        |x| {
            let loss = |i: usize| formulas::head_loss(&x[0], &x[1], width, &targets[i], &weights[i], rules[i]);
            vec![2.0 * loss(0) - 0.7 * loss(1)]
        },
        |x| {
            let loss = |i: usize| head_loss(x[0].clone(), x[1].clone(), &targets[i], &weights[i], rules[i]).sum;
            (loss(0).mul_scalar(2.0) - loss(1).mul_scalar(0.7)).reshape([1, 1])
        },
    );
}

/// An operation on two matrices, summed up.
type Two<'a> = Box<dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<1> + 'a>;

#[test]
fn an_input_that_is_not_tracked_gets_no_gradient_and_leaves_the_others_theirs() {
    let (targets, weights, device) = (targets(13, 7), weights(13), flex());
    let operations: [(&str, [Matrix; 2], Two<'_>); 3] = [
        ("linear", [Matrix::random(1, 13, 5), Matrix::random(2, 7, 5)], Box::new(|x, w| linear(x, w).sum())),
        ("norm", [Matrix::random(1, 13, 5), Matrix::random(2, 1, 5)], Box::new(|x, w| rms_norm(x, w, 1e-5).sum())),
        (
            "loss",
            [Matrix::random(1, 13, 5), Matrix::random(2, 7, 5)],
            Box::new(|x, w| head_loss(x, w, &targets, &weights, TokenRule::CrossEntropy).sum),
        ),
    ];
    for (what, inputs, operation) in operations {
        let run = |tracked: [bool; 2]| {
            let place = |i: usize| {
                let leaf = inputs[i].on(&device);
                if tracked[i] { leaf.require_grad() } else { leaf }
            };
            let leaves = [place(0), place(1)];
            let sum = operation(leaves[0].clone(), leaves[1].clone());
            let value = sum.clone().into_scalar::<f32>();
            if tracked == [false; 2] {
                return (value, [None, None]);
            }
            let gradients = sum.backward();
            (value, leaves.map(|leaf| leaf.grad(&gradients).map(read)))
        };
        let (value, both) = run([true, true]);
        assert!(both.iter().all(Option::is_some));
        for tracked in [[true, false], [false, true], [false, false]] {
            let (alone, gradients) = run(tracked);
            assert_eq!(alone, value, "{what}, {tracked:?}");
            for i in 0..2 {
                let want = if tracked[i] { &both[i] } else { &None };
                assert_eq!(&gradients[i], want, "{what}, {tracked:?}");
            }
        }
        // A device without autodiff gives the same number.
        let plain = inputs.map(|m| m.on(&device.clone().without_autodiff()));
        let [x, w] = plain;
        assert_eq!(operation(x, w).into_scalar::<f32>(), value, "{what} without autodiff");
    }
}
