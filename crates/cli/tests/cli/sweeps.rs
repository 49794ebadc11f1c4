use crate::lab::{EXPERIMENT, Lab};

/// The laboratory's experiment without its arms.
fn base() -> &'static str {
    EXPERIMENT.split_once("[[arm]]").unwrap().0
}

#[test]
fn a_grid_becomes_arms_that_the_resolved_file_writes_out() {
    let lab = Lab::new();
    let sweep = "[sweep]\nsample.temperature = [0.7, 1.0]\nrecipe = [\"replace\", \"accumulate\"]\n";
    lab.write("sweep.toml", format!("{}{sweep}", base()));
    let few = "--device flex --set chain.seeds=[0] --progress none";
    lab.works(&format!("run sweep.toml --out out {few}"));
    let names = [
        "temperature-0.7_recipe-replace",
        "temperature-0.7_recipe-accumulate",
        "temperature-1.0_recipe-replace",
        "temperature-1.0_recipe-accumulate",
    ];
    let resolved: toml::Table = lab.read("out/experiment.toml").parse().unwrap();
    let arms = resolved["arm"].as_array().unwrap();
    assert!(!resolved.contains_key("sweep"));
    assert_eq!(arms.iter().map(|arm| arm["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    let point = "\"sample.temperature\" = 0.7\nrecipe = \"accumulate\"".parse::<toml::Table>().unwrap();
    assert_eq!(arms[1]["point"].as_table(), Some(&point));
    assert_eq!(arms[1]["sample"]["temperature"].as_float(), Some(0.7));

    // The same arms by hand give the same figures, and the resolved file is the same experiment.
    let metrics = lab.read("out/metrics.csv");
    assert!(names.iter().all(|name| lab.path(&format!("out/chains/{name}/seed-0/gen-1")).exists()));
    lab.works(&format!("run experiment.toml --out hand {few}"));
    let of = |text: &str, arm: &str| -> Vec<String> {
        let rows = text.lines().filter_map(|line| line.strip_prefix(&format!("little,{arm},")));
        rows.map(str::to_owned).collect()
    };
    let hand = lab.read("hand/metrics.csv");
    assert!(!of(&hand, "accumulate").is_empty());
    assert_eq!(of(&metrics, "temperature-1.0_recipe-accumulate"), of(&hand, "accumulate"));
    lab.write("again.toml", lab.read("out/experiment.toml"));
    assert!(lab.works("run again.toml --out out --device flex").did_nothing());
    // A longer list is more arms of the same run.
    let more = lab.works(&format!("run sweep.toml --out out {few} --set sweep.sample.temperature=[0.7,1.0,1.2]"));
    assert_eq!(more.stderr, "");
    assert_eq!(of(&lab.read("out/metrics.csv"), names[0]), of(&metrics, names[0]));
    assert!(lab.path("out/chains/temperature-1.2_recipe-replace/seed-0/gen-1/score").exists());
}

#[test]
fn arms_are_laid_out_over_the_grid() {
    let lab = Lab::new();
    lab.write("sweep.toml", format!("{EXPERIMENT}[sweep]\nmembers = [1, 2]\nsample.top_p = [0.9]\n"));
    let plan = lab.works("plan sweep.toml --device flex --json").stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let names: Vec<&str> = plan["chains"].as_array().unwrap().iter().map(|c| c["arm"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "replace_members-1_top_p-0.9",
            "replace_members-2_top_p-0.9",
            "accumulate_members-1_top_p-0.9",
            "accumulate_members-2_top_p-0.9"
        ]
    );
    let long = format!("sweep.train.tokens=[{}5000]", "1,".repeat(1000));
    lab.refuses(&format!("plan experiment.toml --device flex --set {long}"), "2 × 1001 arms are more than 1000");
}
