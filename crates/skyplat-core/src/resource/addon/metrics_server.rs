//! metrics-server: `kubectl top`, and autoscaling by load.
//!
//! It serves an API of the cluster. While that API has no pods behind it, no namespace can be deleted; so the chart comes
//! after the cluster's namespaces, and goes before them.

use super::{AddonBase, Chart};
use crate::graph::{Handle, LowerError, Lowering, Ready, Resource};
use crate::resource::api_server::ApiServer;
use crate::resource::data_plane::{DataPlane, DataPlaneSystem};
use crate::resource::subnet_router::SubnetRouter;
use crate::tree;

/// What has a namespace that is deleted with it.
#[derive(Debug, Clone, Default)]
pub struct Namespaces {
    /// The tenants of the cluster.
    pub data_planes: Vec<Handle<DataPlane>>,
    /// What they share.
    pub system: Option<Handle<DataPlaneSystem>>,
    /// The API server.
    pub api_server: Option<Handle<ApiServer>>,
    /// The subnet router.
    pub subnet_router: Option<Handle<SubnetRouter>>,
}

impl Namespaces {
    fn ready(&self, cx: &mut Lowering<'_>) -> Result<Ready, LowerError> {
        let mut marks = Vec::new();
        for handle in &self.data_planes {
            marks.push(cx.outputs(*handle)?.namespace_ready);
        }
        if let Some(handle) = self.system {
            marks.push(cx.outputs(handle)?.namespace_ready);
        }
        if let Some(handle) = self.api_server {
            marks.push(cx.outputs(handle)?.namespace_ready);
        }
        if let Some(handle) = self.subnet_router {
            marks.push(cx.outputs(handle)?.namespace_ready);
        }
        Ok(Ready::all(&marks))
    }
}

/// metrics-server.
#[derive(Debug, Clone)]
pub struct MetricsServer {
    /// What it stands on.
    pub base: AddonBase,
    /// The namespaces that it must not outlive.
    pub namespaces: Namespaces,
}

impl Resource for MetricsServer {
    const KIND: &'static str = "Addon";
    type Outputs = ();

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<(), LowerError> {
        let ground = self.base.ground(cx)?;
        let namespaces = self.namespaces.ready(cx)?;
        let chart = Chart {
            release: "metrics-server",
            name: "metrics-server",
            repository: "https://kubernetes-sigs.github.io/metrics-server",
            values: tree!({}),
        };
        ground.release(cx, chart, &namespaces)?;
        Ok(())
    }
}
