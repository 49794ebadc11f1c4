use corpus::Windows;
use streams::{Purpose, Streams};

/// One batch: `batch × context` positions, window after window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Token ids.
    pub inputs: Vec<u32>,
    /// The tokens to be foretold.
    pub targets: Vec<u32>,
    /// Weight of each target; padding weighs nothing.
    pub weights: Vec<f32>,
    /// For each position, the index within its window of its document's first position.
    pub starts: Vec<u32>,
}

impl Batch {
    /// The windows of these numbers.
    pub fn gather(windows: &Windows, numbers: impl IntoIterator<Item = usize>) -> Self {
        let mut batch = Self::default();
        for number in numbers {
            let range = number * windows.context..(number + 1) * windows.context;
            batch.inputs.extend(&windows.inputs[range.clone()]);
            batch.targets.extend(&windows.targets[range.clone()]);
            batch.weights.extend(&windows.weights[range.clone()]);
            batch.starts.extend(&windows.starts[range]);
        }
        batch
    }

    /// The same in parts of so many windows of `context` positions, the last perhaps smaller.
    pub(crate) fn parts(&self, windows: usize, context: usize) -> impl Iterator<Item = Self> {
        let length = windows * context;
        (0..self.inputs.len()).step_by(length).map(move |first| {
            let range = first..(first + length).min(self.inputs.len());
            Self {
                inputs: self.inputs[range.clone()].to_vec(),
                targets: self.targets[range.clone()].to_vec(),
                weights: self.weights[range.clone()].to_vec(),
                starts: self.starts[range].to_vec(),
            }
        })
    }

    /// Targets that count: all but padding.
    pub fn targets(&self) -> u64 {
        self.weights.iter().filter(|&&w| w > 0.0).count() as u64
    }

    /// Σ of the weights, in f64.
    pub fn weight(&self) -> f64 {
        self.weights.iter().map(|&w| f64::from(w)).sum()
    }
}

/// An endless row of batches of equal size: each epoch is a permutation of all windows, drawn from its own stream, and a
/// batch that an epoch cannot fill goes on into the next.
pub struct Batches<'a> {
    windows: &'a Windows,
    size: usize,
    streams: Streams,
    generation: u32,
    epoch: u64,
    order: Vec<usize>,
    next: usize,
}

impl<'a> Batches<'a> {
    /// Batches of `size` windows.
    ///
    /// # Panics
    /// If there are no windows.
    pub fn new(windows: &'a Windows, size: usize, streams: &Streams, generation: u32) -> Self {
        assert!(!windows.is_empty(), "a training set has at least one window");
        let mut batches = Self { windows, size, streams: *streams, generation, epoch: 0, order: Vec::new(), next: 0 };
        batches.shuffle();
        batches
    }

    fn shuffle(&mut self) {
        let mut stream = self.streams.stream(Purpose::Order, self.generation, self.epoch);
        self.order = stream.permutation(self.windows.len());
        self.next = 0;
        self.epoch += 1;
    }
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let mut numbers = Vec::with_capacity(self.size);
        while numbers.len() < self.size {
            if self.next == self.order.len() {
                self.shuffle();
            }
            numbers.push(self.order[self.next]);
            self.next += 1;
        }
        Some(Batch::gather(self.windows, numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_sees_every_window_once() {
        let documents: Vec<[u32; 3]> = (0..10).map(|i| [i + 1; 3]).collect();
        let windows = corpus::pack(documents.iter().map(|d| (d.as_slice(), false, 1.0)), 4, 0);
        assert_eq!(windows.len(), 10);
        let seen: Vec<u32> = Batches::new(&windows, 4, &Streams::new(3), 0)
            .take(5)
            .flat_map(|b| b.inputs.chunks(4).map(|w| w[1]).collect::<Vec<_>>())
            .collect();
        for epoch in seen.chunks(10) {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (1..=10).collect::<Vec<_>>());
        }
        assert_ne!(seen[..10], seen[10..]);
    }
}
