//! A generation's training set, its training, what defences measured, and what text began with.

use super::entry::{Axis, Damage, Metric, Needs, Set};
use crate::Dimension::{Defence, Member, Part, Source};

const fn of_training(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    Metric::new(Set::Training, name, title, unit)
}

const fn of_defence(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    of_training(name, title, unit).by(&[Source, Defence])
}

const fn share_of_defence(name: &'static str, title: &'static str, unit: &'static str) -> Metric {
    of_defence(name, title, unit).on(Axis::Share)
}

pub static FAILED: Metric = of_training("failed", "Failed", "generation")
    .means("The generation that could not be trained. Its chain ends there.");
pub static UNIQUE_TOKENS: Metric = of_training("unique-tokens", "Unique tokens", "tokens")
    .means("Tokens of the different documents of the training set.");
pub static TRAINING_TOKENS: Metric = of_training("tokens", "Tokens", "tokens")
    .means("Tokens of the training set; a document that is in it twice counts twice.");
pub static TRAINING_DOCUMENTS: Metric = of_training("documents", "Documents", "documents");
pub static SEEN_TOKENS: Metric = of_training("seen-tokens", "Tokens seen", "tokens")
    .means("Tokens that were targets of training, with repetitions, over all members.");
pub static VALIDATED_TOKENS: Metric = of_training("validated-tokens", "Tokens scored to choose weights", "tokens")
    .means("Held-out tokens that were scored during training, with repetitions: what it costs to keep the best checkpoint.");
pub static STEPS: Metric = of_training("steps", "Steps", "steps");
pub static SKIPPED_STEPS: Metric = of_training("skipped-steps", "Skipped steps", "steps")
    .means("Steps without an update, because a gradient was not finite.");
pub static FINAL_LOSS: Metric =
    of_training("final-loss", "Final training loss (nats)", "nats per token").log().by(&[Member]);
pub static VALIDATION_LOSS: Metric =
    of_training("validation-loss", "Validation loss on the mixture (nats)", "nats per token").log().by(&[Member]);
pub static HUMAN_SHARE: Metric = of_training("human-share", "Human share", "share of the tokens")
    .on(Axis::Share)
    .means("Share of the training set's tokens that people wrote.");
pub static HUMAN_WEIGHT: Metric = of_training("human-weight", "Human weight", "share of the weight")
    .on(Axis::Share)
    .means("The same with tokens weighted as the objective weights them.");
pub static ANCESTRY: Metric = of_training("ancestry", "Human ancestry", "share of the tokens")
    .on(Axis::Share)
    .means("Share of the training set that descends from human text: synthetic text counts with its model's share.");
pub static TOKENS_BY_ORIGIN: Metric = of_training("tokens-by-origin", "Tokens by origin", "tokens").by(&[Source]);
pub static TOKENS_BY_GENERATION: Metric =
    of_training("tokens-by-generation", "Tokens by generation", "tokens").by(&[Source]);
pub static UNPARSED_DOCUMENTS: Metric = of_training("unparsed-documents", "Unparsed documents", "documents")
    .needs(Needs::World)
    .means("Training documents that the oracle could not parse and learned nothing from.");
pub static HUMAN_TOKENS: Metric = of_training("human-tokens", "Human tokens", "tokens").by(&[Part]).means(
    "Human tokens that a chain was given after generation 0, by direct ways: those of the different documents read \
     (distinct), those read with every pass (reads), and those that weights had read which were used directly (by-weights).",
);
pub static TRAINING_SUPERVISION: Metric =
    of_training("human-supervision", "Implicit human supervision", "1 where it is used").by(&[Part]).means(
        "Ways other than the training set by which human text or knowledge reached the training of this generation.",
    );
pub static TRAINING_PLANTED: Metric =
    of_training("planted-share", "Planted phrase in training", "share of the documents")
        .on(Axis::Share)
        .needs(Needs::Text);

pub static KEPT: Metric = share_of_defence("kept", "Kept", "share of the documents")
    .means("Share of the documents offered to a defence that it kept.");
pub static KEPT_HUMAN: Metric = share_of_defence("kept-human", "Human documents kept", "share of the human documents");
pub static KEPT_SYNTHETIC: Metric =
    share_of_defence("kept-synthetic", "Synthetic documents kept", "share of the synthetic documents");
pub static DETECTOR_ACCURACY: Metric =
    share_of_defence("detector-accuracy", "Accuracy of the detector", "balanced accuracy").worse(Damage::Less);
pub static DETECTOR_AUC: Metric =
    share_of_defence("detector-auc", "AUC of the detector", "area under the curve").worse(Damage::Less);
pub static DISAGREEMENT: Metric = of_defence("disagreement", "Disagreement of the members", "mean score");
pub static LEAST_WEIGHT: Metric = of_defence("least-weight", "Least weight", "weight");
pub static REDRAWN_TOKENS: Metric = share_of_defence("redrawn-tokens", "Tokens drawn again", "share of the tokens");
pub static EDITED_TOKENS: Metric = share_of_defence("edited-tokens", "Tokens changed", "share of the tokens");
pub static DROPPED_TOKENS: Metric = share_of_defence("dropped-tokens", "Tokens dropped", "share of the tokens");

pub(super) const METRICS: &[&Metric] = &[
    &UNIQUE_TOKENS,
    &SEEN_TOKENS,
    &VALIDATED_TOKENS,
    &STEPS,
    &SKIPPED_STEPS,
    &FINAL_LOSS,
    &VALIDATION_LOSS,
    &TRAINING_TOKENS,
    &TRAINING_DOCUMENTS,
    &HUMAN_SHARE,
    &HUMAN_WEIGHT,
    &ANCESTRY,
    &TOKENS_BY_ORIGIN,
    &TOKENS_BY_GENERATION,
    &UNPARSED_DOCUMENTS,
    &HUMAN_TOKENS,
    &TRAINING_SUPERVISION,
    &TRAINING_PLANTED,
    &FAILED,
    &KEPT,
    &KEPT_HUMAN,
    &KEPT_SYNTHETIC,
    &DETECTOR_ACCURACY,
    &DETECTOR_AUC,
    &DISAGREEMENT,
    &LEAST_WEIGHT,
    &REDRAWN_TOKENS,
    &EDITED_TOKENS,
    &DROPPED_TOKENS,
];
