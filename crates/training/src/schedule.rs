/// Warm-up, a constant rate, then a linear decay to a share of the peak (warm-up-stable-decay; Hu et al. 2024, arXiv
/// 2404.06395).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// All steps.
    pub steps: u64,
    /// Share of the steps over which the rate rises from zero.
    pub warmup: f64,
    /// Share of the steps over which it falls at the end.
    pub decay: f64,
    /// The rate at the end, as a share of the peak.
    pub final_rate: f64,
}

impl Schedule {
    /// The rate of `step`, counted from 0. Where warm-up and decay overlap, the smaller of their rates.
    pub fn rate(&self, step: u64) -> f64 {
        let share = |part: f64| (part * self.steps as f64).round();
        let (warmup, decay) = (share(self.warmup), share(self.decay));
        let risen = ((step + 1) as f64 / warmup).min(1.0);
        let left = ((self.steps.saturating_sub(step)) as f64 / decay).min(1.0);
        self.peak * risen.min(self.final_rate + (1.0 - self.final_rate) * left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule { peak: 2.0, steps: 100, warmup: 0.1, decay: 0.4, final_rate: 0.1 };

    #[test]
    fn rises_stays_and_falls() {
        assert_eq!(SCHEDULE.rate(0), 0.2);
        assert_eq!([9, 10, 59, 60].map(|step| SCHEDULE.rate(step)), [2.0; 4]);
        assert!((SCHEDULE.rate(80) - (0.2 + 0.9)).abs() < 1e-12, "half way down");
        assert!((SCHEDULE.rate(100) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn parts_may_be_missing_or_overlap() {
        let constant = Schedule { warmup: 0.0, decay: 0.0, ..SCHEDULE };
        assert!((0..100).all(|step| constant.rate(step) == 2.0));
        let all = Schedule { warmup: 1.0, decay: 1.0, final_rate: 0.0, ..SCHEDULE };
        assert!((all.rate(24) - 0.5).abs() < 1e-12 && (all.rate(75) - 0.5).abs() < 1e-12);
        assert_eq!(Schedule { steps: 1, ..SCHEDULE }.rate(0), 2.0);
    }
}
