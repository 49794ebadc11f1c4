//! Inputs and upstream gradients whose elements do not lie in order: the same bits as those of a copy that does.

use super::attention::{shape, starts};
use super::harness::{Matrix, flex, head_loss, linear, numbers, read, run};
use super::loss::{targets, weights};
use burn::tensor::{Tensor, TensorData};
use ops::{Attention, TokenRule, attention, rms_norm, swiglu};

type Operation = Box<dyn Fn(&[Tensor<2>]) -> Tensor<2>>;

fn operations() -> Vec<(&'static str, Vec<Matrix>, Operation)> {
    let shape = shape(2, 7, 3, 1, 6);
    let context = Attention::new(shape, &starts(shape, &[3, 2, 4]), &flex());
    let (targets, weights) = (targets(14, 11), weights(14));
    let x = Matrix::random(1, 14, 10);
    vec![
        ("linear", vec![x.clone(), Matrix::random(2, 11, 10)], Box::new(|x| linear(x[0].clone(), x[1].clone()))),
        (
            "rms norm",
            vec![x.clone(), Matrix::random(2, 1, 10)],
            Box::new(|x| rms_norm(x[0].clone(), x[1].clone(), 1e-5)),
        ),
        ("swiglu", vec![x.clone()], Box::new(|x| swiglu(x[0].clone()))),
        (
            "attention",
            vec![Matrix::random(3, 14, shape.qkv_width())],
            Box::new(move |x| attention(x[0].clone(), &context)),
        ),
        (
            "head and loss",
            vec![x, Matrix::random(2, 11, 10)],
            Box::new(move |x| {
                head_loss(x[0].clone(), x[1].clone(), &targets, &weights, TokenRule::CrossEntropy).sum.reshape([1, 1])
            }),
        ),
    ]
}

/// Rows and columns before and after a matrix that lies within a larger one.
const BEFORE: [usize; 2] = [2, 3];
const AFTER: [usize; 2] = [1, 4];

fn within(m: &Matrix) -> Matrix {
    let mut larger = Matrix::random(50, BEFORE[0] + m.rows + AFTER[0], BEFORE[1] + m.columns + AFTER[1]);
    for row in 0..m.rows {
        let from = (BEFORE[0] + row) * larger.columns + BEFORE[1];
        larger.values[from..from + m.columns].copy_from_slice(&m.values[row * m.columns..][..m.columns]);
    }
    larger
}

#[test]
fn transposed_inputs() {
    for (what, inputs, operation) in operations() {
        let upstream = numbers(9, read(operation(&inputs.iter().map(|m| m.on(&flex())).collect::<Vec<_>>())).len());
        let want = run(&flex(), &inputs, &upstream, &operation);
        let turned: Vec<_> = inputs.iter().map(Matrix::transposed).collect();
        let got = run(&flex(), &turned, &upstream, |x| {
            operation(&x.iter().map(|x| x.clone().transpose()).collect::<Vec<_>>())
        });
        assert_eq!(got[0], want[0], "{what}");
        for (i, (got, leaf)) in got[1..].iter().zip(&turned).enumerate() {
            let gradient = Matrix { values: got.clone(), ..leaf.clone() };
            assert_eq!(gradient.transposed().values, want[i + 1], "{what}, input {i}");
        }
    }
}

#[test]
fn narrowed_inputs() {
    for (what, inputs, operation) in operations() {
        let upstream = numbers(9, read(operation(&inputs.iter().map(|m| m.on(&flex())).collect::<Vec<_>>())).len());
        let want = run(&flex(), &inputs, &upstream, &operation);
        let larger: Vec<_> = inputs.iter().map(within).collect();
        let got = run(&flex(), &larger, &upstream, |x| {
            let narrowed = x
                .iter()
                .zip(&inputs)
                .map(|(x, m)| x.clone().narrow(0, BEFORE[0], m.rows).narrow(1, BEFORE[1], m.columns));
            operation(&narrowed.collect::<Vec<_>>())
        });
        assert_eq!(got[0], want[0], "{what}");
        for (i, (got, leaf)) in got[1..].iter().zip(&larger).enumerate() {
            // Where the matrix lies its gradient, around it nothing.
            let gradient = Matrix { values: want[i + 1].clone(), ..inputs[i].clone() };
            let mut around = within(&gradient);
            let inside = within(&Matrix { values: vec![2.0; gradient.values.len()], ..gradient });
            for (x, inside) in around.values.iter_mut().zip(&inside.values) {
                *x = if *inside == 2.0 { *x } else { 0.0 };
            }
            assert_eq!(got, &around.values, "{what}, input {i}: {} × {}", leaf.rows, leaf.columns);
        }
    }
}

#[test]
fn upstream_gradients_that_are_transposed_or_one_number_for_all() {
    for (what, inputs, operation) in operations() {
        let leaves: Vec<_> = inputs.iter().map(|m| m.on(&flex()).require_grad()).collect();
        let [rows, columns] = operation(&leaves).dims();
        let upstream = Matrix::random(9, rows, columns);
        let slopes = |sum: Tensor<1>| {
            let gradients = sum.backward();
            leaves.iter().map(|leaf| read(leaf.grad(&gradients).unwrap())).collect::<Vec<_>>()
        };
        let plain = slopes((operation(&leaves) * upstream.on(&flex())).sum());
        assert_eq!(slopes((operation(&leaves).transpose() * upstream.transposed().on(&flex())).sum()), plain, "{what}");
        let ones = Matrix { values: vec![1.0; rows * columns], ..upstream };
        let plain = slopes((operation(&leaves) * ones.on(&flex())).sum());
        assert_eq!(slopes(operation(&leaves).sum()), plain, "{what}");
    }
}

#[test]
fn a_row_for_all() {
    for (what, inputs, operation) in operations() {
        let rest: Vec<_> = inputs[1..].iter().map(|m| m.on(&flex())).collect();
        let with = |first: Tensor<2>| operation(&[vec![first], rest.clone()].concat());
        let (rows, row) = (inputs[0].rows, inputs[0].values[..inputs[0].columns].to_vec());
        let leaf = Tensor::<2>::from_data(TensorData::new(row.clone(), [1, row.len()]), &flex());
        let copied = Matrix { values: row.repeat(rows), ..inputs[0].clone() };
        assert_eq!(read(with(leaf.expand([rows, row.len()]))), read(with(copied.on(&flex()))), "{what}");
    }
}
