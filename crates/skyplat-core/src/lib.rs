//! The engine of skyplat.
pub mod config;
pub mod engine;
pub mod executor;
pub mod facts;
pub mod graph;
pub mod ids;
pub mod object;
pub mod plan;
pub mod resource;
pub mod state;
pub mod value;
