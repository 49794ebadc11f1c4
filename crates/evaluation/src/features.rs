//! Metrics of documents as points: each document is a row of `width` numbers, such as the mean hidden state that one frozen
//! model has of it.
//!
//! Both metrics are relative to the featurizer: compare values of one featurizer only, at one number of documents.
//!
//! ```
//! use evaluation::features::{Mauve, mauve, vendi};
//!
//! // Two hundred documents, half of them in each of two directions, against two hundred in one of them alone.
//! let human: Vec<f32> = (0..200).flat_map(|i| if i % 2 == 0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect();
//! let narrow: Vec<f32> = (0..200).flat_map(|_| [1.0, 0.0]).collect();
//! assert!((vendi(&human, 2).unwrap() - 2.0).abs() < 1e-9 && (vendi(&narrow, 2).unwrap() - 1.0).abs() < 1e-9);
//! let settings = Mauve { buckets: Some(2), ..Mauve::default() };
//! assert!((mauve(&human, &human, 2, &settings).unwrap() - 1.0).abs() < 1e-9);
//! assert!(mauve(&human, &narrow, 2, &settings).unwrap() < 0.7);
//! ```

mod eigen;
mod kmeans;
mod mauve;
mod vendi;

pub use mauve::{Mauve, divergence_area, mauve, mauves};
pub use vendi::vendi;

/// The rows scaled to length 1, in f64 and row by row. None if there are none, they are no whole rows, or one is not
/// finite. A row of zeros stays.
fn normalised(features: &[f32], width: usize) -> Option<Vec<f64>> {
    let whole = width > 0 && !features.is_empty() && features.len().is_multiple_of(width);
    if !whole || features.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut rows: Vec<f64> = features.iter().map(|&x| f64::from(x)).collect();
    for row in rows.chunks_exact_mut(width) {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|x| *x /= length);
        }
    }
    Some(rows)
}

/// The `width` x `width` matrix of products of columns, Σ over rows of x_i x_j, summed in the order of the rows.
fn gram(rows: &[f64], width: usize) -> Vec<f64> {
    let mut gram = vec![0.0; width * width];
    for row in rows.chunks_exact(width) {
        for (i, &x) in row.iter().enumerate() {
            for (sum, &y) in gram[i * width..=i * width + i].iter_mut().zip(row) {
                *sum += x * y;
            }
        }
    }
    for i in 0..width {
        for j in 0..i {
            gram[j * width + i] = gram[i * width + j];
        }
    }
    gram
}
