//! What is compared beside the loss, in the last generation: the tail (rare facts of a world, else rare human words that are
//! still generated), diversity (the distance of the share of distinct 2-grams from that of human text, in both directions: a
//! loop can also generate too many kinds, which are errors), over-represented n-grams, calibration.
//!
//! A thing is shown only where the base damages it by more than the control itself is away from human text: else the damage is
//! within what the training does anyway, and a share of it says nothing. Recovery is 1 − N/D as for the loss, of the arm's
//! damage over its own control and the base's over its control, without a cap.

use std::collections::BTreeMap;

use evaluation::metric::Damage;
use evaluation::ranking::{Ratio, ratio};
use evaluation::statistics::Interval;

use crate::data::{Data, Viewed};
use crate::quantity::{CALIBRATION, DISTINCT_PAIRS, OVER_REPRESENTED, Quantity, RARE_FACTS, RARE_WORDS};

/// Damages by seed.
type Damages = BTreeMap<u64, f64>;

/// One thing.
pub(crate) struct Secondary {
    /// For people.
    pub(crate) title: &'static str,
    viewed: Viewed,
    damage: Damage,
    /// What human text has; positive where damage is the distance from it.
    reference: f64,
    /// The base's damage over its control.
    base: Damages,
    last: u32,
}

/// What an arm has of a thing: its value, and the share of the base's damage that it recovers.
pub(crate) type Cell = (Option<Interval>, Option<Ratio>);

/// The things that the base damages by more than the control's own distance from human text.
pub(crate) fn all(data: &Data, (base, control): (&str, &str), last: u32) -> Vec<Secondary> {
    // A world's facts are all known, and a model that is as sure as it is right has no calibration error.
    let tail = match data.view(&RARE_FACTS) {
        Some(_) => (Quantity { title: "Rare facts", ..RARE_FACTS }, Some(1.0)),
        None => (RARE_WORDS, None),
    };
    let list = [tail, (DISTINCT_PAIRS, None), (OVER_REPRESENTED, None), (CALIBRATION, Some(0.0))];
    list.iter().filter_map(|(quantity, human)| Secondary::of(data, quantity, *human, (base, control), last)).collect()
}

impl Secondary {
    fn of(
        data: &Data,
        quantity: &Quantity,
        human: Option<f64>,
        (base, control): (&str, &str),
        last: u32,
    ) -> Option<Self> {
        let viewed = data.view(quantity)?;
        let damage = quantity.metric.damage.expect("what is compared has a direction of damage");
        let human = human.map(|human| human * viewed.times).or_else(|| data.reference(&viewed));
        let reference = human.unwrap_or(0.0);
        if damage == Damage::Away && reference <= 0.0 {
            return None;
        }
        let thing = Self { title: quantity.title, viewed, damage, reference, base: Damages::new(), last };
        let own = mean(&thing.damages(data, control))?;
        let distance = human.map_or(0.0, |human| (own - thing.damage_of(human)).abs());
        let base = thing.excess(data, base, control);
        (mean(&base)? > distance).then_some(Self { base, ..thing })
    }

    /// How bad a value is.
    fn damage_of(&self, value: f64) -> f64 {
        match self.damage {
            Damage::More => value,
            Damage::Less => -value,
            Damage::Away => (value / self.reference).ln().abs(),
        }
    }

    fn damages(&self, data: &Data, arm: &str) -> Damages {
        let seeds = data.seeds(&self.viewed.key, arm, self.last).into_iter();
        let damages = seeds.map(|(seed, value)| (seed, self.damage_of(value * self.viewed.times)));
        damages.filter(|(_, damage)| damage.is_finite()).collect()
    }

    /// Damage beyond the control's, by seed.
    fn excess(&self, data: &Data, arm: &str, control: &str) -> Damages {
        let control = self.damages(data, control);
        let damages = self.damages(data, arm).into_iter();
        damages.filter_map(|(seed, damage)| Some((seed, damage - control.get(&seed)?))).collect()
    }

    /// What an arm has of it.
    pub(crate) fn cell(&self, data: &Data, arm: &str, control: &str) -> Cell {
        let own = self.excess(data, arm, control);
        let pairs: Vec<(f64, f64)> = own.iter().filter_map(|(seed, own)| Some((*own, *self.base.get(seed)?))).collect();
        (data.shown(&self.viewed, arm, self.last), ratio(&pairs).map(Ratio::recovery))
    }
}

fn mean(damages: &Damages) -> Option<f64> {
    (!damages.is_empty()).then(|| damages.values().sum::<f64>() / damages.len() as f64)
}
