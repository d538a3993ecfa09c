//! Objects of IAM: roles, policies and what ties them together. IAM is global: none of them has a region.

pub mod attachment;
pub mod document;
pub mod oidc;
pub mod policy;
pub mod role;
pub mod service_linked;

pub use attachment::IamPolicyAttachment;
pub use document::{Condition, Effect, PolicyDocument, Principal, Statement};
pub use oidc::IamOidcProvider;
pub use policy::IamPolicy;
pub use role::IamRole;
pub use service_linked::IamServiceLinkedRole;
