//! The sampler's flags, one for each row of the table of options in `sampling`.

use clap::error::{Error, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sampling::{Opt, Sampling};

/// Sampler settings as the command line gives them; what is not given has its default. Ranges are not checked yet.
pub(crate) struct SamplingFlags(pub(crate) Sampling);

fn flag(opt: Opt) -> Arg {
    let arg = Arg::new(opt.name()).long(opt.flag()).help(opt.help());
    match opt.value() {
        None => arg.action(ArgAction::SetTrue),
        Some(value) => arg.value_name(value).allow_negative_numbers(true).value_parser(move |text: &str| {
            // Read here too, so that the message names the flag.
            Sampling::default().set(opt, text).map(|()| text.to_owned())
        }),
    }
}

impl Args for SamplingFlags {
    fn augment_args(command: Command) -> Command {
        command.args(Opt::all().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SamplingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self(Sampling::default());
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for opt in Opt::all().filter(|opt| matches.value_source(opt.name()) == Some(ValueSource::CommandLine)) {
            let text = match opt.value() {
                None => "true",
                Some(_) => matches.get_one::<String>(opt.name()).map_or("", String::as_str),
            };
            self.0.set(opt, text).map_err(|error| Error::raw(ErrorKind::ValueValidation, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &str) -> Result<Sampling, String> {
        let command = SamplingFlags::augment_args(Command::new("sample").no_binary_name(true));
        let matches = command.try_get_matches_from(flags.split_whitespace()).map_err(|error| error.to_string())?;
        SamplingFlags::from_arg_matches(&matches).map(|flags| flags.0).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_set_their_options() {
        assert_eq!(parse(""), Ok(Sampling::default()));
        let cool = "--temperature 0.8 --top-k 40 --repetition-penalty 1.2 --greedy --watermark key=7";
        let expected = Sampling {
            temperature: 0.8,
            top_k: Some(40),
            repetition_penalty: Some(1.2),
            greedy: true,
            watermark: Some(sampling::Mark { key: 7, ..sampling::Mark::default() }),
            ..Sampling::default()
        };
        assert_eq!(parse(cool), Ok(expected));
        assert_eq!(parse("--min-p -1").map(|sampling| sampling.min_p), Ok(Some(-1.0)), "its range is checked later");
        let error = parse("--top-k many").unwrap_err();
        assert!(error.contains("'--top-k <K>'") && error.contains("a whole number, 1 or more"), "{error}");
        assert!(parse("--temprature 0.8").unwrap_err().contains("--temperature"));
    }

    #[test]
    fn help_lists_every_option() {
        let help = SamplingFlags::augment_args(Command::new("sample")).render_help().to_string();
        for opt in Opt::all() {
            assert!(help.contains(&format!("--{}", opt.flag())), "{help}");
        }
        assert!(help.contains("Keep the k most likely tokens"), "{help}");
    }
}
