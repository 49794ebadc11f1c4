//! Each learner has the keys that it honours; the others are refused with the nearest key or the learner that has it.

use experiment::{Experiment, Learner};

/// A file with one arm of a learner.
fn file(kind: &str) -> String {
    let corpus = match kind {
        "transformer" | "n-gram" | "oracle" => "corpus = { name = \"chronicle\", tokens = 9000 }\n",
        _ => "",
    };
    format!("name = \"x\"\n{corpus}[[arm]]\nname = \"it\"\nmodel.kind = \"{kind}\"\n")
}

fn parse(kind: &str, assignment: &str) -> Result<Experiment, String> {
    Experiment::parse(&(file(kind) + assignment), &[]).map_err(|error| error.to_string())
}

#[test]
fn every_kind_is_written_out_and_reads_back() {
    for kind in [
        "transformer",
        "n-gram",
        "oracle",
        "categorical",
        "gaussian",
        "gaussian-mixture",
        "kernel-density",
        "linear-regression",
        "markov",
    ] {
        let experiment = parse(kind, "").unwrap();
        assert_eq!(experiment.arms[0].kind(), kind);
        let text = experiment.to_toml();
        assert!(text.contains(&format!("kind = \"{kind}\"")), "{text}");
        assert_eq!(Experiment::parse(&text, &[]).unwrap(), experiment, "{text}");
        assert_eq!(experiment.text().is_some(), text.contains("[corpus]"));
    }
    let transformer = Experiment::parse(&file("transformer").replace("model.kind = \"transformer\"", ""), &[]).unwrap();
    assert_eq!(transformer, parse("transformer", "").unwrap(), "the default");
}

#[test]
fn unknown_keys_name_the_learner_that_has_them_or_the_nearest() {
    for (kind, assignment, expected) in [
        ("transformer", "memers = 2", "arm `it`.memers: unknown key; did you mean `members`? (known here: "),
        (
            "transformer",
            "model.widht = 8",
            "arm `it`.model.widht: unknown key; did you mean `width`? (known here: kind, ",
        ),
        ("transformer", "model.order = 8", "arm `it`.model.order: unknown key; an n-gram or markov has it"),
        (
            "transformer",
            "sample.tmperature = 1",
            "arm `it`.sample.tmperature: unknown key; did you mean `temperature`?",
        ),
        ("transformer", "train.average.wth = 1", "arm `it`.train.average.wth: unknown key; did you mean `with`?"),
        ("transformer", "plant.sare = 1.0", "arm `it`.plant.sare: unknown key; did you mean `share`?"),
        ("oracle", "members = 2", "arm `it`.members: unknown key for model.kind = \"oracle\"; a transformer has it"),
        ("oracle", "train.clip = 2.0", "arm `it`.train: unknown key for model.kind = \"oracle\"; a transformer has it"),
        (
            "oracle",
            "model.order = 2",
            "arm `it`.model.order: unknown key for model.kind = \"oracle\"; an n-gram or markov has it",
        ),
        (
            "oracle",
            "sample.min_p = 0.1",
            "arm `it`.sample.min_p: unknown key for model.kind = \"oracle\"; a transformer, n-gram, categorical or markov has it",
        ),
        (
            "oracle",
            "sample.tokns = 2",
            "arm `it`.sample.tokns: unknown key for model.kind = \"oracle\"; did you mean `tokens`?",
        ),
        (
            "n-gram",
            "sample.prompt = \"human\"",
            "sample.prompt: unknown key for model.kind = \"n-gram\"; a transformer has it",
        ),
        (
            "n-gram",
            "sample.systematic = true",
            "sample.systematic: unknown key for model.kind = \"n-gram\"; a transformer has it",
        ),
        ("n-gram", "model.width = 2", "model.width: unknown key for model.kind = \"n-gram\"; a transformer has it"),
        ("n-gram", "model.ordr = 2", "model.ordr: unknown key for model.kind = \"n-gram\"; did you mean `order`?"),
        (
            "categorical",
            "model.tpes = 2",
            "model.tpes: unknown key for model.kind = \"categorical\"; did you mean `types`?",
        ),
        (
            "gaussian",
            "model.estimater = 2",
            "model.estimater: unknown key for model.kind = \"gaussian\"; did you mean `estimator`?",
        ),
        ("gaussian", "model.types = 2", "model.types: unknown key for model.kind = \"gaussian\"; a categorical has it"),
        (
            "gaussian",
            "sample.top_k = 2",
            "sample.top_k: unknown key for model.kind = \"gaussian\"; a transformer, n-gram, categorical",
        ),
        (
            "gaussian-mixture",
            "sample.temperature = 0.5",
            ".sample: unknown key for model.kind = \"gaussian-mixture\"; a transformer, ",
        ),
        ("kernel-density", "model.bandwith = 2", "did you mean `bandwidth`?"),
        (
            "linear-regression",
            "curation = []",
            "curation: unknown key for model.kind = \"linear-regression\"; a transformer, n-gram or oracle has it",
        ),
        (
            "markov",
            "sample.tokens = 5",
            "sample.tokens: unknown key for model.kind = \"markov\"; a transformer, n-gram or oracle has it",
        ),
    ] {
        let error = parse(kind, assignment).unwrap_err();
        assert!(error.contains(expected) && error.starts_with("arm `it`"), "{kind}, {assignment}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn wrong_values_are_named_by_their_place_in_the_file() {
    for (kind, assignment, expected) in [
        (
            "transformer",
            "sample.temperature = 0.0",
            "arm `it`: sample.temperature = 0: must be a finite number above 0",
        ),
        (
            "transformer",
            "sample.temperature = \"x\"",
            "arm `it`.sample.temperature: invalid type: string \"x\", expected a number",
        ),
        ("transformer", "sample = 3", "arm `it`.sample: write it as a table [sample]"),
        ("transformer", "model.width = \"x\"", "arm `it`.model.width: invalid type"),
        ("transformer", "train.objective = \"focl\"", "arm `it`.train.objective: unknown variant `focl`"),
        ("transformer", "train.objective.focal.gama = 1.0", "arm `it`.train.objective.focal"),
        ("n-gram", "model.order = 99", "arm `it`: model.order = 99: from 1 to 16"),
        ("n-gram", "model.discount = 1.0", "arm `it`: model.discount = 1: "),
        ("n-gram", "sample.top_p = 2.0", "arm `it`: sample.top_p = 2"),
        ("n-gram", "sample.tokens = 0", "arm `it`: sample.tokens = 0: at least 1"),
        ("n-gram", "recipe = \"golden-ratio\"", "model.kind = \"n-gram\" counts whole documents; leave weights out"),
        ("n-gram", "curation = [{ detector = { use = \"weigh\" } }]", "counts whole documents"),
        ("n-gram", "curation = [\"over-represented\"]", "counts whole documents"),
        ("oracle", "model.context = 3", "arm `it`: model.context = 3: from 8 to 8192"),
        (
            "oracle",
            "curation = [\"perplexity-high\"]",
            "curation: perplexity-high asks a transformer, and model.kind = \"oracle\"",
        ),
        ("oracle", "curation = [\"watermark\"]", "watermark asks a transformer"),
        ("oracle", "curation = [\"disagreement\"]", "disagreement asks a transformer"),
        ("oracle", "curation = [{ detector = { statistics = true } }]", "detector asks a transformer"),
        ("oracle", "curation = [{ verifier = { by = \"model\", keep = 0.5 } }]", "verifier asks a transformer"),
        ("gaussian", "model.draws = 1", "arm `it`: model: gaussian: draws = 1: must be 2 or more"),
        ("gaussian", "model.draws = \"x\"", "arm `it`.model.draws: invalid type"),
        ("gaussian", "sample.temperature = -1.0", "arm `it`: sample.temperature = -1"),
        ("gaussian", "recipe = { pool = 101 }", "arm `it`: recipe.pool cannot be filled in generation 1"),
        ("markov", "recipe = \"golden-ratio\"", "arm `it`: recipe: model.kind = \"markov\" counts whole documents"),
    ] {
        let error = parse(kind, assignment).unwrap_err();
        assert!(error.contains(expected), "{kind}, {assignment}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    assert!(parse("n-gram", "curation = [\"near-duplicates\", \"detector\"]").is_ok());
    assert!(parse("oracle", "curation = [\"verifier\", { detector = { use = \"weigh\" } }]").is_ok());
    let sotu = file("oracle").replace("chronicle", "sotu");
    let error = Experiment::parse(&sotu, &[]).unwrap_err().to_string();
    assert!(error.contains("corpus: model.kind = \"oracle\" parses a world's grammar"), "{error}");
    let error = Experiment::parse(&file("gausian"), &[]).unwrap_err().to_string();
    assert!(
        error.starts_with("arm `it`.model.kind = \"gausian\": did you mean \"gaussian\"? (one of transformer, "),
        "{error}"
    );
}

#[test]
fn an_arm_takes_of_the_files_model_and_training_what_its_learner_has() {
    let text = "name = \"x\"\ncorpus = { name = \"chronicle\", tokens = 9000 }\n[model]\npreset = \"tiny\"\ncontext = 32\n\
        [train]\nepochs = 1\n[sample]\ntokens = 500\n[[arm]]\nname = \"transformer\"\n\
        [[arm]]\nname = \"oracle\"\nmodel.kind = \"oracle\"\n[[arm]]\nname = \"n-gram\"\nmodel = { kind = \"n-gram\", order = 2 }\n";
    let experiment = Experiment::parse(text, &[]).unwrap();
    let [transformer, oracle, ngram] = &experiment.arms[..] else { panic!("three arms") };
    assert_eq!([transformer, oracle, ngram].map(|arm| arm.context()), [Some(32); 3]);
    assert_eq!([transformer, oracle, ngram].map(|arm| arm.at(0).sample_tokens()), [Some(500); 3]);
    assert_eq!([transformer, oracle, ngram].map(|arm| arm.at(0).train().is_some()), [true, false, false]);
    assert!(matches!(&ngram.at(0).learner, Learner::NGram(settings) if settings.model.order == 2));
    for (assignment, expected) in [
        ("model.widht=3", "model.widht: unknown key; did you mean `width`?"),
        ("train.clp=1.0", "train.clp: unknown key; did you mean `clip`?"),
        ("members=2", "arm `oracle`.members: unknown key for model.kind = \"oracle\"; a transformer has it"),
        ("sample.temperature=0.5", "arm `oracle`.sample.temperature: unknown key for model.kind = \"oracle\""),
        ("tran.clip=1.0", "tran: unknown key; did you mean `train`?"),
    ] {
        let error = Experiment::parse(text, &[assignment.to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{assignment}: {error}");
    }
    // A file of learners that take no steps has no training.
    let counting = text.replace("[[arm]]\nname = \"transformer\"\n", "");
    let error = Experiment::parse(&counting, &[]).unwrap_err().to_string();
    assert_eq!(error, "model.preset: unknown key for model.kind = \"oracle\"; a transformer has it");
    // Without a context of the file, that of the first transformer is the run's.
    let experiment = Experiment::parse(&text.replace("context = 32\n", ""), &[]).unwrap();
    assert_eq!(experiment.context().unwrap(), 64);
}

#[test]
fn exact_learners_share_an_experiment_among_themselves() {
    let exact = "name = \"x\"\n[model]\nkind = \"gaussian\"\ndraws = 20\n[[arm]]\nname = \"a\"\n";
    let both = format!("{exact}[[arm]]\nname = \"b\"\nmodel.kind = \"categorical\"\n");
    let experiment = Experiment::parse(&both, &[]).unwrap();
    let draws: Vec<usize> = experiment.arms.iter().map(|arm| arm.exact().unwrap().model.draws()).collect();
    assert_eq!(draws, [20, 20], "a key that both have");
    for (more, expected) in [
        (
            "[[arm]]\nname = \"b\"\nmodel.kind = \"oracle\"\n",
            "arm `b`: model.kind = \"oracle\" shares no experiment with",
        ),
        ("[corpus]\nname = \"sotu\"\n", "corpus: unknown key for model.kind = \"gaussian\"; a text learner has it"),
        ("[tokenizer]\nkind = \"bytes\"\n", "tokenizer: unknown key for model.kind = \"gaussian\""),
        ("[train]\nepochs = 1\n", "train: unknown key for model.kind = \"gaussian\"; a transformer has it"),
    ] {
        let error = Experiment::parse(&format!("{exact}{more}"), &[]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let swept = format!("{exact}[sweep]\nmodel.draws = [10, 30]\nsample.temperature = [0.5]\n");
    let experiment = Experiment::parse(&swept, &[]).unwrap();
    assert_eq!(experiment.arms[1].name, "a_draws-30_temperature-0.5");
    assert_eq!(experiment.arms[1].exact().unwrap().model.draws(), 30);
}

#[test]
fn the_golden_ratio_on_an_anchor_is_a_warning() {
    let recipe = "recipe = { anchor = { amount = 0.3, weight = 0.618 }, latest = { amount = 0.3, weight = 0.382 } }";
    let warnings = parse("transformer", recipe).unwrap().warnings();
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.starts_with("arm `it`: recipe.anchor has the golden ratio as its weight"), "{warning}");
    assert_eq!(parse("transformer", "recipe = \"golden-ratio\"").unwrap().warnings(), Vec::<String>::new());
}
