use super::*;

#[test]
fn table_has_a_row_for_each_option_in_order() {
    for (at, opt) in Opt::all().enumerate() {
        assert_eq!(opt as usize, at, "{opt:?}");
        assert_eq!(opt.flag(), opt.name().replace('_', "-"));
        assert_eq!(Opt::named(opt.name()), Some(opt));
        assert!(opt.help().chars().next().is_some_and(char::is_uppercase), "{opt:?}");
    }
    assert_eq!(Opt::named("topk"), None);
}

#[test]
fn table_names_the_fields() {
    let every = Sampling {
        temperature: 0.5,
        top_k: Some(3),
        top_p: Some(0.5),
        min_p: Some(0.5),
        repetition_penalty: Some(1.5),
        greedy: true,
        watermark: Some(Mark::default()),
        systematic: true,
    };
    let json = serde_json::to_value(every).unwrap();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, Opt::all().map(Opt::name).collect::<Vec<_>>());
    for opt in Opt::all() {
        assert!(opt.acts(&every) && !opt.acts(&Sampling::default()), "{opt:?}");
        // Each option by its name alone is what its text on the command line sets.
        let value = &json[opt.name()];
        let text = match opt {
            Opt::Watermark => "key=0,gamma=0.25,delta=2".to_owned(),
            _ => value.to_string(),
        };
        let mut set = Sampling::default();
        set.set(opt, &text).unwrap();
        let read: Sampling = serde_json::from_value(serde_json::json!({ opt.name(): value })).unwrap();
        assert_eq!(set, read);
        assert_eq!(Opt::all().filter(|other| other.acts(&set)).collect::<Vec<_>>(), [opt]);
        assert!(set.set(opt, "x").is_err() && set == read, "{opt:?}");
    }
}

#[test]
fn marks_are_read() {
    let read = |text: &str| {
        let mut sampling = Sampling::default();
        sampling.set(Opt::Watermark, text).map(|()| sampling.watermark.unwrap())
    };
    assert_eq!(read("key=7"), Ok(Mark { key: 7, ..Mark::default() }));
    assert_eq!(read("gamma=0.5, delta=-1,key=1"), Ok(Mark { key: 1, gamma: 0.5, delta: -1.0 }));
    for text in ["", "key", "key=-1", "gamma=x", "gama=0.5", "key=1,"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn unknown_keys_are_refused() {
    assert!(serde_json::from_str::<Sampling>(r#"{"temp": 1.0}"#).is_err());
    assert!(serde_json::from_str::<Sampling>(r#"{"watermark": {"gama": 0.5}}"#).is_err());
    assert_eq!(serde_json::from_str::<Sampling>("{}").unwrap(), Sampling::default());
    assert_eq!(serde_json::to_string(&Sampling::default()).unwrap(), r#"{"temperature":1.0}"#);
}

#[test]
fn ranges_are_checked() {
    let base = Sampling::default();
    let mark = |mark| Sampling { watermark: Some(mark), ..base };
    for (sampling, message) in [
        (Sampling { temperature: 0.0, ..base }, "temperature = 0: must be a finite number above 0"),
        (Sampling { temperature: f64::NAN, ..base }, "temperature = NaN"),
        (Sampling { temperature: f64::INFINITY, ..base }, "temperature = inf"),
        (Sampling { top_k: Some(0), ..base }, "top_k = 0"),
        (Sampling { top_p: Some(0.0), ..base }, "top_p = 0"),
        (Sampling { top_p: Some(1.1), ..base }, "top_p = 1.1"),
        (Sampling { top_p: Some(f64::NAN), ..base }, "top_p = NaN"),
        (Sampling { min_p: Some(1.0), ..base }, "min_p = 1"),
        (Sampling { min_p: Some(-0.1), ..base }, "min_p = -0.1"),
        (Sampling { repetition_penalty: Some(0.0), ..base }, "repetition_penalty = 0"),
        (mark(Mark { gamma: 1.0, ..Mark::default() }), "watermark.gamma = 1"),
        (mark(Mark { delta: f64::INFINITY, ..Mark::default() }), "watermark.delta = inf"),
    ] {
        let error = sampling.check().unwrap_err().to_string();
        assert!(error.starts_with(message) && !error.contains('\n'), "{error}");
    }
    for sampling in [
        base,
        Sampling { temperature: 0.0, greedy: true, ..base },
        Sampling { top_p: Some(1.0), min_p: Some(0.0), top_k: Some(1), repetition_penalty: Some(1.2), ..base },
        mark(Mark { delta: 0.0, ..Mark::default() }),
    ] {
        assert_eq!(sampling.check(), Ok(()), "{sampling:?}");
    }
}

#[test]
fn plain_settings_change_no_draw() {
    let base = Sampling::default();
    let neutral = Mark { delta: 0.0, ..Mark::default() };
    let same = Sampling { top_p: Some(1.0), min_p: Some(0.0), repetition_penalty: Some(1.0), ..base };
    assert!(base.is_plain() && same.is_plain() && Sampling { watermark: Some(neutral), ..same }.is_plain());
    for sampling in [
        Sampling { temperature: f64::NAN, ..base },
        Sampling { top_k: Some(9), ..base },
        Sampling { top_p: Some(f64::NAN), ..base },
        Sampling { min_p: Some(0.5), ..base },
        Sampling { greedy: true, ..base },
        Sampling { systematic: true, ..base },
    ] {
        assert!(!sampling.is_plain(), "{sampling:?}");
    }
}

#[test]
fn options_that_are_not_honoured_are_refused() {
    let cool = Sampling { temperature: 0.8, repetition_penalty: Some(1.2), ..Sampling::default() };
    let error = cool.refuse_all_but(&Sampling::EXACT).unwrap_err().to_string();
    assert_eq!(error, "repetition_penalty is not supported here; supported: temperature, top_k, top_p, min_p, greedy");
    let error = cool.refuse_all_but(&[]).unwrap_err().to_string();
    assert_eq!(error, "temperature is not supported here; supported: no sampler option");
    assert_eq!(cool.refuse_all_but(&[Opt::RepetitionPenalty, Opt::Temperature]), Ok(()));
}
