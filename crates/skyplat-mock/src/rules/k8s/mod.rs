//! Kubernetes: the API server of a simulated cluster. What it checks of a manifest by itself is in [`schema`].

mod schema;

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::ObjectKind;
use skyplat_core::tree;
use skyplat_core::value::{Key, Secret, Tree};

use super::error::{busy, immutable, invalid};
use super::{Call, Made, Rules};
use crate::crds;
use crate::world::{Thing, World};

/// Namespaces that every cluster has.
const GIVEN_NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// Groups that every API server serves; the core group has no name.
const GIVEN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

const TOKEN_SECRET: &str = "kubernetes.io/service-account-token";

/// Returns the group of a manifest's `apiVersion`.
fn group(inputs: &Tree) -> &str {
    let version = inputs.get("apiVersion").and_then(Tree::as_str).unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

/// Returns the live object of a kind and name in a namespace (none for the whole cluster) of a cluster.
pub(crate) fn lookup<'a>(
    world: &'a World,
    cluster: &Thing,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Option<&'a Thing> {
    world.of_kind("k8s.object").find(|thing| {
        thing.lives_in.contains(&cluster.uid)
            && thing.text("kind") == Some(kind)
            && thing.text("metadata.namespace") == namespace
            && thing.text("metadata.name") == Some(name)
            && thing.is_alive()
    })
}

/// What is in a namespace needs that namespace; the ones that every cluster has need no object.
pub(super) fn namespace<'a>(call: &Call<'a>, name: &str) -> Result<Option<&'a Thing>, ExecError> {
    if GIVEN_NAMESPACES.contains(&name) {
        return Ok(None);
    }
    let found = call.container.and_then(|cluster| lookup(call.world, cluster, "Namespace", None, name));
    let is_going = |thing: &Thing| {
        call.container.is_some_and(|cluster| thing.lives_in.contains(&cluster.uid))
            && thing.text("kind") == Some("Namespace")
            && thing.text("metadata.name") == Some(name)
    };
    let is_new = call.world.get(&call.object.uid).is_none();
    match found {
        Some(namespace) => Ok(Some(namespace)),
        // https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/: a namespace that is `Terminating`
        // takes nothing new. Gone 5.1 s after the delete, as measured with 1.36.2.
        None if is_new && call.world.of_kind("k8s.object").any(is_going) => Err(busy(
            "403 Forbidden",
            format!("unable to create new content in namespace {name} because it is being terminated"),
        )),
        None if !is_new => Ok(None),
        None => Err(invalid("404 NotFound", format!("namespaces \"{name}\" not found"))),
    }
}

/// The rules of a Kubernetes API server.
#[derive(Debug)]
pub(super) struct Kubernetes;

impl Rules for Kubernetes {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "k8s"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        check(call)
    }

    fn check_update(&self, call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
        check(call)?;
        check_update(call, old)
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(make(call))
    }
}

/// Judges a manifest.
fn check(call: &Call<'_>) -> Result<(), ExecError> {
    let Some(cluster) = call.container else {
        return Err(ExecError::new(ErrorKind::Invalid, "an object of Kubernetes is inside of a cluster"));
    };
    let inputs = &call.object.inputs;
    let (kind, name) = (call.text("kind"), call.text("metadata.name"));
    if kind.is_empty() || name.is_empty() || call.text("apiVersion").is_empty() {
        return Err(invalid("400 BadRequest", "a manifest has apiVersion, kind and metadata.name"));
    }
    let group = group(inputs);
    // https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/: the definition first.
    if !GIVEN_GROUPS.contains(&group) && crds::provider(call.world, cluster, group, kind).is_none() {
        let version = call.text("apiVersion");
        let message = format!("no matches for kind \"{kind}\" in version \"{version}\"");
        return Err(invalid("404 NotFound", message));
    }
    if let Some(name) = inputs.at("metadata.namespace").and_then(Tree::as_str) {
        namespace(call, name)?;
    }
    schema::check(call, group)?;
    // https://kubernetes.io/docs/concepts/configuration/secret/: the token controller removes a token Secret whose ServiceAccount is not there.
    if call.text("type") == TOKEN_SECRET && service_account(call).is_none() {
        return Err(invalid("404 NotFound", "the token Secret names a ServiceAccount that does not exist"));
    }
    Ok(())
}

/// Returns the ServiceAccount that a token Secret names.
fn service_account<'a>(call: &Call<'a>) -> Option<&'a Thing> {
    let annotations = call.object.inputs.at("metadata.annotations")?;
    let name = annotations.get("kubernetes.io/service-account.name")?.as_str()?;
    let namespace = call.object.inputs.at("metadata.namespace").and_then(Tree::as_str);
    lookup(call.world, call.container?, "ServiceAccount", namespace, name)
}

/// Fields that the API server answers 422 for when they change. Measured for `roleRef` with 1.36.2; the others as each kind's
/// page says, <https://kubernetes.io/docs/reference/kubernetes-api/>.
fn immutable_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "DaemonSet" | "Deployment" => &["spec.selector"],
        "Job" => &["spec.selector", "spec.template"],
        "StatefulSet" => &["spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"],
        "PersistentVolumeClaim" => &["spec.accessModes", "spec.storageClassName", "spec.volumeName"],
        "Service" => &["spec.clusterIP"],
        "IngressClass" => &["spec.controller"],
        "RoleBinding" | "ClusterRoleBinding" => &["roleRef"],
        "StorageClass" => {
            &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode", "mountOptions"]
        }
        "Secret" => &["type"],
        _ => &[],
    }
}

/// Judges an update: what identifies an object, and a few fields of some kinds, cannot change.
fn check_update(call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
    let identity = ["kind", "metadata.name", "metadata.namespace"];
    // A Secret or ConfigMap that says so of itself keeps its data.
    let is_frozen = matches!(old.inputs.get("immutable"), Some(Tree::Bool(true)));
    let frozen: &[&str] = if is_frozen { &["immutable", "data", "stringData", "binaryData"] } else { &[] };
    let filled = filled_in(&call.object.inputs);
    let changed = |field: &&&str| old.inputs.at(field) != filled.at(field);
    match identity.iter().chain(immutable_fields(call.text("kind"))).chain(frozen).find(changed) {
        Some(field) => Err(immutable(&old.kind, field)),
        None => Ok(()),
    }
}

/// Makes an object: fills in what the server fills in, and gives a token Secret its token.
fn make(call: &Call<'_>) -> Made {
    let names = call.names();
    let (kind, name) = (call.text("kind"), call.text("metadata.name"));
    let namespace_name = call.text("metadata.namespace");
    let is_token = call.text("type") == TOKEN_SECRET;
    let token = if is_token {
        let (head, body) = (names.alphanumeric("token head", 40), names.alphanumeric("token", 320));
        Secret::new(format!("eyJ{head}.eyJ{body}.{}", names.alphanumeric("token signature", 342)))
    } else {
        Secret::new("")
    };
    let mut made = Made::new(call, format!("{kind}/{namespace_name}/{name}"))
        .output("name", name)
        .output("namespace", namespace_name)
        .output("uid", names.uuid("uid"))
        .output("token", Tree::Secret(token));
    made.inputs = filled_in(&made.inputs);
    if let Some(cluster) = call.container {
        // Deleting a namespace deletes what is inside, deleting a definition deletes its objects.
        let namespace = lookup(call.world, cluster, "Namespace", None, namespace_name);
        let definition = crds::provider(call.world, cluster, group(&call.object.inputs), kind);
        let account = service_account(call).filter(|_| is_token);
        made = made.inside(namespace).inside(definition).inside(account);
    }
    made
}

/// Returns a manifest with what the API server adds to fields that are not given.
fn filled_in(manifest: &Tree) -> Tree {
    let defaults = match manifest.get("kind").and_then(Tree::as_str).unwrap_or_default() {
        "Namespace" => tree!({ "spec": { "finalizers": ["kubernetes"] } }),
        "Secret" => tree!({ "type": "Opaque" }),
        "StorageClass" => tree!({ "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate" }),
        "NodePool" => tree!({
            "spec": {
                "disruption": {
                    "budgets": [{ "nodes": "10%" }],
                    "consolidateAfter": "0s",
                    "consolidationPolicy": "WhenEmptyOrUnderutilized",
                },
                "template": { "spec": { "expireAfter": "720h" } },
            }
        }),
        "EC2NodeClass" => tree!({
            "spec": {
                "metadataOptions": {
                    "httpEndpoint": "enabled",
                    "httpProtocolIPv6": "disabled",
                    "httpPutResponseHopLimit": 1,
                    "httpTokens": "required",
                },
            }
        }),
        _ => return manifest.clone(),
    };
    with_defaults(manifest, &defaults)
}

fn with_defaults(given: &Tree, defaults: &Tree) -> Tree {
    let (Tree::Map(given), Tree::Map(defaults)) = (given, defaults) else { return given.clone() };
    let mut filled = given.clone();
    for (key, default) in defaults {
        let value = match (given.get(key), key) {
            (Some(value), Key::Literal(_)) => with_defaults(value, default),
            _ => default.clone(),
        };
        filled.insert(key.clone(), value);
    }
    Tree::Map(filled)
}
