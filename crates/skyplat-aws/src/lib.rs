//! The skyplat executor for AWS objects (EC2, EKS, IAM and the other services the platform uses).
//!
//! This crate is reserved: it has no executor yet. The simulated cloud in `skyplat-mock` runs the same objects.
