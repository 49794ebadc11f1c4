//! The whole loop against its own past: the losses of twenty steps from named streams. A change that claims to leave the
//! mathematics alone reproduces them, on every CPU backend.

use corpus::pack;
use model::{Settings as ModelSettings, Weights};
use ops::device::parse;
use streams::{Purpose, Streams};
use training::{Run, Settings};

/// Nats per token after steps 10 and 20, and on held-out windows.
const GOLDEN: [f64; 3] = [4.891_697, 4.035_528, 4.373_934];

#[test]
fn twenty_steps_from_named_streams() {
    let model = ModelSettings { preset: "tiny".into(), context: Some(32), ..ModelSettings::default() };
    let config = model.resolve(300).unwrap();
    let streams = Streams::new(1234);
    // Documents in which a token is followed by its successor or, one time in four, by any token.
    let mut draws = streams.stream(Purpose::Learner, 0, 0);
    let mut document = || -> Vec<u32> {
        let mut token = 0;
        let length = 5 + draws.below(20);
        (0..length)
            .map(|_| {
                token = if draws.below(4) == 0 { 1 + draws.below(299) as u32 } else { 1 + token % 299 };
                token
            })
            .collect()
    };
    let documents: Vec<Vec<u32>> = (0..300).map(|_| document()).collect();
    let windows = |part: &[Vec<u32>]| pack(part.iter().map(|d| (d.as_slice(), false, 1.0)), config.context, 0);
    let (training, held_out) = (windows(&documents[30..]), windows(&documents[..30]));
    let settings =
        Settings { tokens: Some(20 * 8 * 32), batch: Some(8), learning_rate: Some(0.01), ..Settings::default() };
    for device in ["flex", "ndarray"] {
        let start = Weights::initialise(&config, &streams, 0);
        let place = parse(device).unwrap().device();
        let run = Run { validation: Some(&held_out), ..Run::new(&training, &settings, &streams, &place) };
        let trained = run.train(start, &mut |_| {}).unwrap();
        let at = |step: u64| trained.log.iter().find(|line| line.step == step).unwrap().loss;
        let found = [at(10), at(20), trained.record.validation_loss.unwrap()];
        let off = found.iter().zip(GOLDEN).map(|(found, golden)| (found - golden).abs()).fold(0.0, f64::max);
        assert!(off < 1e-4, "{device}: {found:?} is not {GOLDEN:?}");
    }
}
