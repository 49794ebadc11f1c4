//! Settings by generation: where they are taken, what is refused, and what is written back.

use chain::{Amount, Source};
use experiment::Experiment;
use rundir::Role;

const HEAD: &str = "name = \"x\"\n[corpus]\nname = \"sotu\"\n[model]\npreset = \"tiny\"\n";

fn parse(arms: &str, assignments: &[&str]) -> Result<Experiment, String> {
    let assignments: Vec<String> = assignments.iter().map(|&text| text.to_owned()).collect();
    Experiment::parse(&format!("{HEAD}{arms}"), &assignments).map_err(|error| error.to_string())
}

fn one(settings: &str) -> Result<Experiment, String> {
    parse(&format!("[[arm]]\nname = \"a\"\n{settings}\n"), &["chain.generations=4"])
}

#[test]
fn every_kind_of_number_may_change() {
    let experiment = parse(
        "[train]\ntokens = { by_generation = [1_000_000, 300_000] }\n\
         [sample]\ntemperature = { from = 1, factor = 0.5, floor = 0.3 }\n\
         [[arm]]\nname = \"a\"\nrecipe = { pool = { from = 0.5, factor = 0.5 }, latest = { by_generation = [0.5, 0.5, 1000] } }\n\
         curation = [{ detector = { keep = { by_generation = [0.9, 0.8, 0.7] } } }]\n\
         [arm.train]\nobjective = { entropy-floor = { share = { from = 0.1, factor = 0.1 } } }\n",
        &["model.width={ by_generation = [16, 32] }", "chain.generations=4"],
    )
    .unwrap();
    let arm = &experiment.arms[0];
    let of = |generation| arm.at(generation);
    let tokens = [0, 1, 2, 3].map(|generation| of(generation).train().unwrap().tokens);
    assert_eq!(tokens, [Some(1_000_000), Some(300_000), Some(300_000), Some(300_000)]);
    // `from = 1` of a number with fractions is 1.0.
    assert_eq!([0, 1, 2, 3].map(|generation| of(generation).sampling().temperature), [1.0, 0.5, 0.3, 0.3]);
    let amounts = [1, 2, 3]
        .map(|generation| [Source::Pool, Source::Latest].map(|source| of(generation).recipe.amount(source).unwrap()));
    assert_eq!(amounts[0], [Amount::Share(0.25), Amount::Share(0.5)]);
    assert_eq!(amounts[2], [Amount::Share(0.0625), Amount::Tokens(1000)]);
    assert_eq!([0, 1, 2].map(|generation| of(generation).curation().most()), [0.9, 0.8, 0.7]);
    let widths = [0, 1, 2].map(|generation| of(generation).transformer().unwrap().model.width);
    assert_eq!(widths, [Some(16), Some(32), Some(32)]);
    // The default rate follows the width.
    let rates = [0, 1].map(|generation| of(generation).train().unwrap().learning_rate.unwrap());
    assert_eq!(rates, [16, 32].map(|width| of(0).train().unwrap().optimizer.rate(width)));
}

#[test]
fn what_is_written_has_the_schedules_and_reads_back_equal() {
    let experiment = parse(
        "[train]\ntokens = { by_generation = [1_000_000, 300_000] }\n[[arm]]\nname = \"a\"\n\
         recipe = { pool = { amount = { by_generation = [0.1, 0.5, 0.2] }, weight = 1.0 }, latest = 1.0 }\n\
         curation = [\"near-duplicates\", { detector = { keep = { from = 0.9, factor = 0.9 } } }]\n\
         [arm.model]\nheads = { by_generation = [4, 2] }\nwidth = { from = 64, factor = 0.5, floor = 16 }\n\
         [[arm]]\nname = \"plain\"\n",
        &["chain.generations=5"],
    )
    .unwrap();
    let text = experiment.to_toml();
    assert_eq!(Experiment::parse(&text, &[]).unwrap(), experiment, "{text}");
    for part in ["factor = 0.9", "by_generation = [1000000, 300000]", "[arm.model.width]", "preset = \"tiny\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let varying: Vec<String> = experiment.arms[0].varying().into_iter().map(|(key, _)| key).collect();
    let expected = [
        "recipe.pool",
        "curation[1].detector.keep",
        "model.width",
        "model.heads",
        "model.kv_heads",
        "train.learning_rate",
    ];
    assert!(expected.iter().all(|key| varying.iter().any(|found| found == key)), "{varying:?}");
    assert!(experiment.arms[1].varying().iter().all(|(key, _)| key == "train.tokens"));
}

#[test]
fn a_run_that_goes_on_keeps_its_schedule() {
    let arms = "[[arm]]\nname = \"a\"\ntrain.tokens = { from = 1000, factor = 0.5 }\n";
    let [short, long] = ["chain.generations=2", "chain.generations=4"].map(|set| parse(arms, &[set]).unwrap());
    let tokens = |of: &Experiment| of.arms[0].at(3).train().unwrap().tokens;
    assert_eq!((tokens(&short), tokens(&long)), (Some(500), Some(125)));
    assert_eq!(short.merge(&long).unwrap(), long);
    assert_eq!(long.merge(&short).unwrap(), long);
    assert_eq!(short.settings_of(&short.arms[0]), long.settings_of(&long.arms[0]));
    let other = parse(&arms.replace("0.5", "0.6"), &[]).unwrap();
    let difference = "arm `a`.train.tokens.factor is 0.5 there and 0.6 here";
    assert_eq!(short.merge(&other).unwrap_err(), difference);
}

#[test]
fn layers_replace_a_schedule_whole() {
    let train = "[train]\ntokens = { by_generation = [9, 3] }\n[[arm]]\nname = \"a\"\n";
    let tokens = |arms: &str, assignments: &[&str]| {
        let experiment = parse(arms, assignments).unwrap();
        [0, 1, 2].map(|generation| experiment.arms[0].at(generation).train().unwrap().tokens.unwrap())
    };
    assert_eq!(tokens(train, &[]), [9, 3, 3]);
    assert_eq!(tokens(train, &["train.tokens={ from = 8, factor = 0.5, floor = 2 }"]), [8, 4, 2]);
    assert_eq!(tokens(train, &["train.tokens=7"]), [7, 7, 7]);
    assert_eq!(tokens(&format!("{train}train.tokens = {{ by_generation = [5, 6, 7] }}\n"), &[]), [5, 6, 7]);
    let epochs = parse(&format!("{train}train.epochs = {{ by_generation = [2.0, 0.5] }}\n"), &[]).unwrap();
    let of = |generation| epochs.arms[0].at(generation).train().unwrap().clone();
    assert_eq!((of(1).epochs, of(1).tokens), (Some(0.5), None), "a budget of one kind takes the other's place");
}

#[test]
fn what_cannot_change_is_refused() {
    for (settings, why) in [
        ("train.tokens = { by_generation = [] }", "arm `a`.train.tokens.by_generation: the list is empty"),
        (
            "train.optimizer = { by_generation = [\"muon\", \"adamw\"] }",
            "\"muon\" is no number, and only numbers change",
        ),
        (
            "train.optimizer = { by_generation = [1, 2] }",
            "arm `a`.train.optimizer: takes no number, and only numbers change",
        ),
        ("sample.greedy = { by_generation = [1, 0] }", "arm `a`.sample.greedy: takes no number"),
        (
            "train.clip = { by_generation = [1.0, 1.0, -1.0] }",
            "arm `a`: train.clip = -1: must be from 1e-9 to 1e9 (in generation 2)",
        ),
        ("train.tokens = { by_generation = [9, 1.5] }", "expected a whole number, 0 or more (in generation 1)"),
        ("train.tokns = { by_generation = [9] }", "arm `a`.train.tokns: unknown key; did you mean `tokens`?"),
        ("recipe = { pool = { from = 0.5, factor = 0.0 } }", "arm `a`.recipe: "),
        ("members = { by_generation = [1, 2] }", "arm `a`: members: cannot change by generation"),
        ("model.context = { by_generation = [32, 64] }", "arm `a`: model.context: cannot change by generation"),
        ("model.preset = { by_generation = [1, 2] }", "arm `a`.model.preset: takes no number"),
        (
            "plant = { phrase = \"x\", generation = 0, share = { by_generation = [0.1, 0.2] } }",
            "arm `a`: plant: cannot change by generation",
        ),
        (
            "model.width = { by_generation = [16, 32] }\ntrain.start = \"latest\"",
            "arm `a`: model.width = 32 in generation 1 and 16 in generation 0, whose weights it takes over; sizes may change \
             only where train.start = \"scratch\"",
        ),
        (
            "model.layers = { by_generation = [1, 1, 2] }\ntrain = { start = 0, average = { with = \"first\" } }",
            "model.layers = 2 in generation 2 and 1 in generation 0",
        ),
        (
            "model.width = { by_generation = [16, 18] }",
            "model.width = 18: must be an even multiple of heads = 4 (in generation 1)",
        ),
        ("sample.tokens = { by_generation = [9, 90_000_000_000] }", "(in generation 1)"),
    ] {
        let error = one(settings).unwrap_err();
        assert!(error.contains(why) && !error.contains('\n'), "{settings}: {error}");
    }
    let whole = parse("[[arm]]\nname = \"a\"\n", &["tokenizer.vocabulary={ by_generation = [300, 400] }"]).unwrap_err();
    assert_eq!(whole, "tokenizer.vocabulary: belongs to the whole run and cannot change by generation");
    // Sizes that begin anew may change, and those that change back before weights are handed on.
    assert!(one("model.width = { by_generation = [16, 32] }").is_ok());
    assert!(one("model.width = { by_generation = [16, 32, 32] }\ntrain.start = 1").is_ok());
}

#[test]
fn roles_look_at_every_generation() {
    let arms = |tokens: &str| {
        format!(
            "[[arm]]\nname = \"refit\"\nrecipe = \"human-refit\"\ntrain.tokens = {{ by_generation = [900, 300] }}\n\
             [[arm]]\nname = \"replace\"\ntrain.tokens = {tokens}\n\
             [[arm]]\nname = \"turns\"\nrecipe = {{ pool = {{ by_generation = [1.0, 1.0, 0.0] }}, latest = {{ by_generation = \
             [0.0, 0.0, 1.0] }} }}\n"
        )
    };
    let roles = |tokens: &str| parse(&arms(tokens), &[]).unwrap().roles();
    let found = roles("{ by_generation = [900, 300, 300] }");
    assert_eq!(found.iter().map(|arm| arm.role).collect::<Vec<_>>(), [Role::Control, Role::Base, Role::Arm]);
    assert_eq!(found[2].recipe, serde_json::json!([{ "pool": 1.0 }, { "pool": 1.0 }, { "latest": 1.0 }]));
    assert_eq!(found[0].recipe, serde_json::json!({ "anchor": "all" }));
    // Trained otherwise in generation 1 alone, it is no base.
    assert_eq!(roles("900")[1].role, Role::Arm);
}

#[test]
fn exact_learners_take_schedules_of_their_recipe() {
    let parse = |settings: &str| {
        let file = format!("name = \"x\"\nmodel.kind = \"categorical\"\n[[arm]]\nname = \"a\"\n{settings}\n");
        Experiment::parse(&file, &[]).map_err(|error| error.to_string())
    };
    let experiment = parse("recipe = { fresh = { from = 1.0, factor = 0.5 }, latest = 0.5 }").unwrap();
    assert_eq!(experiment.arms[0].recipes().fresh_until(2, 100), 75);
    let refused = parse("recipe.latest = { by_generation = [1.0, 1.0, 9_000_000] }").unwrap_err();
    assert!(refused.contains("generation 2"), "{refused}");
    let refused = parse("model.draws = { by_generation = [10, 20] }").unwrap_err();
    assert!(refused.contains("an exact learner is the same in every generation"), "{refused}");
}
