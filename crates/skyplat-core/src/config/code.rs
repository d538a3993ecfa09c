//! The stable codes of everything a configuration can be told about itself.
//!
//! A message may be reworded; a code never changes its meaning. Programs and tests go by codes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the codes with their spelling.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// What a [`Diagnostic`](super::Diagnostic) is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the code as it is printed.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

codes!(
    // The file.
    /// The bytes are no UTF-8 text.
    NotText = "not-text",
    /// The file, or what its aliases expand to, is larger than any platform.
    TooLarge = "too-large",
    /// The text is no YAML.
    Syntax = "syntax",
    /// A mapping has one key twice.
    DuplicateKey = "duplicate-key",
    /// The file has more than one YAML document.
    MultipleDocuments = "multiple-documents",
    /// A YAML tag has no meaning here.
    UnsupportedTag = "unsupported-tag",
    /// The file has no content.
    EmptyFile = "empty-file",
    // The shape.
    /// A key has no meaning at its place.
    UnknownKey = "unknown-key",
    /// A key is needed and absent, or has no value.
    MissingKey = "missing-key",
    /// A value is of another type than its key takes.
    WrongType = "wrong-type",
    /// A value is none of the words its key takes.
    UnknownValue = "unknown-value",
    /// A list has no element where one is needed.
    EmptyList = "empty-list",
    /// Keys of different platform shapes, or of different projects, stand side by side.
    MixedShapes = "mixed-shapes",
    /// A key belongs to another program and is not read.
    ForeignKey = "foreign-key",
    // Regions and addresses.
    /// There is no such region.
    UnknownRegion = "unknown-region",
    /// A region occurs twice.
    DuplicateRegion = "duplicate-region",
    /// Regions of different partitions cannot form one platform.
    MixedPartitions = "mixed-partitions",
    /// The topology does not fit the shape.
    BadTopology = "bad-topology",
    /// A text is no IPv4 range.
    BadCidr = "bad-cidr",
    /// A VPC's range is not private.
    PublicCidr = "public-cidr",
    /// A VPC's range is too large, or too small for its subnets.
    CidrSize = "cidr-size",
    /// Two VPCs share addresses.
    CidrOverlap = "cidr-overlap",
    /// A VPC's range is taken by something else.
    ReservedCidr = "reserved-cidr",
    /// Fewer than two availability zones.
    TooFewZones = "too-few-zones",
    /// A zone is unknown to its region, or occurs twice.
    BadZone = "bad-zone",
    /// The list of who may reach a public endpoint cannot work.
    BadPublicAccess = "bad-public-access",
    // Names.
    /// A name breaks the rules for names.
    BadName = "bad-name",
    /// A name is kept for the platform or for Kubernetes.
    ReservedName = "reserved-name",
    /// Two things in one place have one name.
    DuplicateName = "duplicate-name",
    /// A text is no host name.
    BadHost = "bad-host",
    /// A text is no email address.
    BadEmail = "bad-email",
    /// A text is no account id.
    BadAccountId = "bad-account-id",
    // Node pools.
    /// A pool names no instances.
    NoInstances = "no-instances",
    /// A text is no instance type, family or category.
    BadInstance = "bad-instance",
    /// A pool has machines with and without GPUs.
    MixedGpu = "mixed-gpu",
    /// A pool has accelerators that the NVIDIA device plugin does not serve.
    UnsupportedAccelerator = "unsupported-accelerator",
    /// A pool's architecture is not that of its instances.
    ArchitectureMismatch = "architecture-mismatch",
    /// A text is no size, or not a possible one.
    BadSize = "bad-size",
    /// A taint breaks Kubernetes' rules.
    BadTaint = "bad-taint",
    /// No pool takes a pod without tolerations, and the platform cannot add one.
    NoRoom = "no-room",
    /// A label breaks Kubernetes' rules.
    BadLabel = "bad-label",
    /// A quota breaks Kubernetes' rules.
    BadQuota = "bad-quota",
    // AWS names.
    /// A text is no ARN of the kind its key takes.
    BadArn = "bad-arn",
    /// An ARN has the right start, but its rest does not look right.
    SuspiciousArn = "suspicious-arn",
    /// A value is evidently still to be filled in.
    Placeholder = "placeholder",
    /// A tag breaks the rules for tags.
    BadTag = "bad-tag",
    /// A tag's key is kept for AWS, Kubernetes, Karpenter or skyplat.
    ReservedTag = "reserved-tag",
    /// An IAM path breaks the rules for paths.
    BadIamPath = "bad-iam-path",
    // Versions and parts.
    /// A text is no version.
    BadVersion = "bad-version",
    /// Versions do not fit together.
    IncompatibleVersions = "incompatible-versions",
    /// AWS charges extra for a version of Kubernetes this old.
    ExtendedSupport = "extended-support",
    /// An addon is off that something else needs.
    MissingAddon = "missing-addon",
    /// A setting has no effect beside another.
    NoEffect = "no-effect",
    // Wide defaults.
    /// Nothing leads into the private network.
    NoWayIn = "no-way-in",
    /// Every user may use the workspaces of some tenants.
    OpenWorkspace = "open-workspace",
    /// The workloads of some tenants may do much with the account.
    WideTenantPolicies = "wide-tenant-policies",
    /// The whole world may reach a Kubernetes endpoint.
    OpenEndpoint = "open-endpoint",
    /// The first administrator's email is made up.
    DefaultAdminEmail = "default-admin-email",
    /// Users who are given no role are administrators.
    AdminByDefault = "admin-by-default",
);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
