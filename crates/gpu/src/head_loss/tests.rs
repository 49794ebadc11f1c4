use super::*;
use crate::testing::{close, device, download, numbers, upload};
use kernels::head_loss as reference;

fn check(of: TokenRule<&[f32]>, [n, width, vocabulary]: [usize; 3], logits: usize) {
    let Some(client) = device() else { return };
    let uploaded = of.map(|prior| upload(&client, prior));
    let rule = uploaded.as_ref();
    let hidden: Vec<f32> = numbers(1, n * width).iter().map(|x| x * 3.0).collect();
    let head = numbers(2, vocabulary * width);
    let targets: Vec<u32> = (0..n).map(|i| (i * 7 % vocabulary) as u32).collect();
    let weights: Vec<f32> = (0..n).map(|i| [1.0, 0.0, 0.25, 2.0][i % 4]).collect();
    for precision in [Precision::Float32, Precision::Bfloat16] {
        let (mut each, mut d_hidden, mut d_head) = (vec![0.0; n], vec![0.0; n * width], vec![0.0; vocabulary * width]);
        let sum = reference::head_loss(
            reference::Inputs {
                hidden: &hidden,
                head: &head,
                targets: &targets,
                weights: &weights,
                width,
                rule: of,
                precision,
            },
            &mut each,
            Some(reference::Gradients { hidden: &mut d_hidden, head: &mut d_head }),
        );
        let [hidden, head, weights] = [&hidden, &head, &weights].map(|it| upload(&client, it));
        let targets = client.create_from_slice(u32::as_bytes(&targets));
        let inputs = Inputs {
            hidden: &hidden,
            head: (&head).into(),
            targets: &targets,
            weights: &weights,
            rows: n,
            width,
            vocabulary,
            rule,
            precision,
        };
        let (got, gradients) = over_chunks(&client, inputs, logits, true);
        let gradients = gradients.unwrap();
        // The gradient of the logits is rounded to bfloat16 for the next products: where two ways of computing it fall on
        // different sides of a tie, 2^-8 of a number.
        let tolerance = if precision == Precision::Float32 { 5e-6 } else { 2e-3 };
        close("losses", &download(&client, &got.each), &each, 2e-6);
        close("sum", &download(&client, &got.sum), &[sum], 2e-6);
        close("d_hidden", &download(&client, &gradients.hidden), &d_hidden, tolerance);
        close("d_head", &download(&client, &gradients.head), &d_head, tolerance);
        let (alone, none) = over_chunks(&client, inputs, logits, false);
        assert!(none.is_none());
        assert_eq!(download(&client, &alone.each), download(&client, &got.each));
        assert_eq!(download(&client, &alone.sum), download(&client, &got.sum));
    }
}

#[test]
fn cross_entropy_in_chunks() {
    check(TokenRule::CrossEntropy, [300, 12, 33], 128 * 33);
    check(TokenRule::CrossEntropy, [5, 3, 2200], LOGITS);
}

#[test]
fn truncated_and_focal() {
    let gamma = 0.3;
    check(TokenRule::Truncated { gamma }, [70, 8, 20], LOGITS);
    for gamma in [0.0, 0.5, 2.0] {
        check(TokenRule::Focal { gamma }, [70, 8, 20], LOGITS);
    }
}

#[test]
fn targets_mixed_with_a_prior() {
    for sizes @ [_, _, vocabulary] in [[300, 12, 33], [70, 8, 20], [5, 3, 2200]] {
        let parts: Vec<f32> = (0..vocabulary).map(|v| 1.0 + (v * 37 % 11) as f32).collect();
        let sum: f32 = parts.iter().sum();
        let prior: Vec<f32> = parts.iter().map(|part| part / sum).collect();
        for share in [0.0, 0.1, 1.0] {
            check(TokenRule::Smoothed { share, prior: &prior[..] }, sizes, 128 * 33);
        }
    }
}
