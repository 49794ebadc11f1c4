//! What labels are worth, in the loop that makes the curves: the categorical learner with a fresh human share whose
//! text passes the filter by label, against its own exact law and against the minimax bound L10.

use chain::learners::Categorical;
use chain::{Amount, Entry, Generation, Learner, Plan, Recipe, Source, TrainingSet, human_subset, laws, run};
use corpus::{Document, Origin, Provenance};
use curation::{Candidate, Context, Curation, FilterByLabel, Labels, NoModels, Step, effective_share};
use streams::Streams;

const TRUTH: [f64; 5] = [0.4, 0.25, 0.2, 0.1, 0.05];
const DRAWS: usize = 200;
const HUMAN: usize = 40;
const GENERATIONS: u32 = 6;
const CHAINS: u64 = 250;

/// The categorical learner behind a filter.
struct Filtered {
    inner: Categorical,
    curation: Curation,
    streams: Streams,
}

impl Filtered {
    fn kept(&self, set: &TrainingSet, generation: u32) -> TrainingSet {
        let document = |entry: &Entry| {
            let origin = if entry.generation.is_none() { Origin::Human } else { Origin::Synthetic };
            let provenance = Provenance { generation: entry.generation, ..Provenance::of(origin) };
            Document { id: entry.id.clone(), text: String::new(), truncated: false, provenance }
        };
        let documents: Vec<Document> = set.documents.iter().map(|pick| document(&pick.entry)).collect();
        let candidates: Vec<Candidate> = documents.iter().map(|document| Candidate::new(document, &[])).collect();
        let context = Context {
            human: &[],
            latest: &[],
            streams: &self.streams,
            generation,
            separator: 0,
            world: None,
            models: &NoModels,
        };
        let verdict = self.curation.judge(&candidates, &context).unwrap();
        let mut kept = set.clone();
        let mut decisions = verdict.decisions.iter();
        kept.documents.retain(|_| decisions.next().unwrap().keep);
        kept
    }
}

impl Learner for Filtered {
    type State = ();
    type Model = Vec<f64>;
    type Error = std::convert::Infallible;

    fn train(&mut self, generation: &mut Generation<()>, set: &TrainingSet) -> Result<Vec<f64>, Self::Error> {
        if generation.number == 0 {
            self.inner.train(generation, set)
        } else {
            self.inner.train(generation, &self.kept(set, generation.number))
        }
    }

    fn generate(
        &mut self,
        generation: &mut Generation<()>,
        model: &Vec<f64>,
        budget: u64,
    ) -> Result<Vec<Entry>, Self::Error> {
        self.inner.generate(generation, model, budget)
    }
}

/// The mean of ‖q - p‖² of the last generation over chains, and its standard error.
fn simulated(labels: Labels) -> (f64, f64) {
    let share = HUMAN as f64 / DRAWS as f64;
    let amounts = [(Source::Fresh, Amount::Share(share)), (Source::Latest, Amount::Share(1.0 - share))];
    let (mut sum, mut squares) = (0.0, 0.0);
    for seed in 0..CHAINS {
        let streams = Streams::new(seed);
        let reserve = HUMAN * GENERATIONS as usize;
        let (inner, corpus) = Categorical::with_human_draws(&TRUTH, DRAWS + reserve, streams);
        let human = human_subset(&corpus, Some(DRAWS as u64), &streams).unwrap();
        let curation = Curation::new(vec![Step::FilterByLabel(FilterByLabel(labels))]).unwrap();
        let mut learner = Filtered { inner, curation, streams };
        let recipe = Recipe::new(&amounts).unwrap();
        let plan = Plan { recipe: recipe.into(), generations: GENERATIONS, writing: (DRAWS as u64).into(), streams };
        let mut error = 0.0;
        let outcome = run(
            &plan,
            human,
            &mut learner.watched(|finished| {
                error = laws::squared_error(finished.model, &TRUTH);
                Ok(())
            }),
        );
        assert!(outcome.ended.is_none());
        (sum, squares) = (sum + error, squares + error * error);
    }
    let n = CHAINS as f64;
    (sum / n, ((squares / n - (sum / n).powi(2)) / (n - 1.0)).sqrt())
}

fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut chances = vec![0.0; n + 1];
    chances[0] = 1.0;
    for draws in 1..=n {
        for k in (0..=draws).rev() {
            chances[k] = chances[k] * (1.0 - p) + if k > 0 { chances[k - 1] * p } else { 0.0 };
        }
    }
    chances
}

/// The exact law. Of N kept draws s are synthetic, so D' = E[1/N] H0 + E[s(s-1)/N²] D: human and synthetic draws
/// scatter by H0 and H0 - D each, and the synthetic share of the mean carries the last error on. From D = H0/n.
fn law(labels: Labels) -> f64 {
    let h0 = laws::heterozygosity(&TRUTH);
    let (human, synthetic) = (binomial(HUMAN, 1.0 - labels.flagged), binomial(DRAWS - HUMAN, labels.passes));
    let (mut inverse, mut carried) = (0.0, 0.0);
    for (h, of_human) in human.iter().enumerate() {
        for (s, of_synthetic) in synthetic.iter().enumerate() {
            if h + s > 0 {
                let (chance, s, n) = (of_human * of_synthetic, s as f64, (h + s) as f64);
                inverse += chance / n;
                carried += chance * s * (s - 1.0) / (n * n);
            }
        }
    }
    (1..GENERATIONS).fold(h0 / DRAWS as f64, |error, _| inverse * h0 + carried * error)
}

#[test]
fn labels_are_worth_what_the_law_says_and_no_less_than_the_bound() {
    let h0 = laws::heterozygosity(&TRUTH);
    let worth = |error: f64| h0 / error / DRAWS as f64;
    let share = HUMAN as f64 / DRAWS as f64;
    let mut worths = Vec::new();
    for (passes, flagged) in [(1.0, 0.0), (0.2, 0.1), (0.0, 0.0)] {
        let labels = Labels { passes, flagged };
        let ((mean, error), law) = (simulated(labels), law(labels));
        assert!((mean - law).abs() < 4.0 * error, "{labels:?}: {mean} ± {error}, law {law}");
        // L10 is the worst over all contaminations, and this one is mild.
        assert!(worth(law) >= effective_share(share, labels) * (1.0 - 1e-9), "{labels:?}");
        worths.push(worth(law));
    }
    // Perfect labels leave human text alone: the bound's own value. The unfiltered mixture is worth more (α(2-α) in the
    // limit): the last model's text, unbiased, is information that the filter throws away.
    assert!((worths[2] - share).abs() < 1e-9);
    assert!(worths[0] > 1.5 * worths[2] && worths[0] > worths[1] && worths[1] > worths[2], "{worths:?}");
    // Without a filter the law is chain's own, where the human share is an exact count.
    let unfiltered = laws::error_of_mixture(laws::Human::Fresh, h0, DRAWS as f64, share, GENERATIONS - 1);
    assert!((law(Labels { passes: 1.0, flagged: 0.0 }) / unfiltered - 1.0).abs() < 1e-9);
}
