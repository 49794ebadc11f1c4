//! Cases of what a sample has not seen.

use super::counts::categorical;
use super::setting::Setting;
use super::survivors::{alive, missing};
use super::{Case, Kind};
use crate::laws;

const LAW: &str = "tail";

fn types() -> Vec<f64> {
    laws::zipf(1.0, 0.0, 200)
}

pub(super) fn cases() -> Vec<Case> {
    const N: u64 = 100;
    let n = N as f64;
    let human = Setting::named("replace", N, 1, 5000);
    let p = types();
    let steep = laws::zipf(2.0, 0.0, 50_000);
    let law = laws::missing_mass_zipf(steep[0], 2.0, 1000.0);
    vec![
        Case::new(LAW, Kind::Exact, "missing mass: human draws, n 100, Zipf of 200", human, {
            let p = types();
            categorical(types(), move |q| missing(&p, q))
        })
        .claims(&[0], |_| laws::missing_mass(n, &p)),
        Case::new(LAW, Kind::Exact, "seen once over n: human draws, n 100, Zipf of 200", human, {
            categorical(types(), move |q| q.iter().filter(|&&q| (q * n).round() == 1.0).count() as f64 / n)
        })
        .claims(&[0], |_| laws::once_seen_share(n, &p)),
        Case::new(LAW, Kind::Exact, "types seen: human draws, n 100, Zipf of 200", human, {
            categorical(types(), alive)
        })
        .claims(&[0], |_| laws::types_seen(n, &p)),
        Case::new(
            LAW,
            Kind::AtMost,
            "missing mass: replace, n 100, Zipf of 200",
            Setting::named("replace", N, 6, 3000),
            {
                let p = types();
                categorical(types(), move |q| missing(&p, q))
            },
        )
        .claims(&[2, 5], |generation| p.iter().map(|&p| p * (1.0 - laws::survival_replace(n, p, generation))).sum()),
        Case::new(
            LAW,
            Kind::Within(0.02),
            "missing mass: human draws, n 1000, power law 2",
            Setting::named("replace", 1000, 1, 300),
            {
                let p = steep.clone();
                categorical(steep, move |q| missing(&p, q))
            },
        )
        .claims(&[0], |_| law),
    ]
}
