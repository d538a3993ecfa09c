//! The versions that skyplat installs unless told otherwise, and which of them fit together.
//!
//! One table, so that an update is one edit. Which step from a running version to another is allowed is the planner's
//! question, not asked here.

/// Kubernetes, `major.minor`.
pub const KUBERNETES: &str = "1.35";
/// Karpenter, controller and charts.
pub const KARPENTER: &str = "1.14.1";
/// SkyPilot, server and chart.
pub const SKYPILOT: &str = "0.14.1";
/// Chart of the AWS load balancer controller.
pub const AWS_LOAD_BALANCER_CONTROLLER: &str = "3.5.0";
/// Chart of external-dns.
pub const EXTERNAL_DNS: &str = "1.21.1";
/// Chart of the EBS CSI driver.
pub const EBS_CSI: &str = "2.64.0";
/// Chart of the EFS CSI driver.
pub const EFS_CSI: &str = "4.4.1";
/// Chart of metrics-server.
pub const METRICS_SERVER: &str = "3.13.1";
/// Chart of fluent-bit.
pub const FLUENT_BIT: &str = "0.2.0";
/// Chart of the NVIDIA device plugin.
pub const NVIDIA_DEVICE_PLUGIN: &str = "0.20.0";
/// Chart of the Tailscale operator.
pub const TAILSCALE_OPERATOR: &str = "1.102.3";

/// A Kubernetes minor version that EKS runs, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KubernetesRelease {
    /// The minor version: 35 of 1.35.
    pub minor: u64,
    /// The oldest Karpenter that works with it, as (major, minor).
    pub karpenter: (u64, u64),
    /// Whether EKS charges extra for it because its standard support has ended.
    pub extended_support: bool,
}

/// The Kubernetes versions that skyplat knows, oldest first.
pub const KUBERNETES_RELEASES: &[KubernetesRelease] = &[
    KubernetesRelease { minor: 32, karpenter: (1, 2), extended_support: true },
    KubernetesRelease { minor: 33, karpenter: (1, 5), extended_support: true },
    KubernetesRelease { minor: 34, karpenter: (1, 6), extended_support: false },
    KubernetesRelease { minor: 35, karpenter: (1, 9), extended_support: false },
    KubernetesRelease { minor: 36, karpenter: (1, 13), extended_support: false },
];

/// The oldest SkyPilot whose configuration skyplat writes, as (major, minor).
pub const OLDEST_SKYPILOT: (u64, u64) = (0, 13);

/// A version split into its numbers: `1.14.1` is (1, 14, Some(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u64,
    /// Second number.
    pub minor: u64,
    /// Third number, when there is one.
    pub patch: Option<u64>,
}

impl Version {
    /// Reads `1.14` or `1.14.1`; a leading `v` and a suffix such as `-rc.1` make it none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(number);
        let (major, minor) = (parts.next()??, parts.next()??);
        let patch = match parts.next() {
            Some(part) => Some(part?),
            None => None,
        };
        parts.next().is_none().then_some(Self { major, minor, patch })
    }
}

/// Reads a number as versions write it: digits only, no leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ComponentVersions;

    #[test]
    fn versions_are_read_strictly() {
        assert_eq!(Version::parse("1.35"), Some(Version { major: 1, minor: 35, patch: None }));
        assert_eq!(Version::parse("1.14.1"), Some(Version { major: 1, minor: 14, patch: Some(1) }));
        for wrong in ["", "1", "1.", "v1.2", "1.02", "1.2.3.4", "1.2.x", "1.2-rc1", "+1.2"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_defaults_fit_together() {
        let ours = ComponentVersions::default();
        let kubernetes = Version::parse(&ours.kubernetes).unwrap();
        let karpenter = Version::parse(&ours.karpenter).unwrap();
        let skypilot = Version::parse(&ours.skypilot).unwrap();
        let release = KUBERNETES_RELEASES.iter().find(|r| r.minor == kubernetes.minor).unwrap();
        assert!((karpenter.major, karpenter.minor) >= release.karpenter && !release.extended_support);
        assert!((skypilot.major, skypilot.minor) >= OLDEST_SKYPILOT);
    }
}
