//! The words that a configuration may use where only a few are known, and how zones are chosen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ZoneName;

/// Availability zones: how many, or which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Zones {
    /// At most so many of the usable zones, in the order of their names.
    Count(u64),
    /// Exactly these zones.
    Names(Vec<ZoneName>),
}

impl Default for Zones {
    fn default() -> Self {
        Self::Count(3)
    }
}

/// Declares an enum of fixed words with its YAML spelling, so that reader, messages and serde agree.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of the documentation.
            pub const WORDS: &[(&'static str, Self)] = &[$(($word, Self::$variant),)+];

            /// Returns the word as the file spells it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words!(
    /// Which regions are peered with which.
    Topology {
        /// The hub with each spoke; spokes do not reach each other.
        #[default]
        HubAndSpoke = "hub_and_spoke",
        /// Every region with every other.
        FullMesh = "full_mesh",
    }
);
words!(
    /// NAT gateways of a region.
    Nat {
        /// One for all zones: cheaper, and lost with its zone.
        #[default]
        One = "one",
        /// One in each zone.
        PerAz = "per_az",
    }
);
words!(
    /// From where a cluster's Kubernetes endpoint can be reached.
    Endpoint {
        /// From the VPC, and from `public_access_cidrs`.
        #[default]
        Public = "public",
        /// From the VPC alone.
        Private = "private",
    }
);
words!(
    /// Role of a SkyPilot user.
    UserRole {
        /// May do everything.
        #[default]
        Admin = "admin",
        /// May run workloads in the workspaces open to them.
        User = "user",
        /// May look, not run.
        Viewer = "viewer",
    }
);
words!(
    /// How instances are bought.
    CapacityType {
        /// Spare capacity: cheap, taken back at two minutes' notice.
        Spot = "spot",
        /// Regular capacity.
        #[default]
        OnDemand = "on-demand",
    }
);
words!(
    /// CPU architecture.
    Architecture {
        /// Intel and AMD.
        #[default]
        Amd64 = "amd64",
        /// Graviton.
        Arm64 = "arm64",
    }
);
words!(
    /// What a taint does to pods that do not tolerate it.
    TaintEffect {
        /// They are not placed.
        #[default]
        NoSchedule = "NoSchedule",
        /// They are placed only when nothing else fits.
        PreferNoSchedule = "PreferNoSchedule",
        /// They are not placed, and running ones are evicted.
        NoExecute = "NoExecute",
    }
);
