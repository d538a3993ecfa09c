//! A simulated cloud for skyplat.
