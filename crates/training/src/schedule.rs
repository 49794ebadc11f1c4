/// Linear warm-up, then a half cosine down to a share of the peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest rate.
    pub peak: f64,
    /// All steps.
    pub steps: u64,
    /// Share of the steps that warm up.
    pub warmup: f64,
    /// The rate at the end, as a share of the peak.
    pub final_rate: f64,
}

impl Schedule {
    /// The rate of `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        let warmup = (self.warmup * self.steps as f64).round() as u64;
        if step < warmup {
            return self.peak * (step + 1) as f64 / warmup as f64;
        }
        let done = (step - warmup) as f64 / (self.steps - warmup).max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.peak * (self.final_rate + (1.0 - self.final_rate) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_peaks_and_falls() {
        let schedule = Schedule { peak: 2.0, steps: 110, warmup: 10.0 / 110.0, final_rate: 0.1 };
        assert_eq!(schedule.rate(0), 0.2);
        assert_eq!(schedule.rate(9), 2.0);
        assert_eq!(schedule.rate(10), 2.0);
        assert!((schedule.rate(60) - (0.2 + 0.9)).abs() < 1e-12, "half way down");
        assert!((schedule.rate(110) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn no_warmup_starts_at_the_peak() {
        let schedule = Schedule { peak: 1.0, steps: 1, warmup: 0.0, final_rate: 0.0 };
        assert_eq!(schedule.rate(0), 1.0);
    }
}
