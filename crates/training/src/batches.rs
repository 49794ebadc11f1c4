use corpus::Windows;
use model::Batch;
use streams::{Purpose, Streams};

/// The windows of these numbers.
pub fn gather(windows: &Windows, numbers: impl IntoIterator<Item = usize>) -> Batch {
    let mut batch = Batch::default();
    for number in numbers {
        let range = number * windows.context..(number + 1) * windows.context;
        batch.inputs.extend(&windows.inputs[range.clone()]);
        batch.targets.extend(&windows.targets[range.clone()]);
        batch.weights.extend(&windows.weights[range.clone()]);
        batch.starts.extend(&windows.starts[range]);
    }
    batch
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

    /// The same, from the batch of number `step` on.
    #[must_use]
    pub fn from_step(mut self, step: u64) -> Self {
        let (first, all) = (u128::from(step) * self.size as u128, self.windows.len() as u128);
        self.epoch = (first / all) as u64;
        self.shuffle();
        self.next = (first % all) as usize;
        self
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
        Some(gather(self.windows, numbers))
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
        for step in 0..12 {
            let batches = || Batches::new(&windows, 4, &Streams::new(3), 0);
            let whole: Vec<_> = batches().skip(step).take(6).map(|batch| batch.inputs).collect();
            let resumed: Vec<_> = batches().from_step(step as u64).take(6).map(|batch| batch.inputs).collect();
            assert_eq!(resumed, whole, "step {step}");
        }
    }
}
