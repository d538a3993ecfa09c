//! The skyplat executor for Kubernetes objects and Helm releases.
//!
//! This crate is reserved: it has no executor yet. The simulated cloud in `skyplat-mock` runs the same objects.
