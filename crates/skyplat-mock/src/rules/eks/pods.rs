//! What EKS checks of Fargate profiles and addons, and what the pods of an addon wait for.

use std::collections::BTreeMap;

use skyplat_core::executor::ExecError;
use skyplat_core::value::{Key, Tree};

use crate::crds;
use crate::quotas::Quotas;
use crate::rules::error::{busy, invalid};
use crate::rules::{Call, quota};
use crate::world::{Phase, Thing, World};

/// Judges a Fargate profile: `CreateFargateProfile`.
pub(super) fn fargate_profile(call: &Call<'_>) -> Result<(), ExecError> {
    let refuse = |why: String| Err(invalid("InvalidParameterException", why));
    if !super::trusts(call, call.text("pod_execution_role_arn"), "eks-fargate-pods.amazonaws.com") {
        // As the API says it, and hashicorp/terraform-provider-aws waits for it to pass.
        return refuse(
            "Misconfigured PodExecutionRole Trust Policy; Please add the eks-fargate-pods.amazonaws.com Service Principal"
                .into(),
        );
    }
    let vpc = super::vpc_of(call, call.text("cluster_name"));
    // https://docs.aws.amazon.com/eks/latest/userguide/fargate-profile.html: private subnets of the cluster's VPC only.
    for id in call.texts("subnets") {
        if call.find("ec2.subnet", id).and_then(|subnet| subnet.text("vpc_id")) != vpc {
            return refuse(format!("{id} is not a subnet of the cluster's VPC"));
        }
        let is_public = call.others("ec2.route_table_association").any(|association| {
            association.text("subnet_id") == Some(id)
                && call.others("ec2.route").any(|route| {
                    route.text("route_table_id") == association.text("route_table_id")
                        && route.text("gateway_id").is_some()
                })
        });
        if is_public {
            return refuse(format!("{id} is not a private subnet"));
        }
    }
    let selectors = call.items("selectors");
    if selectors.is_empty() {
        return refuse("a profile has a selector".into());
    }
    let code = "InvalidParameterException";
    let limit = |quotas: &Quotas| quotas.selectors_per_fargate_profile;
    quota::hold(call, code, "selectors per Fargate profile", selectors.len(), limit)?;
    for selector in selectors {
        if selector.get("namespace").and_then(Tree::as_str).is_none_or(str::is_empty) {
            return refuse("a selector names a namespace".into());
        }
        let limit = |quotas: &Quotas| quotas.labels_per_fargate_selector;
        quota::hold(call, code, "label pairs per Fargate profile selector", labels(selector).len(), limit)?;
    }
    Ok(())
}

fn labels(selector: &Tree) -> BTreeMap<&str, &str> {
    let entries = selector.get("labels").and_then(Tree::as_map).into_iter().flatten();
    let pairs = entries.filter_map(|(key, value)| match key {
        Key::Literal(key) => Some((key.as_str(), value.as_str()?)),
        Key::Text(_) => None,
    });
    pairs.collect()
}

/// A cluster takes one operation on its Fargate profiles at a time: `CreateFargateProfile` and `DeleteFargateProfile` say so
/// of profiles that are being deleted, and terraform-provider-aws keeps a lock for all.
pub(super) fn alone(world: &World, cluster: &str, region: &str) -> Result<(), ExecError> {
    let at_work = world.of_kind("eks.fargate_profile").find(|profile| {
        profile.text("cluster_name") == Some(cluster)
            && profile.placement.region.as_ref().is_some_and(|here| here.as_str() == region)
            && matches!(profile.phase, Phase::Creating { .. } | Phase::Deleting { .. })
    });
    at_work.map_or(Ok(()), |profile| {
        let message = format!("{} of the cluster {cluster} is being made or deleted", profile.id);
        Err(busy("ResourceInUseException", message))
    })
}

/// Judges an addon: `CreateAddon`.
pub(super) fn addon(call: &Call<'_>) -> Result<(), ExecError> {
    let name = call.text("name");
    if !call.catalogue.addons.contains(name) {
        return Err(invalid("InvalidParameterException", format!("there is no addon {name:?}")));
    }
    let mode = call.text("resolve_conflicts");
    if !["", "NONE", "OVERWRITE", "PRESERVE"].contains(&mode) {
        return Err(invalid("InvalidParameterException", format!("{mode:?} is no way to resolve conflicts")));
    }
    let settings = call.text("configuration_values");
    let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(settings).is_ok();
    if settings.is_empty() || is_object {
        return Ok(());
    }
    Err(invalid("InvalidParameterException", "ConfigurationValue provided in request is not supported"))
}

/// Addons whose pods are those of a Deployment, with the labels of these pods. The others are DaemonSets: with no node
/// there is nothing to wait for.
const DEPLOYMENTS: &[(&str, &[(&str, &str)])] = &[
    ("coredns", &[("k8s-app", "kube-dns"), ("eks.amazonaws.com/component", "coredns")]),
    ("metrics-server", &[("app.kubernetes.io/name", "metrics-server")]),
    ("snapshot-controller", &[("app.kubernetes.io/name", "snapshot-controller")]),
];

/// An addon with a Deployment is `CREATING` until its pods run somewhere
/// (terraform-aws-modules/terraform-aws-eks#2069 and #3001).
pub(super) fn pending(world: &World, addon: &Thing) -> Option<String> {
    let name = addon.text("name")?;
    let (_, pod) = DEPLOYMENTS.iter().find(|(of, _)| *of == name)?;
    let inside = |kind: &'static str| {
        let here = move |thing: &&Thing| thing.is_active() && !thing.lives_in.is_disjoint(&addon.lives_in);
        world.of_kind(kind).filter(here)
    };
    let mut profiles = inside("eks.fargate_profile");
    // CoreDNS asks for EC2 unless it is told otherwise (pulumi/pulumi-eks#1261).
    let asks =
        |what: &str| addon.text("configuration_values").is_some_and(|settings| settings.contains(what));
    let on_fargate = (name != "coredns" || asks("computeType") && asks("Fargate"))
        && profiles.any(|profile| selects(profile, "kube-system", pod));
    let launches = inside("helm.release").any(|release| crds::chart(release) == "karpenter")
        && inside("k8s.object").any(|thing| thing.text("kind") == Some("NodePool"));
    let has_node = inside("ec2.instance").next().is_some() || launches;
    (!on_fargate && !has_node).then(|| format!("the pods of {name} have nowhere to run"))
}

/// Returns whether a profile takes a pod: its namespace, and all the labels that the selector names.
fn selects(profile: &Thing, namespace: &str, pod: &[(&str, &str)]) -> bool {
    let selectors = profile.inputs.get("selectors").and_then(Tree::as_list).unwrap_or_default();
    selectors.iter().any(|selector| {
        selector.get("namespace").and_then(Tree::as_str) == Some(namespace)
            && labels(selector).iter().all(|(key, value)| pod.contains(&(*key, *value)))
    })
}
