//! [`Catalogue`]: what can be had in the simulated account.
//!
//! It knows what the platform names (regions and zones, managed policies, Kubernetes versions, addons, charts) and a
//! few things beside, and refuses the rest, so that a name with a slip in it fails here and not in a real account. It
//! knows the account's quotas too. Plain data: an embedder adds its own charts and policies, and raises quotas.

use std::collections::BTreeSet;
use std::time::Duration;

use skyplat_core::config::regions::known_regions;
use skyplat_core::facts::Zone;
use skyplat_core::ids::ZoneName;

use crate::quotas::Quotas;

/// The simulated account.
pub const ACCOUNT: &str = "123456789012";

/// What can be had in the simulated account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Regions by name.
    pub regions: BTreeSet<String>,
    /// Policies that AWS manages, without `arn:<partition>:iam::aws:policy/`.
    pub managed_policies: BTreeSet<String>,
    /// Access policies of EKS, without `arn:<partition>:eks::aws:cluster-access-policy/`.
    pub access_policies: BTreeSet<String>,
    /// Kubernetes versions of EKS, `major.minor`.
    pub kubernetes_versions: BTreeSet<String>,
    /// Managed addons of EKS.
    pub addons: BTreeSet<String>,
    /// Helm charts by name; of an `oci://` address, what follows the last slash.
    pub charts: BTreeSet<String>,
    /// Families of EC2 instances.
    pub instance_families: BTreeSet<String>,
    /// The newest AL2023 AMI release.
    pub ami_release: String,
    /// How long it takes at most until other services see a new role; zero shows it at once.
    pub role_seen_within: Duration,
    /// How many things of a kind there may be.
    pub quotas: Quotas,
}

const MANAGED_POLICIES: &[&str] = &[
    "AdministratorAccess",
    "AmazonBedrockFullAccess",
    "AmazonDynamoDBFullAccess",
    "AmazonEBSCSIDriverPolicyV2",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonEKSClusterPolicy",
    "AmazonEKSFargatePodExecutionRolePolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonElasticFileSystemClientFullAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSageMakerFullAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLogsFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "SecurityAudit",
    "ViewOnlyAccess",
    "job-function/ViewOnlyAccess",
    "service-role/AmazonEBSCSIDriverPolicy",
    "service-role/AmazonEFSCSIDriverPolicy",
];

const ACCESS_POLICIES: &[&str] = &[
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
];

const KUBERNETES_VERSIONS: &[&str] = &["1.32", "1.33", "1.34", "1.35", "1.36"];

const ADDONS: &[&str] = &[
    "amazon-cloudwatch-observability",
    "aws-ebs-csi-driver",
    "aws-efs-csi-driver",
    "coredns",
    "eks-node-monitoring-agent",
    "eks-pod-identity-agent",
    "kube-proxy",
    "metrics-server",
    "snapshot-controller",
    "vpc-cni",
];

const CHARTS: &[&str] = &[
    "aws-ebs-csi-driver",
    "aws-efs-csi-driver",
    "aws-for-fluent-bit",
    "aws-load-balancer-controller",
    "external-dns",
    "karpenter",
    "karpenter-crd",
    "metrics-server",
    "nvidia-device-plugin",
    "skypilot",
    "tailscale-operator",
];

const INSTANCE_FAMILIES: &str = "
    a1 c5 c5a c5ad c5d c5n c6a c6g c6gd c6gn c6i c6id c6in c7a c7g c7gd c7gn c7i c7i-flex c8a c8g c8gd c8gn c8i
    c8i-flex d3 d3en dl1 dl2q f1 f2 g4ad g4dn g5 g5g g6 g6e g6f g7e gr6 gr6f h1 hpc6a hpc6id hpc7a hpc7g i3 i3en i4g
    i4i i7i i7ie i8g i8ge im4gn inf1 inf2 is4gen m5 m5a m5ad m5d m5dn m5n m5zn m6a m6g m6gd m6i m6id m6idn m6in m7a
    m7g m7gd m7i m7i-flex m8a m8g m8gd m8i m8i-flex p3 p3dn p4d p4de p5 p5e p5en p6-b200 p6-b300 p6e-gb200 r5 r5a r5ad
    r5b r5d r5dn r5n r6a r6g r6gd r6i r6id r6idn r6in r7a r7g r7gd r7i r7iz r8a r8g r8gb r8gd r8gn r8i r8i-flex t2 t3
    t3a t4g trn1 trn1n trn2 u7i-12tb vt1 x1 x1e x2gd x2idn x2iedn x2iezn x8g z1d
";

/// Zones that EKS refuses for a control plane, by zone id.
const REFUSED_BY_EKS: &[&str] = &["use1-az3", "usw1-az2", "cac1-az3"];

/// The zones of a region that is not like the others: letters with their place in zone ids, in order.
const ZONES: &[(&str, &[(&str, u32)])] = &[
    ("us-east-1", &[("a", 4), ("b", 6), ("c", 1), ("d", 2), ("e", 3), ("f", 5)]),
    ("us-west-1", &[("a", 1), ("b", 3), ("c", 2), ("d", 4)]),
    ("us-west-2", &[("a", 2), ("b", 1), ("c", 3), ("d", 4)]),
    ("ca-central-1", &[("a", 1), ("b", 2), ("c", 3), ("d", 4)]),
];

/// Zones beside the ordinary ones: region, name after the region, zone id after the region's, type, opt-in status.
const EXTRA_ZONES: &[(&str, &str, &str, &str, &str)] = &[
    ("us-east-1", "-bos-1a", "-bos1-az1", "local-zone", "not-opted-in"),
    ("us-east-1", "-wl1-bos-wlz-1", "-wl1-bos-wlz1", "wavelength-zone", "not-opted-in"),
    ("us-west-2", "-lax-1a", "-lax1-az1", "local-zone", "opted-in"),
    ("us-west-2", "-lax-1b", "-lax1-az2", "local-zone", "not-opted-in"),
    ("eu-central-1", "-ham-1a", "-ham1-az1", "local-zone", "not-opted-in"),
    ("ap-south-1", "-del-1a", "-del1-az1", "local-zone", "opted-in"),
    // A zone that every account must ask for.
    ("ap-northeast-1", "b", "-az3", "availability-zone", "not-opted-in"),
];

impl Default for Catalogue {
    fn default() -> Self {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            regions: known_regions().map(str::to_owned).collect(),
            managed_policies: set(MANAGED_POLICIES),
            access_policies: set(ACCESS_POLICIES),
            kubernetes_versions: set(KUBERNETES_VERSIONS),
            addons: set(ADDONS),
            charts: set(CHARTS),
            instance_families: INSTANCE_FAMILIES.split_whitespace().map(str::to_owned).collect(),
            ami_release: "v20261110".into(),
            role_seen_within: Duration::from_secs(10),
            quotas: Quotas::default(),
        }
    }
}

impl Catalogue {
    /// Returns the zones of a region as the API lists them; none of an unknown region.
    pub fn zones(&self, region: &str) -> Vec<Zone> {
        if !self.regions.contains(region) {
            return Vec::new();
        }
        let prefix = zone_id_prefix(region);
        let zone = |name: String, id: String, zone_type: &str, opt_in_status: &str| Zone {
            name: ZoneName::new(name),
            id,
            zone_type: zone_type.into(),
            opt_in_status: opt_in_status.into(),
            state: "available".into(),
        };
        let usual: &[(&str, u32)] = match region {
            // Its b is the one to ask for.
            "ap-northeast-1" => &[("a", 4), ("c", 1), ("d", 2)],
            _ => &[("a", 1), ("b", 2), ("c", 3)],
        };
        let letters = ZONES.iter().find(|(name, _)| *name == region).map_or(usual, |(_, letters)| letters);
        let mut zones: Vec<Zone> = letters
            .iter()
            .map(|(letter, place)| {
                zone(
                    format!("{region}{letter}"),
                    format!("{prefix}-az{place}"),
                    "availability-zone",
                    "opt-in-not-required",
                )
            })
            .collect();
        zones.extend(EXTRA_ZONES.iter().filter(|(of, ..)| *of == region).map(
            |(_, name, id, zone_type, opt_in)| {
                zone(format!("{region}{name}"), format!("{prefix}{id}"), zone_type, opt_in)
            },
        ));
        zones.sort_by(|one, other| one.name.cmp(&other.name));
        zones
    }

    /// Returns whether there is an instance type, such as `m7i.large`.
    pub fn knows_instance_type(&self, name: &str) -> bool {
        let is_size = |size: &str| {
            let size = size.strip_prefix("metal-").unwrap_or(size);
            let large = size.trim_start_matches(|c: char| c.is_ascii_digit());
            ["nano", "micro", "small", "medium", "large", "xlarge", "metal", "xl"].contains(&large)
        };
        name.split_once('.').is_some_and(|(family, size)| self.knows_instance_family(family) && is_size(size))
    }

    /// Returns whether there is an instance family, such as `m7i`.
    pub fn knows_instance_family(&self, name: &str) -> bool {
        self.instance_families.contains(name)
    }

    /// Returns whether there is an instance category, such as `m`.
    pub fn knows_instance_category(&self, name: &str) -> bool {
        self.instance_families.iter().any(|family| {
            family.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    }

    /// Returns whether EKS puts control planes into a zone.
    pub fn eks_takes(&self, zone: &Zone) -> bool {
        zone.zone_type == "availability-zone" && !REFUSED_BY_EKS.contains(&zone.id.as_str())
    }
}

/// Returns how zone ids of a region begin: `usw2` of `us-west-2`, `apse1` of `ap-southeast-1`.
fn zone_id_prefix(region: &str) -> String {
    let (place, number) = region.rsplit_once('-').unwrap_or((region, ""));
    let (area, direction) = place.rsplit_once('-').unwrap_or((place, ""));
    let short = match direction {
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        other => other.get(..1).unwrap_or_default(),
    };
    format!("{}{short}{number}", area.replace("-gov", "g"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_three_usable_zones() {
        let catalogue = Catalogue::default();
        for region in &catalogue.regions {
            let usable = catalogue
                .zones(region)
                .into_iter()
                .filter(|zone| zone.opt_in_status == "opt-in-not-required" && catalogue.eks_takes(zone))
                .count();
            assert!(usable >= 3, "{region} has {usable}");
        }
    }

    #[test]
    fn zones_that_cannot_be_used_are_among_them() {
        let catalogue = Catalogue::default();
        let zones = |region: &str| catalogue.zones(region);
        assert!(zones("us-west-2").iter().any(|zone| zone.zone_type == "local-zone"));
        assert!(zones("ap-northeast-1").iter().any(|zone| zone.opt_in_status == "not-opted-in"));
        for (region, id) in
            [("us-east-1", "use1-az3"), ("us-west-1", "usw1-az2"), ("ca-central-1", "cac1-az3")]
        {
            assert!(zones(region).iter().any(|zone| zone.id == id && !catalogue.eks_takes(zone)), "{id}");
        }
        assert!(zones("us-west-9").is_empty());
    }

    #[test]
    fn instances_that_do_not_exist_are_not_known() {
        let catalogue = Catalogue::default();
        assert!(
            ["t3.medium", "g5.xlarge", "m7i.48xlarge", "c7g.metal"]
                .iter()
                .all(|name| catalogue.knows_instance_type(name))
        );
        assert!(["t3.mediun", "m99.large", "g5", ""].iter().all(|name| !catalogue.knows_instance_type(name)));
        assert!(catalogue.knows_instance_category("m") && !catalogue.knows_instance_category("q"));
    }

    #[test]
    fn zone_ids_begin_as_in_the_real_account() {
        let prefixes = ["us-west-2", "ap-southeast-1", "us-gov-east-1", "cn-northwest-1"].map(zone_id_prefix);
        assert_eq!(prefixes, ["usw2", "apse1", "usge1", "cnnw1"]);
    }

    #[test]
    fn zones_of_a_region_have_ids_of_their_own() {
        let catalogue = Catalogue::default();
        for region in &catalogue.regions {
            let zones = catalogue.zones(region);
            let ids: BTreeSet<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
            assert_eq!(ids.len(), zones.len(), "{region}");
        }
    }
}
