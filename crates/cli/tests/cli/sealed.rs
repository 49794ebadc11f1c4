//! `habsburg provenance`: a corpus is sealed, changed, and the change is named.

use crate::lab::Lab;

#[test]
fn a_changed_document_is_named() {
    let lab = Lab::new();
    lab.works("provenance key me.key");
    let sealed = lab.works("provenance seal corpus.jsonl --key me.key");
    assert!(sealed.stdout.contains("documents  300") && sealed.stdout.contains("corpus.jsonl.manifest.jsonl"));
    let verified = lab.works("provenance verify corpus.jsonl --key me.key.pub");
    assert!(verified.stdout.starts_with("300 documents sealed, 300 found: all as sealed\nsigned by "));

    lab.write("corpus.jsonl", lab.read("corpus.jsonl").replacen("The ", "the ", 1));
    let changed = lab.call("provenance verify corpus.jsonl --key me.key.pub");
    assert_eq!(changed.code, Some(1));
    assert!(changed.stdout.ends_with("changed  \"d0\", line 1\n"), "{}", changed.stdout);
    assert_eq!(changed.stderr, "habsburg: the corpus is not what was sealed\n");

    lab.works("provenance key other.key");
    let other = lab.call("provenance verify corpus.jsonl --key other.key.pub");
    assert!(other.stderr.contains("which is not the key given with --key"), "{}", other.stderr);
}

#[test]
fn what_cannot_be_sealed_is_refused() {
    let lab = Lab::new();
    lab.refuses("provenance seal corpus.jsonl --out experiment.toml", "exists and is no manifest");
    lab.refuses("provenance seal corpus.jsonl --out corpus.jsonl", "choose a path outside");
    lab.refuses("provenance verify corpus.jsonl", "no such manifest; make one with");
    lab.refuses("provenance seal . ", "cannot derive a manifest path");
}
