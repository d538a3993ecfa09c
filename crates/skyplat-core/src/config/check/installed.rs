//! Versions of what is installed, and addons that others rest on.

use super::{Finding, Findings};
use crate::config::code::Code;
use crate::config::model::{ComponentVersions, PlatformConfig, Shape};
use crate::config::report::quoted;
use crate::config::versions::{KUBERNETES_RELEASES, OLDEST_SKYPILOT, Version};

/// Checks that every version is one, and that they fit together.
pub(super) fn check_versions(config: &PlatformConfig, findings: &mut Findings<'_>) {
    let versions = &config.component_versions;
    for (key, text) in numbered(versions) {
        let example = if key == "kubernetes" { "1.35" } else { "1.14.1" };
        let version = Version::parse(text);
        let complete = version.is_some_and(|version| version.patch.is_some() == (key != "kubernetes"));
        if complete {
            continue;
        }
        let hint = match (version, text.strip_prefix('v')) {
            (Some(version), _) if key == "kubernetes" => {
                format!("EKS takes the first two numbers alone: \"{}.{}\"", version.major, version.minor)
            }
            (Some(_), _) => format!("write all three numbers, such as \"{text}.0\""),
            (None, Some(bare)) if Version::parse(bare).is_some() => format!("leave out the v: \"{bare}\""),
            (None, _) => format!("write numbers with dots between them, such as \"{example}\""),
        };
        let message = format!("{} is no version of `{key}`", quoted(text));
        findings
            .add(Finding::error(Code::BadVersion, format!("component_versions.{key}"), message).hint(hint));
    }
    check_kubernetes(versions, findings);
    if let Some(version) = Version::parse(&versions.skypilot)
        && (version.major, version.minor) < OLDEST_SKYPILOT
    {
        let (major, minor) = OLDEST_SKYPILOT;
        let message =
            format!("SkyPilot {} is too old: the platform needs {major}.{minor} or newer", versions.skypilot);
        findings.add(
            Finding::error(Code::IncompatibleVersions, "component_versions.skypilot", message)
                .hint(format!("leave it out for {}", ComponentVersions::default().skypilot)),
        );
    }
}

fn check_kubernetes(versions: &ComponentVersions, findings: &mut Findings<'_>) {
    const PATH: &str = "component_versions.kubernetes";
    let Some(kubernetes) = Version::parse(&versions.kubernetes) else { return };
    let known = |minor| move |release: &&crate::config::versions::KubernetesRelease| release.minor == minor;
    let release = KUBERNETES_RELEASES.iter().find(known(kubernetes.minor)).filter(|_| kubernetes.major == 1);
    let Some(release) = release else {
        let all: Vec<String> =
            KUBERNETES_RELEASES.iter().map(|release| format!("1.{}", release.minor)).collect();
        let message = format!("Kubernetes {} is none that skyplat can run on EKS", versions.kubernetes);
        findings.add(
            Finding::error(Code::BadVersion, PATH, message).hint(format!("use one of {}", all.join(", "))),
        );
        return;
    };
    if release.extended_support {
        let message = format!(
            "standard support of Kubernetes {} has ended: AWS charges extra for it",
            versions.kubernetes
        );
        findings.add(
            Finding::warning(Code::ExtendedSupport, PATH, message)
                .hint("upgrade one minor version at a time"),
        );
    }
    let (major, minor) = release.karpenter;
    if let Some(karpenter) = Version::parse(&versions.karpenter)
        && (karpenter.major, karpenter.minor) < (major, minor)
    {
        let message = format!(
            "Kubernetes {} needs Karpenter {major}.{minor} or newer, not {}",
            versions.kubernetes, versions.karpenter
        );
        findings.add(
            Finding::error(Code::IncompatibleVersions, "component_versions.karpenter", message)
                .hint(format!("leave `karpenter` out for {}", ComponentVersions::default().karpenter))
                .related(PATH, "Kubernetes here"),
        );
    }
}

fn numbered(versions: &ComponentVersions) -> [(&'static str, &str); 11] {
    [
        ("kubernetes", &versions.kubernetes),
        ("karpenter", &versions.karpenter),
        ("skypilot", &versions.skypilot),
        ("aws_load_balancer_controller", &versions.aws_load_balancer_controller),
        ("external_dns", &versions.external_dns),
        ("ebs_csi", &versions.ebs_csi),
        ("efs_csi", &versions.efs_csi),
        ("metrics_server", &versions.metrics_server),
        ("fluent_bit", &versions.fluent_bit),
        ("nvidia_device_plugin", &versions.nvidia_device_plugin),
        ("tailscale_operator", &versions.tailscale_operator),
    ]
}

/// Checks that no addon is off that something else needs.
pub(super) fn check_addons(config: &PlatformConfig, findings: &mut Findings<'_>) {
    let addons = &config.addons;
    let has_hub = matches!(config.shape, Shape::HubAndSpoke { .. });
    if has_hub && !addons.ebs_csi {
        findings.add(
            Finding::error(
                Code::MissingAddon,
                "addons.ebs_csi",
                "the API server keeps its state on a volume of `ebs_csi`, which is off",
            )
            .hint("leave `ebs_csi` on in a platform with a hub"),
        );
    }
    if has_hub && !addons.aws_load_balancer_controller {
        findings.add(
            Finding::error(
                Code::MissingAddon,
                "addons.aws_load_balancer_controller",
                "the API server is reached through `aws_load_balancer_controller`, which is off",
            )
            .hint("leave `aws_load_balancer_controller` on in a platform with a hub"),
        );
    }
    if has_hub && !addons.external_dns {
        findings.add(
            Finding::warning(
                Code::MissingAddon,
                "addons.external_dns",
                "without `external_dns` nothing makes the DNS record of the API server's host",
            )
            .hint("make the record in the private zone yourself, or leave `external_dns` on"),
        );
    }
    if !addons.nvidia_device_plugin {
        let lists = super::pool_lists(config);
        let gpu_pool = lists.iter().flat_map(|(_, pools)| pools.iter()).find(|pool| pool.is_gpu());
        if let Some(pool) = gpu_pool {
            let message = format!(
                "without `nvidia_device_plugin` no pod gets a GPU, but the node pool {} has GPUs",
                quoted(&pool.name)
            );
            findings.add(
                Finding::warning(Code::MissingAddon, "addons.nvidia_device_plugin", message)
                    .hint("leave `nvidia_device_plugin` on, or install one yourself"),
            );
        }
    }
}
