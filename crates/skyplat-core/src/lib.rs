//! The engine of skyplat.
pub mod config;
pub mod ids;
pub mod value;
