//! What a person may have meant by a key or word that is unknown.

/// Keys that are known somewhere, and where that is.
const HOMES: &[(&str, &str)] = &[
    ("admin_email", "under `hub.skypilot`"),
    ("allowed_users", "to a data plane, under `skypilot.data_planes`"),
    ("architecture", "to a node pool, under `node_pools`"),
    ("availability_zones", "to a region, or to the top level for all regions"),
    ("aws_vms", "under `hub.skypilot`"),
    ("capacity_type", "to a node pool, under `node_pools`"),
    ("cidr", "to a region: to `hub`, to a spoke, or to an element of `regions`"),
    ("data_planes", "under `skypilot`, in `hub` or in a spoke"),
    ("default_user_role", "under `hub.skypilot`"),
    ("ebs_size", "to a node pool, under `node_pools`"),
    ("gpu_overview", "under `hub.skypilot`"),
    ("hub", "to the top level"),
    ("ingress_host", "under `hub.skypilot`"),
    ("ingress_ssl_cert_arn", "under `hub.skypilot`"),
    ("instance_category", "to a node pool, under `node_pools`"),
    ("instance_family", "to a node pool, under `node_pools`"),
    ("instance_type", "to a node pool, under `node_pools`"),
    ("labels", "to a node pool, under `node_pools`"),
    ("memory_limit", "to a node pool, under `node_pools`"),
    ("node_pools", "to `hub` or a spoke, or to the top level of a platform without a hub"),
    ("oauth_secret_arn", "under `hub.tailscale`"),
    ("permissions_boundary_arn", "under `iam` at the top level"),
    ("policies", "to a data plane, under `skypilot.data_planes`"),
    ("quota", "to a data plane, under `skypilot.data_planes`"),
    ("region", "to `hub`, to a spoke, or to the top level of a starter"),
    ("skypilot", "to `hub` or a spoke; for its version, under `component_versions`"),
    ("spokes", "to the top level, beside `hub`"),
    ("tailscale", "to `hub`"),
    ("taints", "to a node pool, under `node_pools`"),
    ("user_role_arn", "to a data plane, under `skypilot.data_planes`"),
    ("vcpu_limit", "to a node pool, under `node_pools`"),
    ("account_id", "to the top level"),
    ("addons", "to the top level"),
    ("cluster_admins", "to a region, or to the top level for all regions"),
    ("component_versions", "to the top level"),
    ("endpoint", "to a region, or to the top level for all regions"),
    ("iam", "to the top level"),
    ("kubernetes", "under `component_versions` at the top level"),
    ("nat", "to a region, or to the top level for all regions"),
    ("protect", "to the top level"),
    ("public_access_cidrs", "to a region, or to the top level for all regions"),
    ("tags", "to the top level"),
    ("topology", "to the top level"),
    ("karpenter", COMPONENT),
    ("tailscale_operator", COMPONENT),
    ("aws_load_balancer_controller", ADDON),
    ("ebs_csi", ADDON),
    ("efs_csi", ADDON),
    ("external_dns", ADDON),
    ("fluent_bit", ADDON),
    ("metrics_server", ADDON),
    ("nvidia_device_plugin", ADDON),
];
const COMPONENT: &str = "under `component_versions` at the top level, with a version";
const ADDON: &str =
    "under `component_versions` with a version, or under `addons` with true or false, at the top level";

/// Other names for keys and words, from neighbouring tools.
const SYNONYMS: &[(&str, &str)] = &[
    ("availability_zone", "availability_zones"),
    ("azs", "availability_zones"),
    ("zones", "availability_zones"),
    ("versions", "component_versions"),
    ("instance_types", "instance_type"),
    ("instance_families", "instance_family"),
    ("instance_categories", "instance_category"),
    ("arch", "architecture"),
    ("x86_64", "amd64"),
    ("x86", "amd64"),
    ("aarch64", "arm64"),
    ("ondemand", "on-demand"),
    ("disk_size", "ebs_size"),
    ("cert_arn", "ingress_ssl_cert_arn"),
    ("certificate_arn", "ingress_ssl_cert_arn"),
    ("host", "ingress_host"),
    ("role_arn", "user_role_arn"),
    ("namespace", "name"),
    ("namespaces", "data_planes"),
    ("tenants", "data_planes"),
    ("cpu_limit", "vcpu_limit"),
    ("account", "account_id"),
    ("project", "name"),
    ("mesh", "full_mesh"),
    ("single", "one"),
];

/// Returns the known word that `text` most likely means.
pub(super) fn closest(text: &str, known: &[&'static str]) -> Option<&'static str> {
    let plain = normalise(text);
    let same = |word: &&&'static str| normalise(word) == plain;
    let synonym = || {
        let (_, meant) = SYNONYMS.iter().find(|(other, _)| normalise(other) == plain)?;
        known.iter().find(|word| *word == meant)
    };
    known.iter().find(same).or_else(synonym).copied().or_else(|| {
        // A known word of another place is no misspelling, however near it comes.
        if home_of(text).is_some() {
            return None;
        }
        known
            .iter()
            .map(|word| (strsim::damerau_levenshtein(&plain, &normalise(word)), *word))
            .filter(|(distance, word)| *distance <= word.len().div_ceil(4))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, word)| word)
    })
}

/// Returns whether two names of projects were meant to be one: they differ in case and dashes alone, or, when they are
/// long enough to tell, in one letter.
pub(super) fn is_nearly(text: &str, other: &str) -> bool {
    let (text, other) = (normalise(text), normalise(other));
    let is_long = text.len().min(other.len()) >= 4;
    text == other || is_long && strsim::damerau_levenshtein(&text, &other) == 1
}

/// Returns where a key is known, when it is known anywhere.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    HOMES.iter().find(|(known, _)| *known == key).map(|(_, home)| *home)
}

/// Folds what people mix up: case, dashes, blanks and camel case. Long texts are cut: they mean no word.
fn normalise(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).take(40).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_cases_and_other_tools_names_are_recognised() {
        let known = ["region", "node_pools", "skypilot", "availability_zones", "name"];
        for (text, meant) in [
            ("regoin", Some("region")),
            ("nodePools", Some("node_pools")),
            ("node-pools", Some("node_pools")),
            ("node_pool", Some("node_pools")),
            ("azs", Some("availability_zones")),
            ("Skypilot", Some("skypilot")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(closest(text, &known), meant, "{text}");
        }
    }

    #[test]
    fn a_key_of_another_place_is_sent_home() {
        assert_eq!(closest("data_planes", &["region", "node_pools"]), None);
        assert!(home_of("data_planes").unwrap().contains("skypilot"));
    }
}
