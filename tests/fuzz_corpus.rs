//! The corpus of the fuzz targets, without a fuzzer: what a fuzzer once found, and what it starts from, holds today.

use std::fs;
use std::path::{Path, PathBuf};

// The same file is a module of a library there.
#[expect(unreachable_pub, reason = "the fuzz targets call it from another crate")]
#[path = "../fuzz/src/config.rs"]
mod config;

#[test]
fn every_configuration_of_the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/config");
    let mut files: Vec<PathBuf> = fs::read_dir(&corpus)
        .expect("the corpus is there")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    files.sort();
    assert!(files.len() > 50, "the corpus has {} files", files.len());
    let holds = |file: &PathBuf| {
        let bytes = fs::read(file).expect("a file of the corpus can be read");
        std::panic::catch_unwind(|| config::holds(&bytes)).is_ok()
    };
    let broken: Vec<&PathBuf> = files.iter().filter(|file| !holds(file)).collect();
    assert!(broken.is_empty(), "it does not hold for {broken:#?}");
}
