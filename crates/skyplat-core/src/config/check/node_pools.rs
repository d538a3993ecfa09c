//! Node pools: their names, instances, sizes, taints and labels.

use super::syntax::{self, dns_label, label_value, qualified_name};
use super::{Finding, Findings, pool_lists};
use crate::config::code::Code;
use crate::config::instances::{InstanceKind, instance_architecture, is_category, is_family, is_type};
use crate::config::location::{item_path, key_path};
use crate::config::model::{API_NODE_ROLE, API_POOL, NodePool, PlatformConfig, SYSTEM_POOL, Shape, Taint};
use crate::config::report::quoted;
use crate::config::words::TaintEffect;

/// Names of the pools that skyplat adds; a pool of such a name replaces the added one.
const OWN_POOLS: &[&str] = &[API_POOL, SYSTEM_POOL];
/// Smallest root volume that the node image fits on, and largest that EBS makes, in bytes.
const EBS_RANGE: std::ops::RangeInclusive<u128> = (20 << 30)..=(64 << 40);
/// Prefixes of labels that Karpenter refuses in a node pool.
const RESERVED_LABELS: &[&str] = &["karpenter.sh/", "karpenter.k8s.aws/", "kubernetes.io/", "k8s.io/"];

/// Checks every pool of every list.
pub(super) fn check_node_pools(config: &PlatformConfig, findings: &mut Findings<'_>) {
    for (list, pools) in pool_lists(config) {
        for (at, pool) in pools.iter().enumerate() {
            let path = item_path(&list, at);
            check_name(pool, &pools[..at], &list, &path, findings);
            check_instances(pool, &path, findings);
            check_sizes(pool, &path, findings);
            check_taints(pool, &path, findings);
            check_labels(pool, &path, findings);
        }
        check_room(pools, &list, findings);
    }
    if let Shape::HubAndSpoke { hub, .. } = &config.shape {
        check_servers_room(&hub.node_pools, "hub.node_pools", findings);
    }
}

/// Where no pool takes a pod without tolerations, the platform adds one that does, and the addons run there. A pool that
/// replaces that one has to do the same.
fn check_room(pools: &[NodePool], list: &str, findings: &mut Findings<'_>) {
    let prefers = |taint: &Taint| taint.effect == TaintEffect::PreferNoSchedule;
    let takes_any = |pool: &NodePool| !pool.is_gpu() && pool.taints.iter().all(prefers);
    let Some(own) = pools.iter().position(|pool| pool.name == SYSTEM_POOL) else { return };
    if pools.iter().any(takes_any) {
        return;
    }
    let path = key_path(&item_path(list, own), "name");
    let message =
        format!("{} takes no pod without tolerations, nor does any other pool", quoted(SYSTEM_POOL));
    findings.add(
        Finding::error(Code::NoRoom, path, message).hint(
            "the addons run there: give it no taints and no GPUs, or leave it out and skyplat adds one",
        ),
    );
}

/// The API server runs on nodes with a label of its own, and tolerates one taint. A pool that replaces the one that the
/// platform adds for it has to offer that, or another does.
fn check_servers_room(pools: &[NodePool], list: &str, findings: &mut Findings<'_>) {
    let Some(own) = pools.iter().position(|pool| pool.name == API_POOL) else { return };
    let (label, role) = API_NODE_ROLE;
    let tolerated = |taint: &Taint| {
        taint.effect == TaintEffect::PreferNoSchedule
            || taint.effect == TaintEffect::NoSchedule
                && taint.key == label
                && taint.value.as_deref() == Some(role)
    };
    let takes_it = |pool: &NodePool| {
        pool.labels.get(label).is_some_and(|value| value == role)
            && !pool.is_gpu()
            && pool.taints.iter().all(tolerated)
    };
    if pools.iter().any(takes_it) {
        return;
    }
    let path = key_path(&item_path(list, own), "name");
    let message = format!("{} takes no API server, nor does any other pool", quoted(API_POOL));
    findings.add(Finding::error(Code::NoRoom, path, message).hint(format!(
        "the API server runs there: add `labels: {{{label}: {role}}}`, and no GPUs and no taint but that, or leave the \
         pool out and skyplat adds one"
    )));
}

fn check_name(pool: &NodePool, earlier: &[NodePool], list: &str, path: &str, findings: &mut Findings<'_>) {
    let name_path = key_path(path, "name");
    if !findings.is_sound(&name_path) {
        return;
    }
    if let Err((message, hint)) = dns_label(&pool.name) {
        findings.add(Finding::error(Code::BadName, &name_path, message).hint(hint));
    } else if pool.name.starts_with("skyplat-") && !OWN_POOLS.contains(&pool.name.as_str()) {
        findings.add(
            Finding::error(Code::ReservedName, &name_path, format!("the pool name {} is reserved", quoted(&pool.name)))
                .hint("names that begin with `skyplat-` are the platform's; only `skyplat-api` and `skyplat-system` may be given, to replace its own pools"),
        );
    }
    if let Some(first) = earlier.iter().position(|other| other.name == pool.name) {
        let message = format!("two node pools of one region have the name {}", quoted(&pool.name));
        findings.add(
            Finding::error(Code::DuplicateName, &name_path, message)
                .hint("give each pool of a region a name of its own")
                .related(key_path(&item_path(list, first), "name"), "first used here"),
        );
    }
}

/// The three lists of a pool, with the form of their elements.
type InstanceList<'a> = (&'static str, &'a [String], fn(&str) -> bool, &'static str);

fn instance_lists(pool: &NodePool) -> [InstanceList<'_>; 3] {
    [
        ("instance_type", &pool.instance_type, is_type, "instance type, such as m7i.large"),
        ("instance_family", &pool.instance_family, is_family, "instance family, such as m7i"),
        ("instance_category", &pool.instance_category, is_category, "instance category, such as m"),
    ]
}

fn check_instances(pool: &NodePool, path: &str, findings: &mut Findings<'_>) {
    let lists = instance_lists(pool);
    let mut named: Vec<(String, &str)> = Vec::new();
    let mut whole = true;
    let some = pool.instances().next().is_some();
    let mut empty = false;
    for (key, list, _, _) in lists {
        let list_path = key_path(path, key);
        let partial = findings.locations.is_partial(&list_path);
        whole &= !partial;
        if list.is_empty() && findings.locations.is_given(&list_path) && !partial {
            empty = true;
            findings.add(if some {
                Finding::warning(Code::NoEffect, &list_path, format!("`{key}` is empty and has no effect"))
                    .hint("list instances, or remove the key")
            } else {
                Finding::error(Code::EmptyList, &list_path, format!("`{key}` is empty: no instance would do"))
                    .hint(
                        "list at least one, such as `instance_type: [m7i.large]` or `instance_family: [m7i]`",
                    )
            });
        }
        named.extend(list.iter().enumerate().map(|(at, name)| (item_path(&list_path, at), name.as_str())));
    }
    if named.is_empty() && whole && !empty {
        let message = format!("the node pool {} names no instances", quoted(&pool.name));
        findings.add(
            Finding::error(Code::NoInstances, path, message).hint(
                "add `instance_type: [m7i.large]`, `instance_family: [m7i]` or `instance_category: [m]`",
            ),
        );
    }
    for (item, name) in &named {
        check_form(name, item, &lists, findings);
    }
    check_kinds(&named, findings);
    check_architecture(pool, path, &named, findings);
}

fn check_form(name: &str, item: &str, lists: &[InstanceList<'_>; 3], findings: &mut Findings<'_>) {
    let Some((key, _, fits, form)) = lists.iter().find(|(key, ..)| item.contains(&format!(".{key}["))) else {
        return;
    };
    if fits(name) {
        return;
    }
    let lower = name.trim().to_ascii_lowercase();
    let hint = match lists.iter().find(|(_, _, fits, _)| fits(name)) {
        Some((other, ..)) => format!("move it to `{other}`"),
        None if fits(&lower) => format!("write {lower}"),
        None => "AWS names look like m7i.large: family, dot, size".into(),
    };
    let message = format!("{} in `{key}` is no {form}", quoted(name));
    findings.add(Finding::error(Code::BadInstance, item, message).hint(hint));
}

/// All machines of a pool have NVIDIA GPUs, or none has an accelerator.
fn check_kinds(named: &[(String, &str)], findings: &mut Findings<'_>) {
    for (item, name) in
        named.iter().filter(|(_, name)| InstanceKind::of(name) == InstanceKind::OtherAccelerator)
    {
        let message =
            format!("{} has an accelerator that the NVIDIA device plugin does not serve", quoted(name));
        findings.add(
            Finding::error(Code::UnsupportedAccelerator, item, message)
                .hint("use NVIDIA instances (g5, g6, p5, …) or instances without an accelerator"),
        );
    }
    let first_of = |kind| named.iter().find(move |(_, name)| InstanceKind::of(name) == kind);
    if let (Some((gpu, gpu_name)), Some((plain, plain_name))) =
        (first_of(InstanceKind::NvidiaGpu), first_of(InstanceKind::Plain))
    {
        let (at, other, label) =
            if gpu_is_first(named) { (plain, gpu, "has GPUs") } else { (gpu, plain, "has none") };
        let message = format!("one pool mixes instances with GPUs ({gpu_name}) and without ({plain_name})");
        findings.add(
            Finding::error(Code::MixedGpu, at, message)
                .hint("make two pools: nodes with GPUs are tainted, so that only GPU work lands on them")
                .related(other, label),
        );
    }
}

fn gpu_is_first(named: &[(String, &str)]) -> bool {
    named.first().is_some_and(|(_, name)| InstanceKind::of(name) == InstanceKind::NvidiaGpu)
}

fn check_architecture(pool: &NodePool, path: &str, named: &[(String, &str)], findings: &mut Findings<'_>) {
    let architecture_path = key_path(path, "architecture");
    if !findings.is_sound(&architecture_path) {
        return;
    }
    for (item, name) in named {
        let Some(actual) = instance_architecture(name).filter(|actual| *actual != pool.architecture) else {
            continue;
        };
        let (wanted, actual) = (pool.architecture.as_str(), actual.as_str());
        let given = findings.locations.is_given(&architecture_path);
        let message = if given {
            format!("{} is {actual}, but the pool's architecture is {wanted}", quoted(name))
        } else {
            format!("{} is {actual}, but a pool without `architecture` is {wanted}", quoted(name))
        };
        let mut finding = Finding::error(Code::ArchitectureMismatch, item, message)
            .hint(format!("set `architecture: {actual}`, or choose {wanted} instances"));
        if given {
            finding = finding.related(&architecture_path, format!("{wanted} here"));
        }
        findings.add(finding);
    }
}

fn check_sizes(pool: &NodePool, path: &str, findings: &mut Findings<'_>) {
    let ebs = key_path(path, "ebs_size");
    match syntax::size(&pool.ebs_size, &["Gi", "Ti", "G", "T"], "128Gi") {
        Err((message, hint)) => findings.add(Finding::error(Code::BadSize, ebs, message).hint(hint)),
        Ok(bytes) if !EBS_RANGE.contains(&bytes) => {
            let (what, limit) = if bytes < *EBS_RANGE.start() {
                ("too small", "20Gi, what the node image needs")
            } else {
                ("too large", "64Ti, the largest gp3 volume")
            };
            let message = format!("a root volume of {} is {what}", pool.ebs_size);
            findings.add(Finding::error(Code::BadSize, ebs, message).hint(format!("the limit is {limit}")));
        }
        Ok(_) => {}
    }
    if pool.vcpu_limit == Some(0) {
        findings.add(
            Finding::error(Code::BadSize, key_path(path, "vcpu_limit"), "a limit of 0 vCPUs allows no node")
                .hint("set the most vCPUs that the pool may have, or remove the pool"),
        );
    }
    if let Some(limit) = &pool.memory_limit {
        let at = key_path(path, "memory_limit");
        match syntax::size(limit, &["Mi", "Gi", "Ti", "Pi", "M", "G", "T", "P"], "512Gi") {
            Err((message, hint)) => findings.add(Finding::error(Code::BadSize, at, message).hint(hint)),
            Ok(0) => findings.add(
                Finding::error(Code::BadSize, at, "a limit of no memory allows no node")
                    .hint("set the most memory that the pool may have, or remove the pool"),
            ),
            Ok(_) => {}
        }
    }
}

fn check_taints(pool: &NodePool, path: &str, findings: &mut Findings<'_>) {
    let list = key_path(path, "taints");
    for (at, taint) in pool.taints.iter().enumerate() {
        let item = item_path(&list, at);
        let key = key_path(&item, "key");
        if findings.is_sound(&key)
            && let Err((message, hint)) = qualified_name(&taint.key)
        {
            findings.add(Finding::error(Code::BadTaint, &key, message).hint(hint));
        }
        if taint.key.starts_with("karpenter.sh/") {
            let message = format!("the taint {} is Karpenter's own", quoted(&taint.key));
            findings.add(
                Finding::error(Code::BadTaint, &key, message)
                    .hint("use a key of your own, such as example.com/team"),
            );
        }
        if let Some(Err((message, hint))) = taint.value.as_deref().map(label_value) {
            findings.add(Finding::error(Code::BadTaint, key_path(&item, "value"), message).hint(hint));
        }
        let same = |other: &&Taint| (&other.key, other.effect) == (&taint.key, taint.effect);
        if findings.is_sound(&key) && pool.taints[..at].iter().any(|other| same(&other)) {
            let message = format!("the taint {} with this effect is given twice", quoted(&taint.key));
            findings.add(Finding::error(Code::BadTaint, &key, message).hint("keep one of the two"));
        }
    }
}

fn check_labels(pool: &NodePool, path: &str, findings: &mut Findings<'_>) {
    let map = key_path(path, "labels");
    for (key, value) in &pool.labels {
        let at = key_path(&map, key);
        if let Err((message, hint)) = qualified_name(key) {
            findings.add(Finding::error(Code::BadLabel, &at, message).on_key().hint(hint));
        } else if RESERVED_LABELS.iter().any(|prefix| key.starts_with(prefix)) {
            let message = format!("the label {} is kept for Kubernetes and Karpenter", quoted(key));
            findings.add(
                Finding::error(Code::BadLabel, &at, message)
                    .on_key()
                    .hint("use a key of your own, such as example.com/team"),
            );
        }
        if let Err((message, hint)) = label_value(value) {
            findings.add(Finding::error(Code::BadLabel, &at, message).hint(hint));
        }
    }
}
