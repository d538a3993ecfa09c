//! Gates: objects that make nothing and wait.
//!
//! On the way up a gate waits until something holds; on the way down, since a destroy is the reversed graph, until
//! something is undone. What a gate stands *before* depends on it; what must still be there while it waits, it depends
//! on. So "never remove a controller before the objects whose finalizers it owns" is an edge like any other:
//!
//! ```text
//! chart of the load balancer controller  ◀──  gate.load_balancers  ◀──  an Ingress
//!   up:    the chart, then the gate (holds at once), then the Ingress
//!   down:  the Ingress, then the gate (waits until its load balancer is gone), then the chart
//! ```
//!
//! A gate watches what its inputs refer to. Gates are listed in a plan as `wait` and `drain`, and never counted.

use serde::{Deserialize, Serialize};

use super::{Class, FieldRules, Object};
use crate::value::Value;

/// Declares a gate: its kind, its inputs and no outputs.
macro_rules! gate {
    (
        $(#[$doc:meta])*
        $gate:ident, $outputs:ident, $kind:literal {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $gate {
            $( $(#[$field_doc])* pub $field: $type, )*
        }

        crate::outputs! {
            /// A gate gives nothing back.
            pub struct $outputs of $gate {}
        }

        impl Object for $gate {
            const KIND: &'static str = $kind;
            const CLASS: Class = Class::Gate;
            type Outputs = $outputs;

            fn rules(&self) -> FieldRules {
                FieldRules::new()
            }
        }
    };
}

gate!(
    /// Up: the first node of a cluster is Ready. It stands after the first chart whose pods need a node, because
    /// Karpenter launches nodes for pending pods only.
    FirstNode, FirstNodeOutputs, "gate.first_node" {
        /// The cluster's name.
        cluster: Value<String>,
    }
);
gate!(
    /// Down: a pool's NodeClaims and their instances are gone.
    NodeClaimsGone, NodeClaimsGoneOutputs, "gate.nodeclaims" {
        /// The cluster's name.
        cluster: Value<String>,
        /// The NodePool's name.
        node_pool: String,
    }
);
gate!(
    /// Down: launch templates that a cluster's Karpenter left behind are deleted, by their tag.
    LaunchTemplatesGone, LaunchTemplatesGoneOutputs, "gate.launch_templates" {
        /// The cluster's name.
        cluster: Value<String>,
    }
);
gate!(
    /// Down: the load balancers that a cluster's controller made are gone, with target groups and security groups.
    LoadBalancersGone, LoadBalancersGoneOutputs, "gate.load_balancers" {
        /// The cluster's name.
        cluster: Value<String>,
    }
);
gate!(
    /// Down: no volume of a CSI driver is attached to a node any more. A driver that goes earlier leaves attachments that
    /// nobody ends, and a node with one is drained for hours.
    VolumesDetached, VolumesDetachedOutputs, "gate.volume_attachments" {
        /// The cluster's name.
        cluster: Value<String>,
        /// The driver's name, such as `ebs.csi.aws.com`.
        driver: String,
    }
);
gate!(
    /// Down: network interfaces that a deleted cluster or its nodes left behind are swept.
    NetworkInterfacesGone, NetworkInterfacesGoneOutputs, "gate.network_interfaces" {
        /// The VPC.
        vpc_id: Value<String>,
        /// The cluster's name, by whose tag leftovers are found.
        cluster: String,
    }
);
gate!(
    /// Down: the records that external-dns wrote for a host are gone from the zone. Those that it leaves alone for some
    /// minutes, because it looks at another zone by now or is switched off, are swept.
    DnsRecordsGone, DnsRecordsGoneOutputs, "gate.dns_records" {
        /// The zone.
        zone_id: Value<String>,
        /// The host whose records are waited for.
        host: Value<String>,
    }
);
gate!(
    /// Up: a custom resource definition is established.
    CrdEstablished, CrdEstablishedOutputs, "gate.crd" {
        /// The definition's name, such as `connectors.tailscale.com`.
        crd: String,
    }
);
gate!(
    /// Up: a webhook's service has a ready endpoint.
    WebhookReady, WebhookReadyOutputs, "gate.webhook" {
        /// The service's namespace.
        namespace: Value<String>,
        /// The service's name.
        service: String,
    }
);
gate!(
    /// Down: a namespace holds no workloads, volumes or load balancer services that SkyPilot or its users made.
    WorkloadsGone, WorkloadsGoneOutputs, "gate.workloads" {
        /// The cluster's name.
        cluster: Value<String>,
        /// The namespace.
        namespace: Value<String>,
    }
);
