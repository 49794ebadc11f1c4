//! Progress on standard error: bars on a terminal, lines elsewhere, JSON for machines.

use crate::args::ProgressKind;
use crate::output::StandardError;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rundir::{Event, Observer, StageKind};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shows events.
pub(crate) struct Progress {
    kind: ProgressKind,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    bars: MultiProgress,
    all: Option<ProgressBar>,
    /// One bar for each chain that is being worked on.
    chains: BTreeMap<String, ProgressBar>,
    cost: f64,
    /// Cost of what was made here, and of what was found.
    made: f64,
    found: f64,
    /// Cost of what is done of each chain's stage that is being made.
    begun: BTreeMap<String, f64>,
    /// Chains whose last scores were found and not made: nothing new is to be said of that generation.
    found_scores: BTreeSet<String>,
    /// When a line was last written.
    told: Instant,
}

/// Between two lines about a stage that goes on.
const QUIET: Duration = Duration::from_secs(30);

impl Progress {
    pub(crate) fn new(kind: ProgressKind) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let kind = match kind {
            ProgressKind::Auto if !terminal => ProgressKind::Plain,
            other => other,
        };
        let state = State {
            started: Instant::now(),
            bars: MultiProgress::new(),
            all: None,
            chains: BTreeMap::new(),
            cost: 0.0,
            made: 0.0,
            found: 0.0,
            begun: BTreeMap::new(),
            found_scores: BTreeSet::new(),
            told: Instant::now(),
        };
        Self { kind, state: Mutex::new(state) }
    }

    /// Says something after the work.
    pub(crate) fn say(&self, text: &str) {
        match self.kind {
            ProgressKind::Auto | ProgressKind::Plain => writeln!(StandardError, "{}", corpus::printable(text)),
            ProgressKind::Json => writeln!(StandardError, "{}", json!({"event": "note", "text": text})),
            ProgressKind::None => {}
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        let state = self.state.lock().expect("no observer panics");
        state.bars.clear().ok();
    }
}

impl State {
    /// Cost of what was made here, stages that are not finished in part.
    fn worked(&self) -> f64 {
        self.made + self.begun.values().sum::<f64>()
    }

    /// Time left, from what was made so far; nothing before there is something to go by.
    fn left(&self) -> Option<Duration> {
        let worked = self.worked();
        let todo = (self.cost - worked - self.found).max(0.0);
        (worked > 0.0).then(|| self.started.elapsed().mul_f64(todo / worked))
    }

    fn share(&self) -> f64 {
        if self.cost > 0.0 { ((self.worked() + self.found) / self.cost).min(1.0) } else { 1.0 }
    }

    /// `(37 %, about 2 m 05 s left)`.
    fn outlook(&self) -> String {
        let left = self.left().map_or(String::new(), |left| format!(", about {} left", duration(left)));
        format!("({:.0} %{left})", 100.0 * self.share())
    }
}

/// `1 h 05 m`, `3 m 10 s`, `12 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} m {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} m"),
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        let mut state = self.state.lock().expect("no observer panics");
        match &event {
            Event::Begin { cost, .. } => {
                state.started = Instant::now();
                state.cost = *cost;
            }
            Event::Working { chain, done, cost, .. } => drop(state.begun.insert(chain.clone(), done * cost)),
            Event::Finished { chain, kind, made, cost, .. } => {
                if *kind == StageKind::Score {
                    let _ =
                        if *made { state.found_scores.remove(chain) } else { state.found_scores.insert(chain.clone()) };
                }
                state.begun.remove(chain);
                *if *made { &mut state.made } else { &mut state.found } += cost;
            }
            _ => {}
        }
        match self.kind {
            ProgressKind::Auto => bars(&mut state, &event),
            ProgressKind::Plain => plain(&mut state, &event),
            ProgressKind::Json => writeln!(StandardError, "{}", as_json(&state, &event)),
            ProgressKind::None => {}
        }
    }
}

fn plain(state: &mut State, event: &Event) {
    match event {
        Event::Note(text) => writeln!(StandardError, "{}", corpus::printable(text)),
        Event::Failed { chain, reason } => writeln!(StandardError, "{chain} ended: {reason}"),
        Event::Generation { chain, generation, loss, perplexity } if !state.found_scores.contains(chain) => {
            let figures = figures(*loss, *perplexity);
            writeln!(StandardError, "{chain} generation {generation} done{figures} {}", state.outlook());
            state.told = Instant::now();
        }
        Event::Working { chain, generation, kind, done, note, .. } if state.told.elapsed() > QUIET => {
            let percent = 100.0 * done;
            writeln!(
                StandardError,
                "{chain} generation {generation}: {kind} {percent:.0} % {note} {}",
                state.outlook()
            );
            state.told = Instant::now();
        }
        _ => {}
    }
}

/// `, loss 3.21, test perplexity 24.1`.
fn figures(loss: Option<f64>, perplexity: Option<f64>) -> String {
    let loss = loss.map_or_else(String::new, |loss| format!(", loss {loss:.3}"));
    loss + &perplexity.map_or_else(String::new, |perplexity| format!(", test perplexity {perplexity:.4}"))
}

fn bars(state: &mut State, event: &Event) {
    let style =
        |template: &str| ProgressStyle::with_template(template).expect("a fixed template").progress_chars("━╸ ");
    match event {
        Event::Begin { chains, .. } if *chains > 0 => {
            let all = state.bars.add(ProgressBar::new(1000));
            all.set_style(style("{prefix:>28} {bar:24} {percent:>3} %  {msg}"));
            all.set_prefix(format!("{chains} chains"));
            all.enable_steady_tick(Duration::from_secs(1));
            state.all = Some(all);
        }
        Event::Working { chain, generation, kind, done, note, .. } => {
            let bars = &state.bars;
            let bar = state.chains.entry(chain.clone()).or_insert_with(|| {
                let bar = bars.add(ProgressBar::new(1000));
                bar.set_style(style("{prefix:>28} {bar:24} {msg}"));
                bar.set_prefix(chain.clone());
                bar
            });
            bar.set_position((1000.0 * done) as u64);
            bar.set_message(format!("generation {generation}: {kind} {note}"));
        }
        Event::Finished { chain, kind: StageKind::Score, .. } => {
            if let Some(bar) = state.chains.remove(chain) {
                bar.finish_and_clear();
                state.bars.remove(&bar);
            }
        }
        Event::Generation { chain, generation, loss, perplexity } if !state.found_scores.contains(chain) => {
            let line = format!("{chain} generation {generation} done{}", figures(*loss, *perplexity));
            state.bars.println(line).ok();
        }
        Event::Note(text) => {
            state.bars.println(corpus::printable(text)).ok();
        }
        Event::Failed { chain, reason } => {
            state.bars.println(format!("{chain} ended: {reason}")).ok();
        }
        _ => {}
    }
    if let Some(all) = &state.all {
        all.set_position((1000.0 * state.share()) as u64);
        let left = state.left().map_or_else(String::new, |left| format!("about {} left", duration(left)));
        all.set_message(left);
    }
}

fn as_json(state: &State, event: &Event) -> serde_json::Value {
    let left = state.left().map(|d| d.as_secs());
    match event {
        Event::Begin { chains, cost } => json!({"event": "begin", "chains": chains, "operations": cost}),
        Event::Working { chain, generation, kind, done, note, .. } => json!({
            "event": "working", "chain": chain, "generation": generation, "stage": kind.name(), "done": done, "note": note,
        }),
        Event::Finished { chain, generation, kind, made, .. } => json!({
            "event": "finished", "chain": chain, "generation": generation, "stage": kind.name(), "made": made,
            "share": state.share(), "seconds_left": left,
        }),
        Event::Failed { chain, reason } => json!({"event": "failed", "chain": chain, "reason": reason}),
        Event::Note(text) => json!({"event": "note", "text": text}),
        Event::Generation { chain, generation, loss, perplexity } => json!({
            "event": "generation", "chain": chain, "generation": generation, "loss": loss, "perplexity": perplexity,
        }),
        Event::Metrics => json!({"event": "metrics"}),
    }
}

/// The training of one model outside an experiment.
pub(crate) struct Training {
    kind: ProgressKind,
    bar: ProgressBar,
}

impl Training {
    pub(crate) fn new(kind: ProgressKind) -> Self {
        let bar = match kind {
            ProgressKind::Auto if std::io::stderr().is_terminal() => ProgressBar::new(0),
            _ => ProgressBar::hidden(),
        };
        let template = "{bar:24} {pos}/{len} {msg}, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).expect("a fixed template").progress_chars("━╸ "));
        Self { kind, bar }
    }

    pub(crate) fn step(&self, progress: training::Progress) {
        let training::Progress { step, steps, loss, .. } = progress;
        let note = format!("loss {loss:.3}");
        if self.kind == ProgressKind::Json {
            let done = step as f64 / steps as f64;
            writeln!(StandardError, "{}", json!({"event": "working", "stage": "train", "done": done, "note": note}));
        }
        self.bar.set_length(steps);
        self.bar.set_position(step);
        self.bar.set_message(note);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Counts things that are gone through; shown on a terminal, once it takes longer than two seconds.
pub(crate) struct Counter {
    bar: ProgressBar,
    what: &'static str,
    began: Instant,
}

impl Counter {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { bar: ProgressBar::hidden(), what, began: Instant::now() }
    }

    /// So many of all are done.
    pub(crate) fn step(&self, done: usize, all: usize) {
        const LATE: Duration = Duration::from_secs(2);
        if self.began.elapsed() < LATE || !std::io::stderr().is_terminal() {
            return;
        }
        if self.bar.is_hidden() {
            let template = format!("{{bar:24}} {{pos}}/{{len}} {}, {{eta}} left", self.what);
            self.bar.set_style(ProgressStyle::with_template(&template).expect("a fixed template"));
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
