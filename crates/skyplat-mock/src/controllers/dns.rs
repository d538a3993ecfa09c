//! external-dns: a record in the zone for every host of an Ingress that has a load balancer.
//!
//! Beside each record stands a `TXT` record that says who owns it. With the policy `sync` records go when nobody wants
//! them any more; with `upsert-only`, the default, they never do:
//! <https://kubernetes-sigs.github.io/external-dns/latest/docs/registry/txt/>,
//! <https://github.com/kubernetes-sigs/external-dns/blob/master/docs/faq.md>.

use skyplat_core::object::Placement;
use skyplat_core::tree;
use skyplat_core::value::Tree;

use super::{Cluster, Scene, child, deleting, hold, load_balancers, made};
use crate::rules::texts;
use crate::world::{Effect, Phase, Thing, World};

const CHART: &str = "external-dns";
pub(crate) const RECORD: &str = "route53.record_set";

/// Does what external-dns does for a cluster.
pub(super) fn step(scene: Scene<'_>, cluster: Cluster<'_>) -> Vec<Effect> {
    let ours = |record: &&Thing| record.made_for.is_some() && record.text("owner_id") == Some(cluster.name());
    let records = scene.world.of_kind(RECORD).filter(ours);
    let Some(release) = cluster.running(CHART) else {
        // What it had not done yet is not done.
        return records.filter(|record| matches!(record.phase, Phase::Deleting { .. })).map(hold).collect();
    };
    let wanted = wanted(scene, cluster, release);
    let new = wanted.iter().filter(|record| scene.world.get(&record.uid).is_none());
    let seconds = scene.seconds(RECORD).create;
    let mut effects: Vec<Effect> = new.map(|record| made(scene, record.clone(), seconds)).collect();
    if release.text("values.policy") != Some("sync") {
        return effects;
    }
    let seen = zones(scene.world, release);
    let is_seen = |record: &&Thing| seen.iter().any(|zone| record.text("hosted_zone_id") == Some(&zone.id));
    let seconds = scene.seconds("gate.dns_records").delete;
    effects.extend(records.filter(is_seen).filter_map(|record| {
        let is_wanted = wanted.iter().any(|wanted| wanted.uid == record.uid);
        let idle = record.is_alive() || record.phase == Phase::Held;
        (idle && !is_wanted).then(|| deleting(scene, record, seconds))
    }));
    effects
}

/// Returns the zones that a release looks at: those that it is told, or those whose domains it is told.
fn zones<'a>(world: &'a World, release: &Thing) -> Vec<&'a Thing> {
    let filter = release.inputs.at("values.extraArgs").and_then(|args| args.get("zone-id-filter"));
    let domains = texts(&release.inputs, "values.domainFilters");
    let looks_at = |zone: &&Thing| {
        let name = zone.text("name").unwrap_or_default();
        filter.and_then(Tree::as_str).is_none_or(|id| id == zone.id)
            && (domains.is_empty()
                || domains.iter().any(|domain| name == *domain || name.ends_with(&format!(".{domain}"))))
    };
    world.of_kind("route53.zone").filter(|zone| zone.is_active()).filter(looks_at).collect()
}

fn wanted(scene: Scene<'_>, cluster: Cluster<'_>, release: &Thing) -> Vec<Thing> {
    let mut records = Vec::new();
    if !texts(&release.inputs, "values.sources").contains(&"ingress") {
        return records;
    }
    let prefix = release.text("values.txtPrefix").unwrap_or_default();
    for ingress in cluster.objects("Ingress").filter(|ingress| ingress.is_alive()) {
        let Some(balancer) = load_balancers::of_ingress(scene.world, ingress) else { continue };
        let target = balancer.output("dns_name").unwrap_or_default();
        let rules = ingress.inputs.at("spec.rules").and_then(Tree::as_list).unwrap_or_default();
        for host in rules.iter().filter_map(|rule| rule.get("host").and_then(Tree::as_str)) {
            for zone in zones(scene.world, release) {
                let domain = zone.text("name").unwrap_or_default();
                if host != domain && !host.ends_with(&format!(".{domain}")) {
                    continue;
                }
                let owner = format!("heritage=external-dns,external-dns/owner={}", cluster.name());
                let txt = format!("{}{host}", prefix.replace("%{record_type}", "a"));
                for (name, kind, value) in [(host, "A", target), (&txt, "TXT", &owner)] {
                    let thing = child(ingress, RECORD, &format!("{}/{name}/{kind}", zone.id));
                    records.push(Thing {
                        placement: Placement { region: None, ..thing.placement.clone() },
                        id: format!("{}_{name}_{kind}", zone.id),
                        inputs: tree!({
                            "hosted_zone_id": (zone.id), "name": name, "type": kind, "value": value,
                            "host": host, "owner_id": (cluster.name()),
                        }),
                        ..thing
                    });
                }
            }
        }
    }
    records
}
