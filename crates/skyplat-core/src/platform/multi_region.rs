//! Several equal regions, each with a cluster and its addons, all peered with each other.

use super::{Builder, PlatformError, outputs};
use crate::resource::addon::Namespaces;

/// Adds the resources and outputs of a multi-region platform.
pub(super) fn build(builder: &mut Builder<'_>) -> Result<(), PlatformError> {
    let mut clusters = Vec::new();
    for network in builder.networks()? {
        let region = builder.cluster(network, None)?;
        builder.base_addons(&region)?;
        builder.other_addons(&region, Namespaces::default())?;
        clusters.push(region.eks);
    }
    outputs::export_multi_region(&mut builder.graph, clusters);
    Ok(())
}
