//! external-dns: keeps the record of the API server's host in its private zone.
//!
//! It runs in the hub alone, may write to that one zone, and takes away what it wrote: a gate after it waits on the way
//! down until the host's records are gone, because a zone with records cannot be deleted.

use super::{AddonBase, Chart, account};
use crate::facts::partition_of;
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::object::gate::DnsRecordsGone;
use crate::object::iam::{PolicyDocument, Statement};
use crate::resource::irsa_role::irsa_role;
use crate::resource::role::RolePolicies;
use crate::resource::service_discovery::ServiceDiscovery;
use crate::tree;
use crate::value::Value;

const ACCOUNT: &str = "external-dns";

/// external-dns for one zone.
#[derive(Debug, Clone)]
pub struct ExternalDns {
    /// What it stands on.
    pub base: AddonBase,
    /// The zone.
    pub zone: Handle<ServiceDiscovery>,
}

/// What others need of external-dns.
#[derive(Debug, Clone)]
pub struct ExternalDnsOutputs {
    /// What wants a record comes after this, so that the record is gone before external-dns is.
    pub records: Ready,
}

impl Resource for ExternalDns {
    const KIND: &'static str = "Addon";
    type Outputs = ExternalDnsOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<ExternalDnsOutputs, LowerError> {
        let ground = self.base.ground(cx)?;
        let zone = cx.outputs(self.zone)?;
        let partition = partition_of(&ground.cluster.region);
        let zone_arn: Value<String> = Value::format([
            "arn:".into(),
            partition.as_str().into(),
            ":route53:::hostedzone/".into(),
            (&zone.zone_id).into(),
        ]);
        let document = PolicyDocument::new([
            Statement::allow([
                "route53:ChangeResourceRecordSets",
                "route53:ListResourceRecordSets",
                "route53:ListTagsForResources",
            ])
            .on([zone_arn]),
            Statement::allow(["route53:ListHostedZones"]).on_all(),
        ]);
        let name = ground.role_name("external-dns");
        let policies = RolePolicies::default().customer("rights", document);
        let role = irsa_role(cx, "role", name, &ground.cluster, &account(ACCOUNT), policies)?;
        let chart = Chart {
            release: "external-dns",
            name: "external-dns",
            repository: "https://kubernetes-sigs.github.io/external-dns",
            values: tree!({
                "provider": { "name": "aws" },
                "sources": ["ingress"],
                "policy": "sync",
                "registry": "txt",
                "txtOwnerId": (ground.cluster.name),
                // The host is the zone's apex: any other affix would put the ownership record outside the zone.
                "txtPrefix": "skyplat-%{record_type}.",
                "domainFilters": [(zone.name)],
                "extraArgs": { "aws-zone-type": "private", "zone-id-filter": (zone.zone_id) },
                "serviceAccount": {
                    "create": true,
                    "name": ACCOUNT,
                    "annotations": { "eks.amazonaws.com/role-arn": (role.role_arn.as_text()) }
                }
            }),
        };
        let release = ground.release(cx, chart, &role.ready.and(&zone.ready))?;
        let records = cx
            .object("records", DnsRecordsGone { zone_id: zone.zone_id.as_text(), host: zone.name.clone() })
            .after(&release.ready())
            .add()?;
        Ok(ExternalDnsOutputs { records: records.ready() })
    }
}
