use crate::Failure;
use crate::args::{ForecastArgs, Held, HumanText};
use crate::output::Output;
use chain::forecast::{ASSUMPTIONS, Expected, Forecast, Frequencies, Level};
use chain::laws::{Human, Regime};
use std::collections::BTreeMap;

/// Tokens of a generation where there is no text to take their number from.
const TOKENS: f64 = 1e9;

/// The synthetic share where human text is asked for and no share is given.
const SYNTHETIC: f64 = 0.9;

/// `habsburg forecast`
pub(crate) fn forecast(args: ForecastArgs, out: &mut Output) -> Result<(), Failure> {
    let (frequencies, read) = frequencies(&args)?;
    let regime = regime(&args)?;
    if args.run.is_nan() || args.run < 1.0 {
        return Err(Failure::Request(format!("--run {}: a run has at least one token", args.run)));
    }
    let tokens = args.tokens.unwrap_or(read);
    let forecast = Forecast::new(&frequencies, tokens / args.run, regime).map_err(Failure::request)?;
    let expected: Vec<Expected> = (0..args.generations).map(|generation| forecast.generation(generation)).collect();
    let needed = needed(&args, &forecast)?;
    if args.json {
        return json(&expected, &args, &needed, out);
    }
    writeln!(out, "{}, {tokens:e} tokens a generation, {}", described(&args, &frequencies), named(regime))?;
    writeln!(out)?;
    writeln!(
        out,
        "generation          words  of generation 0's   human text covered   entropy (nats)   as many equal words"
    )?;
    for row in &expected {
        writeln!(
            out,
            "{:>10} {:>14} {:>18.2} % {:>18.3} % {:>16.4} {:>21.1}",
            row.generation,
            format!("{:.0}", row.types),
            100.0 * row.types / expected[0].types,
            100.0 * (1.0 - row.missing_mass),
            row.entropy,
            row.entropy.exp()
        )?;
    }
    if let Some(hold) = args.hold {
        let (last, level) = (args.generations - 1, described_level(args.level));
        writeln!(out)?;
        writeln!(
            out,
            "To hold {} of generation 0's {level} in generation {last}, human text has to be",
            percent(hold)
        )?;
        for &(human, share) in &needed {
            let share = if share > 0.0 { percent(share) } else { "nothing".into() };
            writeln!(out, "  {share:>10} of what is read, if it is {}", described_human(human))?;
        }
    }
    writeln!(out)?;
    writeln!(out, "Taken for granted:")?;
    ASSUMPTIONS.iter().try_for_each(|assumption| writeln!(out, "- {assumption}"))
}

/// The truth, and how many tokens a generation reads if nothing else is said.
fn frequencies(args: &ForecastArgs) -> Result<(Frequencies, f64), Failure> {
    let Some(data) = &args.data else {
        // What is no number of types is refused with the others.
        let types = args.types.clamp(0.0, 1e18) as u64;
        let words = Frequencies::zipf(args.exponent, args.offset, types).map_err(Failure::request)?;
        return Ok((words, TOKENS));
    };
    let documents = corpus::read(data, &args.field, &args.limits.limits()?)?;
    let mut counts = BTreeMap::<&str, u64>::new();
    for word in documents.iter().flat_map(|document| document.text.split_whitespace()) {
        *counts.entry(word).or_default() += 1;
    }
    let tokens = counts.values().sum::<u64>() as f64;
    Ok((Frequencies::from_counts(counts.into_values()).map_err(Failure::request)?, tokens))
}

fn regime(args: &ForecastArgs) -> Result<Regime, Failure> {
    let human = match args.human {
        HumanText::Fresh => Human::Fresh,
        HumanText::Anchor => Human::Anchor,
        HumanText::Pool => Human::Pool,
        HumanText::None | HumanText::Accumulate => {
            return match (args.human, args.synthetic) {
                (HumanText::None, None | Some(1.0)) => Ok(Regime::Replace),
                (HumanText::Accumulate, None) => Ok(Regime::Accumulate),
                (HumanText::Accumulate, Some(_)) => Err(Failure::Request(
                    "--synthetic has no place beside --human accumulate, which keeps equal parts of everything; leave it out".into(),
                )),
                (_, Some(share)) => Err(Failure::Request(format!(
                    "--synthetic {share} leaves room for human text: say which with --human fresh, anchor or pool"
                ))),
                (_, None) => Ok(Regime::Replace),
            };
        }
    };
    match args.synthetic.unwrap_or(SYNTHETIC) {
        share if (0.0..=1.0).contains(&share) => Ok(Regime::Mixture(human, 1.0 - share)),
        share => Err(Failure::Request(format!("--synthetic {share}: a share lies between 0 and 1"))),
    }
}

/// The share that each kind of human text needs, if a level is to be held.
fn needed(args: &ForecastArgs, forecast: &Forecast<'_>) -> Result<Vec<(Human, f64)>, Failure> {
    let Some(hold) = args.hold else { return Ok(Vec::new()) };
    let level = match args.level {
        Held::Vocabulary => Level::Types,
        Held::Coverage => Level::Mass,
        Held::Entropy => Level::Entropy,
    };
    let share =
        |human| Ok((human, forecast.human_share(human, level, hold, args.generations - 1).map_err(Failure::request)?));
    Human::ALL.into_iter().map(share).collect()
}

/// A line for each generation, and one for each kind of human text that a level needs.
fn json(expected: &[Expected], args: &ForecastArgs, needed: &[(Human, f64)], out: &mut Output) -> Result<(), Failure> {
    for row in expected {
        writeln!(out, "{}", serde_json::to_string(row).map_err(Failure::work)?)?;
    }
    for (human, share) in needed {
        let (level, hold, generation) = (described_level(args.level), args.hold, args.generations - 1);
        let line = serde_json::json!({
            "hold": hold, "level": level, "generation": generation, "human": human.name(), "share": share
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn described(args: &ForecastArgs, frequencies: &Frequencies) -> String {
    let of = match &args.data {
        Some(data) => format!("The words of {}", corpus::printable(&data.display().to_string())),
        None => format!("Zipf with exponent {} and offset {}", args.exponent, args.offset),
    };
    format!("{of}: {:.0} words, {:.4} nats", frequencies.types(), frequencies.entropy())
}

fn named(regime: Regime) -> String {
    match regime {
        Regime::Replace => "of the last generation's text alone".into(),
        Regime::Accumulate => "and everything before is kept".into(),
        Regime::Mixture(human, share) => format!("{} of them {}", percent(share), described_human(human)),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (1e6 * share).round() / 1e4)
}

fn described_human(human: Human) -> &'static str {
    match human {
        Human::Fresh => "new human text each time",
        Human::Anchor => "the same human text each time",
        Human::Pool => "drawn anew from the same human text each time",
    }
}

fn described_level(level: Held) -> &'static str {
    match level {
        Held::Vocabulary => "vocabulary",
        Held::Coverage => "coverage",
        Held::Entropy => "entropy",
    }
}
