use crate::Failure;
use crate::args::{CompareArgs, ReportArgs};
use crate::output::Output;

/// `habsburg report`
pub(crate) fn report(args: ReportArgs, out: &mut Output) -> Result<(), Failure> {
    let report = report::Report::read(&args.runs)?;
    let written = report.write(args.out.as_deref())?;
    write!(out, "{}", report.terminal_table())?;
    writeln!(out, "Report: {}", written.page.display())
}

/// `habsburg compare`
pub(crate) fn compare(args: CompareArgs, out: &mut Output) -> Result<(), Failure> {
    let table = report::compare(&args.runs)?;
    args.out.as_ref().map(|page| report::write_comparison(&args.runs, page)).transpose()?;
    write!(out, "{table}")?;
    if let Some(page) = &args.out {
        writeln!(out, "Page: {}", page.display())?;
    }
    Ok(())
}
