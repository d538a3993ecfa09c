//! What the name of an EC2 instance type, family or category tells: its accelerator and its architecture.
//!
//! Names alone, no table of types: new types keep to the scheme. What a region really offers is the cloud's to say.

use super::model::NodePool;
use super::words::Architecture;

/// What an instance computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceKind {
    /// CPUs alone.
    Plain,
    /// NVIDIA GPUs: g*, p*.
    NvidiaGpu,
    /// What the NVIDIA device plugin does not serve: AMD GPUs (g4ad), and trn*, inf*, dl*, vt*, f*.
    OtherAccelerator,
}

impl InstanceKind {
    /// Returns the kind of an instance type, family or category.
    pub fn of(name: &str) -> Self {
        let family = family(name);
        let category = category(name);
        let starts_with = |prefixes: &[&str]| prefixes.iter().any(|prefix| category.starts_with(prefix));
        if family == "g4ad" || starts_with(&["trn", "inf", "dl", "vt", "f"]) {
            Self::OtherAccelerator
        } else if starts_with(&["g", "p"]) {
            Self::NvidiaGpu
        } else {
            Self::Plain
        }
    }
}

impl NodePool {
    /// Returns every instance type, family and category, in this order.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        [&self.instance_type, &self.instance_family, &self.instance_category]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Returns whether the pool's nodes have NVIDIA GPUs.
    pub fn is_gpu(&self) -> bool {
        self.instances().any(|name| InstanceKind::of(name) == InstanceKind::NvidiaGpu)
    }
}

/// Returns the architecture of an instance type or family; none for a category, which may hold both.
///
/// A `g` after the generation says Graviton (m7g, c7gd, g5g); a1 and p6e-gb200 are exceptions.
pub fn instance_architecture(name: &str) -> Option<Architecture> {
    let family = family(name);
    let rest = &family[category(family).len()..];
    let after_generation = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if after_generation.len() == rest.len() {
        return None;
    }
    let arm = after_generation.starts_with('g') || family == "a1" || family.starts_with("p6e-gb");
    Some(if arm { Architecture::Arm64 } else { Architecture::Amd64 })
}

/// The part before the size: `m7i` of `m7i.large`.
fn family(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The letters a name begins with: `m` of `m7i`.
fn category(name: &str) -> &str {
    let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    &name[..end]
}

/// Returns whether a text has the form of an instance type, such as `m7i.large` or `c7i.metal-24xl`.
pub(super) fn is_type(name: &str) -> bool {
    let Some((family, size)) = name.split_once('.') else { return false };
    let number = size.trim_end_matches("xlarge");
    let known = matches!(size, "nano" | "micro" | "small" | "medium" | "large" | "xlarge" | "metal");
    let many = size.ends_with("xlarge") && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_family(family) && (known || many || size.starts_with("metal-"))
}

/// Returns whether a text has the form of an instance family, such as `m7i` or `u7i-12tb`.
pub(super) fn is_family(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.contains(|c: char| c.is_ascii_digit())
        && name.chars().all(allowed)
        && !name.ends_with('-')
}

/// Returns whether a text has the form of an instance category, such as `m`.
pub(super) fn is_category(name: &str) -> bool {
    !name.is_empty() && name.len() <= 5 && name.bytes().all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_accelerator() {
        for name in ["g5.xlarge", "g6e", "gr6.4xlarge", "g", "p", "p5en", "g5g.xlarge"] {
            assert_eq!(InstanceKind::of(name), InstanceKind::NvidiaGpu, "{name}");
        }
        for name in ["g4ad.xlarge", "g4ad", "trn2", "inf2.xlarge", "dl1", "dl2q", "vt1", "f2.6xlarge", "trn"]
        {
            assert_eq!(InstanceKind::of(name), InstanceKind::OtherAccelerator, "{name}");
        }
        for name in ["m7i.large", "t3.medium", "c", "hpc7a", "im4gn", "u-6tb1", "i4i", "d3"] {
            assert_eq!(InstanceKind::of(name), InstanceKind::Plain, "{name}");
        }
    }

    #[test]
    fn names_tell_the_architecture() {
        for name in
            ["m7g.large", "c7gd", "g5g.xlarge", "a1.medium", "im4gn", "is4gen", "t4g", "c7gn", "p6e-gb200"]
        {
            assert_eq!(instance_architecture(name), Some(Architecture::Arm64), "{name}");
        }
        for name in ["m7i", "g5.xlarge", "g6.xlarge", "m6idn", "t3.medium", "p6-b200", "gr6", "hpc7a"] {
            assert_eq!(instance_architecture(name), Some(Architecture::Amd64), "{name}");
        }
        assert_eq!(instance_architecture("g"), None);
        assert_eq!(instance_architecture(""), None);
    }

    #[test]
    fn types_families_and_categories_are_told_apart() {
        for name in ["m7i.large", "t3.medium", "p5.48xlarge", "c7i.metal-24xl", "u7i-12tb.224xlarge"] {
            assert!(is_type(name) && !is_family(name) && !is_category(name), "{name}");
        }
        for name in ["m7i", "u-6tb1", "p6-b200"] {
            assert!(!is_type(name) && is_family(name) && !is_category(name), "{name}");
        }
        for name in ["t3.", ".large", "t3.larg", "M7i.large", "m7i large", ""] {
            assert!(!is_type(name) && !is_family(name) && !is_category(name), "{name}");
        }
    }
}
