//! `DataPlane`: a tenant, as one namespace of one cluster.
//!
//! It waits for its own cluster and nothing else. What lives in the namespace later is not ours: SkyPilot puts workloads,
//! volumes and load balancers there. So a gate stands on everything that these need while they go away, and on the way
//! down the namespace is emptied before its rights, its token and the namespace itself go.
//!
//! * `rbac`: what the two service accounts may do.
//! * `network`: who may talk to the tenant's pods, and to whom they may talk.
//! * `system`: what the tenants of one cluster share.

mod network;
mod rbac;
mod system;

use std::collections::BTreeMap;

pub use system::{DataPlaneSystem, DataPlaneSystemOutputs};

use crate::graph::{Added, Handle, LowerError, Lowering, Ready, Resource};
use crate::ids::{Cidr, RoleArn};
use crate::object::gate::WorkloadsGone;
use crate::object::k8s::K8sObject;
use crate::resource::addon::{EbsCsi, EfsCsi, LoadBalancerController};
use crate::resource::eks_cluster::{EksCluster, EksClusterOutputs};
use crate::resource::irsa_role::IrsaRole;
use crate::resource::manifests;
use crate::tree;
use crate::value::{Secret, ToTree, Tree, Value};

/// Name of the service account through which the API server works in a tenant's namespace.
pub const SERVER_ACCOUNT: &str = "sky-sa";
/// Name of the service account that a tenant's workloads run as.
pub const WORKLOAD_ACCOUNT: &str = "sky-user-sa";

/// The role that a tenant's workloads take.
#[derive(Debug, Clone)]
pub enum TenantRole {
    /// A role of the platform.
    Made(Handle<IrsaRole>),
    /// A role that was there before.
    Given(RoleArn),
}

/// What takes a tenant's load balancers and volumes away, and so must outlive them.
#[derive(Debug, Clone, Default)]
pub struct Cleaners {
    /// Takes load balancers away.
    pub load_balancers: Option<Handle<LoadBalancerController>>,
    /// Takes block volumes away.
    pub block_volumes: Option<Handle<EbsCsi>>,
    /// Takes shared directories away.
    pub shared_volumes: Option<Handle<EfsCsi>>,
}

impl Cleaners {
    fn ready(&self, cx: &mut Lowering<'_>) -> Result<Ready, LowerError> {
        let mut marks = Vec::new();
        if let Some(handle) = self.load_balancers {
            marks.push(cx.outputs(handle)?.load_balancers);
        }
        if let Some(handle) = self.block_volumes {
            marks.push(cx.outputs(handle)?.driver);
        }
        if let Some(handle) = self.shared_volumes {
            marks.push(cx.outputs(handle)?.driver);
        }
        Ok(Ready::all(&marks))
    }
}

/// A tenant.
#[derive(Debug, Clone)]
pub struct DataPlane {
    /// The cluster.
    pub cluster: Handle<EksCluster>,
    /// What the tenants of the cluster share.
    pub system: Handle<DataPlaneSystem>,
    /// Name of the tenant and of its namespace.
    pub name: String,
    /// The role that its workloads take.
    pub role: TenantRole,
    /// What the namespace may use at most.
    pub quota: Option<BTreeMap<String, String>>,
    /// Whether the API server may list the pods of the whole cluster for this tenant.
    pub gpu_overview: bool,
    /// What must outlive its workloads.
    pub cleaners: Cleaners,
    /// Whether the namespace may not be deleted.
    pub protect: bool,
}

/// What the API server needs of a tenant.
#[derive(Debug, Clone)]
pub struct DataPlaneOutputs {
    /// The cluster.
    pub cluster: EksClusterOutputs,
    /// The namespace's name.
    pub name: String,
    /// The namespace.
    pub namespace: Value<String>,
    /// Name of its context in the API server's kubeconfig.
    pub context: Value<String>,
    /// Name of its user in the API server's kubeconfig.
    pub user: Value<String>,
    /// The token of [`SERVER_ACCOUNT`].
    pub token: Value<Secret>,
    /// The service account of its workloads.
    pub service_account: Value<String>,
    /// The role of its workloads.
    pub role_arn: Value<RoleArn>,
    /// The namespace is there.
    pub namespace_ready: Ready,
    /// The tenant can be used: accounts, rights, walls and limits are in place.
    pub ready: Ready,
}

impl Resource for DataPlane {
    const KIND: &'static str = "DataPlane";
    type Outputs = DataPlaneOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<DataPlaneOutputs, LowerError> {
        let cluster = cx.outputs(self.cluster)?;
        let system = cx.outputs(self.system)?;
        let (role_arn, role_ready) = match &self.role {
            TenantRole::Made(role) => {
                let role = cx.outputs(*role)?;
                (role.role_arn, role.ready)
            }
            TenantRole::Given(arn) => (Value::Known(arn.clone()), Ready::now()),
        };
        let cleaners = self.cleaners.ready(cx)?;

        let namespace = cx
            .object("namespace", manifests::namespace(&self.name, &LABELS))
            .within(&cluster.container)
            .protect(self.protect)
            .add()?;
        let namespace_ready = namespace.ready();
        let namespace = namespace.output(K8sObject::NAME);
        let mut made = Made { cx, cluster: &cluster, ready: namespace_ready.clone() };

        let (account, token) = server_account(&mut made, &namespace)?;
        self.server_rights(&mut made, &namespace, &account, &system)?;
        let service_account = workload_account(&mut made, &namespace, (&role_arn, &role_ready))?;
        wall(&mut made, &namespace)?;
        // A gate is drained when anything it stands on goes: a quota may go without the workloads.
        let outlives_workloads = made.ready.clone();
        self.limit(&mut made, &namespace)?;

        let ready = made.ready;
        cx.object("workloads", WorkloadsGone { cluster: cluster.name.clone(), namespace: namespace.clone() })
            .within(&cluster.container)
            .after(&outlives_workloads)
            .after(&cleaners)
            .add()?;

        let name =
            |end: &str| Value::format([(&cluster.name).into(), "-".into(), (&namespace).into(), end.into()]);
        Ok(DataPlaneOutputs {
            context: context_name(&cluster, &namespace),
            user: name("-sky-sa"),
            name: self.name.clone(),
            namespace,
            token,
            service_account,
            role_arn,
            namespace_ready,
            ready,
            cluster,
        })
    }
}

/// Returns the name of a tenant's context: `<cluster>-<namespace>`.
fn context_name(cluster: &EksClusterOutputs, namespace: &Value<String>) -> Value<String> {
    Value::format([(&cluster.name).into(), "-".into(), namespace.into()])
}

const LABELS: [(&str, &str); 1] = [("parent", "skypilot")];

/// Returns the metadata of an object of the tenant.
fn metadata(name: &str, namespace: Option<&Value<String>>) -> Tree {
    let mut metadata = tree!({ "name": name, "labels": (BTreeMap::from(LABELS)) });
    if let Some(namespace) = namespace {
        metadata.set("namespace", namespace.to_tree());
    }
    metadata
}

/// Adds the objects of the tenant and keeps the mark of all of them.
struct Made<'c, 'l, 'f> {
    cx: &'c mut Lowering<'f>,
    cluster: &'l EksClusterOutputs,
    ready: Ready,
}

impl Made<'_, '_, '_> {
    fn add(&mut self, name: &str, manifest: Tree) -> Result<Added<K8sObject>, LowerError> {
        self.add_after(name, manifest, &Ready::now())
    }

    fn add_after(
        &mut self,
        name: &str,
        manifest: Tree,
        after: &Ready,
    ) -> Result<Added<K8sObject>, LowerError> {
        let object = self.cx.object(name, K8sObject::new(manifest));
        let added = object.within(&self.cluster.container).after(after).add()?;
        self.ready = self.ready.and(&added.ready());
        Ok(added)
    }
}

impl DataPlane {
    /// The rights of the API server's account, in the tenant's namespace, in the cluster and among SkyPilot's helpers.
    fn server_rights(
        &self,
        made: &mut Made<'_, '_, '_>,
        namespace: &Value<String>,
        account: &Value<String>,
        system: &DataPlaneSystemOutputs,
    ) -> Result<(), LowerError> {
        let subject = || subject(account, namespace);
        let role = made.add(
            "sky-sa-role",
            rbac::role("Role", metadata("sky-sa-role", Some(namespace)), rbac::server_role()),
        )?;
        made.add(
            "sky-sa-role-binding",
            rbac::binding(
                "RoleBinding",
                metadata("sky-sa-role-binding", Some(namespace)),
                "Role",
                role.output(K8sObject::NAME).to_tree(),
                subject(),
            ),
        )?;
        let name = format!("sky-sa-{}-cr", self.name);
        let role = made.add(
            "sky-sa-cluster-role",
            rbac::role("ClusterRole", metadata(&name, None), rbac::server_cluster_role(self.gpu_overview)),
        )?;
        made.add(
            "sky-sa-cluster-role-binding",
            rbac::binding(
                "ClusterRoleBinding",
                metadata(&format!("sky-sa-{}-crb", self.name), None),
                "ClusterRole",
                role.output(K8sObject::NAME).to_tree(),
                subject(),
            ),
        )?;
        made.add(
            "sky-sa-system-role-binding",
            rbac::binding(
                "RoleBinding",
                metadata(&format!("sky-sa-{}-rb", self.name), Some(&system.namespace)),
                "Role",
                system.role.to_tree(),
                subject(),
            ),
        )?;
        Ok(())
    }

    /// How much the tenant's pods may use together.
    fn limit(&self, made: &mut Made<'_, '_, '_>, namespace: &Value<String>) -> Result<(), LowerError> {
        if let Some(quota) = &self.quota {
            made.add(
                "quota",
                tree!({
                    "apiVersion": "v1",
                    "kind": "ResourceQuota",
                    "metadata": (metadata("tenant", Some(namespace))),
                    "spec": { "hard": quota }
                }),
            )?;
        }
        Ok(())
    }
}

/// Who may talk to the tenant's pods, and to whom they may talk, for as long as there are any.
fn wall(made: &mut Made<'_, '_, '_>, namespace: &Value<String>) -> Result<(), LowerError> {
    let subnets: Vec<Cidr> = made.cluster.vpc.private_subnets.iter().map(|subnet| subnet.cidr).collect();
    made.add(
        "network-policy",
        tree!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": (metadata("tenant", Some(namespace))),
            "spec": (network::policy_spec(&subnets))
        }),
    )?;
    Ok(())
}

/// The API server's account and its token.
fn server_account(
    made: &mut Made<'_, '_, '_>,
    namespace: &Value<String>,
) -> Result<(Value<String>, Value<Secret>), LowerError> {
    let account = made.add(
        "sky-sa",
        tree!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": (metadata(SERVER_ACCOUNT, Some(namespace))),
            "automountServiceAccountToken": false
        }),
    )?;
    let account = account.output(K8sObject::NAME);
    let mut token = metadata("sky-sa-token", Some(namespace));
    token.set("annotations", tree!({ "kubernetes.io/service-account.name": (account) }));
    let token = made.add(
        "sky-sa-token",
        tree!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": (token),
            "type": "kubernetes.io/service-account-token"
        }),
    )?;
    Ok((account, token.output(K8sObject::TOKEN)))
}

fn subject(account: &Value<String>, namespace: &Value<String>) -> Tree {
    tree!({ "kind": "ServiceAccount", "name": account, "namespace": namespace })
}

/// The account of the tenant's workloads, with its cloud role and its rights.
fn workload_account(
    made: &mut Made<'_, '_, '_>,
    namespace: &Value<String>,
    (role_arn, role_ready): (&Value<RoleArn>, &Ready),
) -> Result<Value<String>, LowerError> {
    let mut account = metadata(WORKLOAD_ACCOUNT, Some(namespace));
    account.set("annotations", tree!({ "eks.amazonaws.com/role-arn": (role_arn.as_text()) }));
    // After the role's policies too: workloads have their rights as long as they run.
    let account = made.add_after(
        "sky-user-sa",
        tree!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": (account) }),
        role_ready,
    )?;
    let account = account.output(K8sObject::NAME);
    let role = made.add(
        "sky-user-sa-role",
        rbac::role("Role", metadata("sky-user-sa-role", Some(namespace)), rbac::workload_role()),
    )?;
    made.add(
        "sky-user-sa-role-binding",
        rbac::binding(
            "RoleBinding",
            metadata("sky-user-sa-role-binding", Some(namespace)),
            "Role",
            role.output(K8sObject::NAME).to_tree(),
            subject(&account, namespace),
        ),
    )?;
    Ok(account)
}
