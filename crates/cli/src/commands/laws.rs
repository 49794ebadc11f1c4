use crate::Failure;
use crate::args::LawsArgs;
use crate::output::Output;
use chain::laws::suite::{self, Row};

/// `habsburg laws`
pub(crate) fn laws(args: LawsArgs, out: &mut Output) -> Result<(), Failure> {
    let wanted = |law: &str| args.law.is_empty() || args.law.iter().any(|name| name == law);
    let (mut rows, mut objections) = (0, 0);
    if !args.json {
        writeln!(out, "{HEAD}")?;
    }
    for case in suite::cases().into_iter().filter(|case| wanted(case.law)) {
        for row in case.check(args.seed).map_err(Failure::work)? {
            if args.json {
                writeln!(out, "{}", serde_json::to_string(&row).map_err(Failure::work)?)?;
            } else {
                writeln!(out, "{}", line(&row))?;
            }
            rows += 1;
            objections += usize::from(!row.holds);
        }
        // A case takes up to a few seconds: what is known is shown.
        out.flush()?;
    }
    if objections > 0 {
        let seed = args.seed;
        return Err(Failure::Work(format!("{objections} of {rows} values (seed {seed}) are not what their law says")));
    }
    if !args.json {
        writeln!(out, "{rows} values, and every law agrees with the loop.")?;
    }
    Ok(())
}

const HEAD: &str =
    "law            kind         generation    closed form     simulated     std error   off by  verdict   what";

fn line(row: &Row) -> String {
    // Of what is the same in every chain there is no standard error, and a bound may be any number of them away.
    let off = if row.deviation.abs() < 1000.0 { format!("{:+.2}", row.deviation) } else { "far".to_owned() };
    let verdict = if row.holds { "agrees" } else { "OBJECTS" };
    format!(
        "{:14} {:12} {:>10} {:>14.6} {:>13.6} {:>13.1e} {off:>8}  {verdict:8}  {}",
        row.law, row.kind, row.generation, row.closed_form, row.simulated, row.standard_error, row.parameters
    )
}
