//! The keys of a platform: which there are, what each takes, and what holds when one is absent.
//!
//! A platform is a hub with spokes, a list of regions, or a starter. Where its keys stand in a file is found in
//! [`super::namespace`]; whether the values make sense is for [`super::check`] to say.

#![expect(clippy::unnecessary_wraps, reason = "readers of mappings share the type of those that can fail")]

use super::decode::{
    Decoder, Fields, read_bool, read_cidr, read_loose_text, read_number, read_text, read_text_map, read_word,
};
use super::model::{
    Addons, ComponentVersions, DEFAULT_PROJECT, DataPlane, Hub, HubSkyPilot, IamSettings, NodePool,
    PlatformConfig, RegionConfig, Shape, Spoke, SpokeSkyPilot, Tailscale, Taint, default_ebs_size,
    default_public_access,
};
use super::namespace::{COMMON_KEYS, SHAPE_KEYS, SHAPES_HINT, refuse_other_shapes, split_namespaces};
use super::parse::{Content, Entry, Node};
use super::suggest::closest;
use super::words::{Architecture, CapacityType, Endpoint, Nat, TaintEffect, Topology, UserRole, Zones};
use crate::ids::{AccountId, Region, ZoneName};

const REGION_KEYS: &[&str] =
    &["region", "cidr", "availability_zones", "nat", "endpoint", "public_access_cidrs", "cluster_admins"];

/// Reads a platform from a file's root.
pub(super) fn read_platform(decoder: &mut Decoder, root: &Node) -> Option<PlatformConfig> {
    let namespaces = split_namespaces(decoder, root)?;
    let (project, entries) = namespaces.ours;
    let has =
        |key: &str| entries.iter().any(|(name, _)| *name == key || closest(name, SHAPE_KEYS) == Some(key));
    let place = entries.first().map_or(root.span, |(_, entry)| entry.key_span);
    decoder.locations.insert("", None, place);
    let shape_keys: &[&'static str] = if has("hub") || has("spokes") {
        &["hub", "spokes"]
    } else if has("regions") {
        &["regions", "node_pools"]
    } else {
        &["region", "node_pools", "cidr"]
    };
    let known = [shape_keys, COMMON_KEYS].concat();
    let described = shape_keys.iter().any(|key| has(key));
    let entries = refuse_other_shapes(decoder, entries, shape_keys);
    let fields = decoder.known_fields(entries, "", &known, place);
    let shape = match shape_keys[0] {
        "hub" => read_hub_and_spoke(decoder, &fields),
        "regions" => Shape::MultiRegion {
            regions: fields.required(decoder, "regions", read_regions, REGIONS_HINT).unwrap_or_default(),
            node_pools: fields.list(decoder, "node_pools", read_node_pool),
        },
        _ => read_starter(decoder, &fields, namespaces.aws_region, described),
    };
    Some(read_common(decoder, &fields, project, shape))
}

const REGIONS_HINT: &str = "list the regions: [us-east-1, us-west-2]";
const REGION_HINT: &str = "add the AWS region, such as `region: us-west-2`";

fn read_hub_and_spoke(decoder: &mut Decoder, fields: &Fields<'_>) -> Shape {
    let hub = fields.required(
        decoder,
        "hub",
        read_hub,
        "add the primary region: `hub:` with `region`, `node_pools` and `skypilot`",
    );
    let hub = hub.unwrap_or_else(|| Hub {
        base: RegionConfig::new(Region::new("")),
        node_pools: Vec::new(),
        skypilot: absent_skypilot(),
        tailscale: None,
    });
    Shape::HubAndSpoke { hub, spokes: fields.list(decoder, "spokes", read_spoke) }
}

/// Reads a starter; one that is not even `described` by any of its keys is no platform of any shape.
fn read_starter(
    decoder: &mut Decoder,
    fields: &Fields<'_>,
    aws_region: Option<&Entry>,
    described: bool,
) -> Shape {
    let region = match (fields.entry("region"), aws_region) {
        (None, Some(entry)) => {
            decoder.locations.insert("region", Some(entry.key_span), entry.value.span);
            read_text(decoder, &entry.value, "region").map(Region::new)
        }
        _ => {
            fields.required(decoder, "region", read_region, if described { REGION_HINT } else { SHAPES_HINT })
        }
    };
    Shape::Starter {
        region: region.unwrap_or_else(|| Region::new("")),
        cidr: fields.optional(decoder, "cidr", read_cidr),
        node_pools: fields.list(decoder, "node_pools", read_node_pool),
    }
}

fn read_common(decoder: &mut Decoder, fields: &Fields<'_>, prefix: String, shape: Shape) -> PlatformConfig {
    let project = fields
        .optional(decoder, "name", read_text)
        .or(Some(prefix).filter(|prefix| !prefix.is_empty()))
        .unwrap_or_else(|| DEFAULT_PROJECT.into());
    PlatformConfig {
        project,
        shape,
        topology: fields.optional(decoder, "topology", |d, n, p| read_word(d, n, p, Topology::WORDS)),
        availability_zones: fields.optional(decoder, "availability_zones", read_zones),
        nat: fields.optional(decoder, "nat", read_nat).unwrap_or_default(),
        endpoint: fields.optional(decoder, "endpoint", read_endpoint).unwrap_or_default(),
        public_access_cidrs: fields
            .optional_list(decoder, "public_access_cidrs", read_cidr)
            .unwrap_or_else(default_public_access),
        cluster_admins: fields.list(decoder, "cluster_admins", read_text),
        component_versions: fields.optional(decoder, "component_versions", read_versions).unwrap_or_default(),
        addons: fields.optional(decoder, "addons", read_addons).unwrap_or_default(),
        tags: fields.optional(decoder, "tags", read_text_map).unwrap_or_default(),
        iam: fields.optional(decoder, "iam", read_iam).unwrap_or_default(),
        account_id: fields.optional(decoder, "account_id", read_loose_text).map(AccountId::new),
        protect: fields.optional(decoder, "protect", read_bool).unwrap_or_default(),
    }
}

fn read_region(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Region> {
    read_text(decoder, node, path).map(Region::new)
}

fn read_nat(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Nat> {
    read_word(decoder, node, path, Nat::WORDS)
}

fn read_endpoint(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Endpoint> {
    read_word(decoder, node, path, Endpoint::WORDS)
}

/// Zones as a number, or as a list of names.
fn read_zones(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Zones> {
    let Content::List(items) = &node.content else {
        return read_number(decoder, node, path).map(Zones::Count);
    };
    let mut zones = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        decoder.locations.insert(&path, None, item.span);
        zones.push(ZoneName::new(read_text(decoder, item, &path).unwrap_or_default()));
    }
    Some(Zones::Names(zones))
}

/// The settings that hub, spokes and the elements of `regions` share.
fn read_base(decoder: &mut Decoder, fields: &Fields<'_>) -> RegionConfig {
    let region = fields.required(decoder, "region", read_region, REGION_HINT);
    RegionConfig {
        region: region.unwrap_or_else(|| Region::new("")),
        cidr: fields.optional(decoder, "cidr", read_cidr),
        availability_zones: fields.optional(decoder, "availability_zones", read_zones),
        nat: fields.optional(decoder, "nat", read_nat),
        endpoint: fields.optional(decoder, "endpoint", read_endpoint),
        public_access_cidrs: fields.optional_list(decoder, "public_access_cidrs", read_cidr),
        cluster_admins: fields.optional_list(decoder, "cluster_admins", read_text),
    }
}

/// The element list of `regions`; empty is reported by the checks.
fn read_regions(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Vec<RegionConfig>> {
    let Content::List(items) = &node.content else {
        decoder.wrong_type(node, path, "a list", REGIONS_HINT);
        return None;
    };
    let mut regions = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        decoder.locations.insert(&path, None, item.span);
        if let Content::Scalar { .. } = item.content {
            let region = read_text(decoder, item, &path).unwrap_or_default();
            decoder.locations.insert(&format!("{path}.region"), None, item.span);
            regions.push(RegionConfig::new(Region::new(region)));
        } else {
            let fields = decoder.fields(item, &path, REGION_KEYS);
            regions.push(read_base(decoder, &fields));
        }
    }
    Some(regions)
}

/// A stand-in for a `skypilot` that could not be read.
fn absent_skypilot() -> HubSkyPilot {
    HubSkyPilot {
        ingress_host: String::new(),
        ingress_ssl_cert_arn: String::new(),
        default_user_role: UserRole::default(),
        admin_email: None,
        aws_vms: false,
        gpu_overview: false,
        data_planes: Vec::new(),
    }
}

fn with_region_keys(more: &[&'static str]) -> Vec<&'static str> {
    [REGION_KEYS, more].concat()
}

fn read_hub(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Hub> {
    let fields = decoder.fields(node, path, &with_region_keys(&["node_pools", "skypilot", "tailscale"]));
    let skypilot_hint = "add `skypilot:` with `ingress_host` and `ingress_ssl_cert_arn`; for a platform without SkyPilot \
                         use `regions` or `region` instead of `hub`";
    Some(Hub {
        base: read_base(decoder, &fields),
        node_pools: fields.list(decoder, "node_pools", read_node_pool),
        skypilot: fields
            .required(decoder, "skypilot", read_hub_skypilot, skypilot_hint)
            .unwrap_or_else(absent_skypilot),
        tailscale: fields.optional(decoder, "tailscale", read_tailscale),
    })
}

fn read_spoke(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Spoke> {
    let fields = decoder.fields(node, path, &with_region_keys(&["node_pools", "skypilot"]));
    Some(Spoke {
        base: read_base(decoder, &fields),
        node_pools: fields.list(decoder, "node_pools", read_node_pool),
        skypilot: fields.optional(decoder, "skypilot", read_spoke_skypilot).unwrap_or_default(),
    })
}

fn read_hub_skypilot(decoder: &mut Decoder, node: &Node, path: &str) -> Option<HubSkyPilot> {
    const KEYS: &[&str] = &[
        "ingress_host",
        "ingress_ssl_cert_arn",
        "default_user_role",
        "admin_email",
        "aws_vms",
        "gpu_overview",
        "data_planes",
    ];
    let fields = decoder.fields(node, path, KEYS);
    let host_hint = "add the API server's host name, such as `ingress_host: skypilot.example.com`";
    let certificate_hint = "add the ARN of the ACM certificate for the host, in the hub's region";
    Some(HubSkyPilot {
        ingress_host: fields.required(decoder, "ingress_host", read_text, host_hint).unwrap_or_default(),
        ingress_ssl_cert_arn: fields
            .required(decoder, "ingress_ssl_cert_arn", read_text, certificate_hint)
            .unwrap_or_default(),
        default_user_role: fields
            .optional(decoder, "default_user_role", |d, n, p| read_word(d, n, p, UserRole::WORDS))
            .unwrap_or_default(),
        admin_email: fields.optional(decoder, "admin_email", read_text),
        aws_vms: fields.optional(decoder, "aws_vms", read_bool).unwrap_or_default(),
        gpu_overview: fields.optional(decoder, "gpu_overview", read_bool).unwrap_or_default(),
        data_planes: fields.list(decoder, "data_planes", read_data_plane),
    })
}

fn read_spoke_skypilot(decoder: &mut Decoder, node: &Node, path: &str) -> Option<SpokeSkyPilot> {
    let fields = decoder.fields(node, path, &["data_planes"]);
    Some(SpokeSkyPilot { data_planes: fields.list(decoder, "data_planes", read_data_plane) })
}

fn read_tailscale(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Tailscale> {
    let fields = decoder.fields(node, path, &["oauth_secret_arn"]);
    let hint = "add the ARN of the Secrets Manager secret with CLIENT_ID and CLIENT_SECRET";
    let oauth_secret_arn = fields.required(decoder, "oauth_secret_arn", read_text, hint).unwrap_or_default();
    Some(Tailscale { oauth_secret_arn })
}

fn read_data_plane(decoder: &mut Decoder, node: &Node, path: &str) -> Option<DataPlane> {
    const KEYS: &[&str] = &["name", "user_role_arn", "allowed_users", "policies", "quota"];
    let fields = decoder.fields(node, path, KEYS);
    let hint = "name the tenant; its namespace gets the same name";
    Some(DataPlane {
        name: fields.required(decoder, "name", read_text, hint).unwrap_or_default(),
        user_role_arn: fields.optional(decoder, "user_role_arn", read_text),
        allowed_users: fields.optional_list(decoder, "allowed_users", read_text),
        policies: fields.optional_list(decoder, "policies", read_text),
        quota: fields.optional(decoder, "quota", read_text_map),
    })
}

fn read_node_pool(decoder: &mut Decoder, node: &Node, path: &str) -> Option<NodePool> {
    const KEYS: &[&str] = &[
        "name",
        "capacity_type",
        "instance_type",
        "instance_family",
        "instance_category",
        "ebs_size",
        "vcpu_limit",
        "memory_limit",
        "architecture",
        "taints",
        "labels",
    ];
    let fields = decoder.fields(node, path, KEYS);
    let capacity_hint = "add `capacity_type: on-demand` or `capacity_type: spot`";
    Some(NodePool {
        name: fields.required(decoder, "name", read_text, "name the pool").unwrap_or_default(),
        capacity_type: fields
            .required(
                decoder,
                "capacity_type",
                |d, n, p| read_word(d, n, p, CapacityType::WORDS),
                capacity_hint,
            )
            .unwrap_or_default(),
        instance_type: fields.list(decoder, "instance_type", read_text),
        instance_family: fields.list(decoder, "instance_family", read_text),
        instance_category: fields.list(decoder, "instance_category", read_text),
        ebs_size: fields.optional(decoder, "ebs_size", read_loose_text).unwrap_or_else(default_ebs_size),
        vcpu_limit: fields.optional(decoder, "vcpu_limit", read_number),
        memory_limit: fields.optional(decoder, "memory_limit", read_loose_text),
        architecture: fields
            .optional(decoder, "architecture", |d, n, p| read_word(d, n, p, Architecture::WORDS))
            .unwrap_or_default(),
        taints: fields.list(decoder, "taints", read_taint),
        labels: fields.optional(decoder, "labels", read_text_map).unwrap_or_default(),
    })
}

fn read_taint(decoder: &mut Decoder, node: &Node, path: &str) -> Option<Taint> {
    let fields = decoder.fields(node, path, &["key", "value", "effect"]);
    Some(Taint {
        key: fields
            .required(decoder, "key", read_text, "add the taint's key, such as `key: team`")
            .unwrap_or_default(),
        value: fields.optional(decoder, "value", read_loose_text),
        effect: fields
            .optional(decoder, "effect", |d, n, p| read_word(d, n, p, TaintEffect::WORDS))
            .unwrap_or_default(),
    })
}

/// Generates the reader of a struct whose fields are all optional and of one type.
macro_rules! uniform_reader {
    ($name:ident -> $type:ident by $read:ident { $($field:ident),+ $(,)? }) => {
        fn $name(decoder: &mut Decoder, node: &Node, path: &str) -> Option<$type> {
            let fields = decoder.fields(node, path, &[$(stringify!($field)),+]);
            let defaults = $type::default();
            Some($type {
                $($field: fields
                    .optional(decoder, stringify!($field), $read)
                    .unwrap_or(defaults.$field),)+
            })
        }
    };
}

uniform_reader!(read_versions -> ComponentVersions by read_loose_text {
    kubernetes, karpenter, skypilot, aws_load_balancer_controller, external_dns, ebs_csi, efs_csi, metrics_server,
    fluent_bit, nvidia_device_plugin, tailscale_operator,
});
uniform_reader!(read_addons -> Addons by read_bool {
    ebs_csi, efs_csi, aws_load_balancer_controller, external_dns, metrics_server, fluent_bit, nvidia_device_plugin,
});

fn read_iam(decoder: &mut Decoder, node: &Node, path: &str) -> Option<IamSettings> {
    let fields = decoder.fields(node, path, &["path", "permissions_boundary_arn"]);
    Some(IamSettings {
        path: fields.optional(decoder, "path", read_text).unwrap_or_else(|| IamSettings::default().path),
        permissions_boundary_arn: fields.optional(decoder, "permissions_boundary_arn", read_text),
    })
}
