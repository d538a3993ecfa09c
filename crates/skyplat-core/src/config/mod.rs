//! Configuration: one YAML file.
