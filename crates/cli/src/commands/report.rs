use crate::Failure;
use crate::args::{CompareArgs, ReportArgs};

/// `habsburg report`
pub(crate) fn report(args: ReportArgs) -> Result<(), Failure> {
    let written = report::write(&args.runs, args.out.as_deref()).map_err(Failure::request)?;
    print!("{}", report::terminal_table(&args.runs).map_err(Failure::request)?);
    println!("Report: {}", written.page.display());
    Ok(())
}

/// `habsburg compare`
pub(crate) fn compare(args: CompareArgs) -> Result<(), Failure> {
    print!("{}", report::compare(&args.runs).map_err(Failure::request)?);
    if let Some(out) = &args.out {
        report::write_comparison(&args.runs, out).map_err(Failure::request)?;
        println!("Page: {}", out.display());
    }
    Ok(())
}
