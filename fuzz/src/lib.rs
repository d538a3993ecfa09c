//! What holds for any input of the fuzz targets, one module each. `tests/fuzz_corpus.rs` of the workspace runs the same
//! over the corpus, without a fuzzer.

pub mod config;
