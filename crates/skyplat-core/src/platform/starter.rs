//! The starter: one network with one cluster and its addons.

use super::{Builder, PlatformError, outputs};
use crate::resource::addon::Namespaces;

/// Adds the resources and outputs of a starter.
pub(super) fn build(builder: &mut Builder<'_>) -> Result<(), PlatformError> {
    for network in builder.networks()? {
        let region = builder.cluster(network, None)?;
        builder.base_addons(&region)?;
        builder.other_addons(&region, Namespaces::default())?;
        outputs::export_starter(&mut builder.graph, region.eks);
    }
    Ok(())
}
