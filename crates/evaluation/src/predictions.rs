//! How well a model predicts given text.
//!
//! *Definition.* Over all scored positions of all documents: loss = Σ nats / Σ tokens; perplexity = exp(loss); bits per
//! byte = Σ nats / (ln 2 · Σ bytes). Each document is scored alone, from its separator; the tokens include the end of
//! the document where it has one.
//!
//! *Source.* Perplexity: Jelinek, Mercer, Bahl and Baker 1977. Bits per byte: Gao et al. 2020 (The Pile), section 3.1.
//!
//! *Traps.* A mean over documents, or over batches, of a mean or of a perplexity is another quantity, and short
//! documents weigh more in it; so sums are carried and divided once. A loss per token cannot be compared between
//! tokenizers, bits per byte can: the bytes are those of the text, whatever it was cut into (the ends cost nats and
//! have no bytes).

use serde::{Deserialize, Serialize};

use crate::measure::Measures;
use crate::metric::{BITS_PER_BYTE, TEST_LOSS, TEST_PERPLEXITY};
use crate::{Dimensions, Measure};

/// The loss on one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentLoss {
    /// Sum of -ln q over the scored tokens.
    pub nats: f64,
    /// Number of scored tokens.
    pub tokens: u64,
    /// Bytes of the document's text.
    pub bytes: u64,
}

/// `loss`, `perplexity` and `bits-per-byte` of the documents together; sums are taken in their order.
pub fn predictions(documents: &[DocumentLoss]) -> Vec<Measure> {
    let (mut nats, mut tokens, mut bytes) = (0.0, 0, 0);
    for document in documents {
        nats += document.nats;
        tokens += document.tokens;
        bytes += document.bytes;
    }
    let mut measures = Measures::default();
    if tokens > 0 {
        let loss = nats / tokens as f64;
        measures.push(&TEST_LOSS, Dimensions::NONE, loss);
        measures.push(&TEST_PERPLEXITY, Dimensions::NONE, loss.exp());
    }
    measures.share(&BITS_PER_BYTE, Dimensions::NONE, nats / std::f64::consts::LN_2, bytes as f64);
    measures.into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(documents: &[DocumentLoss]) -> Vec<f64> {
        predictions(documents).iter().map(|measure| measure.value).collect()
    }

    #[test]
    fn a_uniform_model_has_perplexity_v() {
        for v in [2.0_f64, 256.0, 8000.0] {
            let document = |tokens: u64| DocumentLoss { nats: tokens as f64 * v.ln(), tokens, bytes: tokens };
            let values = values(&[document(7), document(1), document(100)]);
            assert!((values[1] / v - 1.0).abs() < 1e-12);
            // One byte a token: log2 V bits each.
            assert!((values[2] - v.log2()).abs() < 1e-12);
        }
    }

    #[test]
    fn sums_are_divided_once() {
        // Nine tokens at no loss and one at 10 nats: 1 nat a token. The mean of the documents' means would be 5.
        let documents =
            [DocumentLoss { nats: 0.0, tokens: 9, bytes: 18 }, DocumentLoss { nats: 10.0, tokens: 1, bytes: 2 }];
        let values = values(&documents);
        assert_eq!(values[..2], [1.0, 1.0_f64.exp()]);
        assert!((values[2] - 0.5 / std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn nothing_scored_is_no_number() {
        assert_eq!(predictions(&[]), []);
    }

    #[test]
    fn an_impossible_token_costs_everything() {
        let lost = DocumentLoss { nats: f64::INFINITY, tokens: 3, bytes: 3 };
        assert_eq!(values(&[lost]), [f64::INFINITY; 3]);
    }
}
