//! Weights of documents, where a batch holds one document and so one weight.

use model::{Settings as ModelSettings, Transformer, Weights};
use rundir::Checkpoint;
use streams::Streams;
use training::{Run, Settings, gather};

/// P(2 | separator, 1) after training on as many documents that begin with `1 2` as with `1 3`, of these weights.
fn probability(two: f32, three: f32) -> f64 {
    let config = ModelSettings { preset: "tiny".into(), context: Some(8), ..Default::default() }.resolve(16).unwrap();
    let pairs = (0..64).map(|i| {
        if i % 2 == 0 { (&[1, 2, 4, 5, 6, 7][..], false, two) } else { (&[1, 3, 4, 5, 6, 7][..], false, three) }
    });
    let windows = corpus::pack(pairs, config.context, 0);
    assert_eq!(windows.len(), 64, "two documents share a window");
    let settings = Settings { epochs: Some(6.0), batch: Some(1), learning_rate: Some(1e-3), ..Settings::default() };
    let streams = Streams::new(0);
    let device = ops::device::parse("flex").unwrap().device();
    let start = Weights::initialise(&config, &streams, 0);
    let trained =
        Run::new(&windows, &settings, &streams, &device).train(start, &mut Checkpoint::none(), &mut |_| {}).unwrap();
    let batch = gather(&windows, [0]);
    let losses = Transformer::new(&trained.weights, &device).token_losses(&batch, &device);
    let loss = f64::from(losses[1]);
    assert_eq!((batch.inputs[1], batch.targets[1]), (1, 2));
    (-loss).exp()
}

#[test]
fn a_batch_of_one_document_counts_what_it_weighs() {
    let even = probability(1.0, 1.0);
    assert!((0.3..0.7).contains(&even), "{even}");
    // Divided by its own weight, each batch would weigh 1, and the two would be learnt alike.
    let heavy = probability(0.9, 0.1);
    assert!((0.8..0.98).contains(&heavy), "{heavy}");
    // Only ratios matter: powers of two, so that nothing is rounded.
    assert_eq!(probability(4.0, 4.0), even);
}
