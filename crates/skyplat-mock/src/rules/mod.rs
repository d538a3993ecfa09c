//! What the simulated APIs allow, and what they give back.
//!
//! [`Rules`] are those of one service. They are pure: they look at the [`World`] and answer; nothing here waits or
//! writes. What every service checks alike (account and region, names that are taken, fields that stay, ids that must
//! name something) is checked before they are asked. A kind without rules gets the generic behaviour: natural keys are
//! unique, outputs repeat the inputs by name, and there is an `id` and an `arn`.
//!
//! An embedder's own kinds get rules of their own in the same way: implement [`Rules`] and add them to
//! [`MockOptions::rules`](crate::MockOptions::rules).
//!
//! # What is enforced
//!
//! Codes are the API's own; the kind of the error says what an engine may do about it (`Busy` and `NotYetVisible` pass,
//! `DependencyViolation` passes when the user goes, `Invalid`, `Quota` and `AlreadyExists` do not). Each rule cites where it is
//! from at its place in the code: an action of the API's reference, a page, or a thread.
//!
//! For every kind:
//!
//! | rule | refusal |
//! |---|---|
//! | the account is this one, the region exists | `AccessDenied`, `InvalidRegion` |
//! | ids name live things, of the right kind and in reach | `Invalid…NotFound`, `ResourceNotFoundException`, `NoSuchEntity` … |
//! | a name is free; one that is being deleted is still taken | `AlreadyExists`, then `Busy`, with the service's own code |
//! | fields that no call changes stay | `InvalidParameterValue`, `InvalidParameterException`, `422 Invalid` |
//! | the same uid again asks for the same | `IdempotentParameterMismatch` |
//! | quotas of account, region, VPC, role, cluster … ([`Quotas`](crate::Quotas)) | `Quota`: `VpcLimitExceeded`, `LimitExceeded` … |
//!
//! EC2:
//!
//! | rule | refusal |
//! |---|---|
//! | VPC and subnet are /16 to /28, a subnet inside its VPC, no two overlap, its zone open to the account | `InvalidVpc.Range`, `InvalidSubnet.Range`, `InvalidSubnet.Conflict`, `InvalidParameterValue` |
//! | one internet gateway a VPC, one route table a subnet, one gateway an address | `Resource.AlreadyAssociated` |
//! | a NAT gateway needs an attached internet gateway | `Gateway.NotAttached` |
//! | a route has one target, of the table's network, and its destination once | `InvalidParameterCombination`, `InvalidParameterValue`, `RouteAlreadyExists` |
//! | groups: names, descriptions, ports, one other end, inside one VPC | `InvalidGroup.Duplicate`, `InvalidGroup.Reserved`, `InvalidPermission.Malformed` … |
//! | gateway endpoints lead to S3 or DynamoDB of the region, once a table | `InvalidServiceName`, `InvalidParameter`, `RouteAlreadyExists` |
//! | peering: no overlap, once a pair, accepted in the accepter's region, before options and routes | `OperationNotPermitted`, `VpcPeeringConnectionAlreadyExists` … |
//! | what is used stays: VPC, subnet, group, gateway, address, table | `DependencyViolation`, `InvalidIPAddress.InUse` |
//!
//! IAM:
//!
//! | rule | refusal |
//! |---|---|
//! | names, paths, descriptions; names of roles differ by more than case | `ValidationError`, `EntityAlreadyExists` |
//! | documents: version, statements, effects, actions, resources, Sids, characters, length | `MalformedPolicyDocument`, `LimitExceeded` |
//! | principals of a trust policy exist: services, accounts, roles, providers | `MalformedPolicyDocument` |
//! | other services see a role after a while | `NotYetVisible`, with the asker's code |
//! | what is attached, in an instance profile or a boundary stays | `DeleteConflict` |
//!
//! EKS:
//!
//! | rule | refusal |
//! |---|---|
//! | a cluster: version, subnets in two zones of one VPC, groups, endpoint, ranges, logs, a role that trusts EKS | `InvalidParameterException`, `UnsupportedAvailabilityZoneException` |
//! | versions go up one by one, modes towards `API`, zones stay | `InvalidParameterException` |
//! | nothing is put into a cluster before it is `ACTIVE`, none is deleted while it is made or changed | `NotYetVisible`, `ResourceInUseException` (busy) |
//! | one operation on a cluster's Fargate profiles at a time; a cluster with profiles stays | `ResourceInUseException` |
//! | profiles: private subnets of the VPC, selectors, labels, a role that trusts Fargate | `InvalidParameterException` |
//! | an addon with a Deployment is `CREATING` until some profile or node takes its pods | nothing: it waits |
//! | access entries: the principal exists, once a cluster, mode with `API`, policies and scopes that fit | `InvalidParameterException`, `InvalidRequestException`, `ResourceInUseException` |
//!
//! Others:
//!
//! | rule | refusal |
//! |---|---|
//! | EFS: modes, one mount target a zone, one VPC, five groups, after `available`; one with mount targets stays | `BadRequest`, `MountTargetConflict`, `SecurityGroupNotFound`, `IncorrectFileSystemLifeCycleState`, `FileSystemInUse` |
//! | Route 53: names; a VPC sees one zone of a name; one change at a time; a zone with others' records stays | `InvalidDomainName`, `ConflictingDomainExists`, `PriorRequestNotComplete`, `HostedZoneNotEmpty` |
//! | Cognito: prefixes, OAuth settings, one branding a client, passwords; a pool with a domain stays | `InvalidParameterException`, `InvalidOAuthFlowException`, `InvalidPasswordException` … |
//! | Logs, SQS, EventBridge, Secrets Manager: names, periods, patterns, targets that exist | each its own |
//! | Kubernetes: namespace, definition and account first, names, labels, sizes, schemas, fields that stay | `404 NotFound`, `422 Invalid`, `400 BadRequest` |
//! | Kubernetes: a namespace that is `Terminating` takes nothing new, and is gone after some seconds | `403 Forbidden` (busy) |
//! | Helm: chart, source, version, name, namespace; a release whose install was cut off stays `pending-install` | `ChartNotFound`, `InvalidReleaseName`, `pending-install` (busy) |
//!
//! # What is not
//!
//! Rights of the caller; tags; names of queues and secrets that are kept for a while after a delete; the default VPC, which
//! counts in a real region; default groups and main route tables; what runs inside of pods.

mod book;
mod call;
mod cognito;
mod ec2;
mod efs;
mod eks;
pub(crate) mod error;
mod helm;
mod iam;
mod k8s;
mod made;
mod quota;
mod reference;
mod regional;
mod route53;
mod shared;
mod visible;

use std::fmt;

use skyplat_core::executor::ExecError;
use skyplat_core::object::ObjectKind;

pub use book::RuleBook;
pub use call::Call;
pub(crate) use call::texts;
pub(crate) use k8s::lookup;
pub use made::Made;
pub(crate) use shared::{container, same_request};

use crate::world::{Thing, World};

/// The rules of some kinds of objects: what their API refuses, and what it makes.
///
/// ```
/// use skyplat_core::executor::{ErrorKind, ExecError};
/// use skyplat_core::object::ObjectKind;
/// use skyplat_mock::rules::{Call, Made, RuleBook, Rules};
/// use skyplat_mock::{MockCloud, MockOptions};
///
/// /// A registry whose names are short.
/// #[derive(Debug)]
/// struct Registry;
///
/// impl Rules for Registry {
///     fn judges(&self, kind: &ObjectKind) -> bool {
///         kind.service() == "registry"
///     }
///
///     fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
///         match call.text("name") {
///             name if name.len() <= 20 => Ok(()),
///             name => Err(ExecError::new(ErrorKind::Invalid, format!("{name} is too long")).code("NameTooLong")),
///         }
///     }
///
///     fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
///         let id = format!("reg-{}", call.names().hex("id", 8));
///         Ok(Made::new(call, &*id).output("id", &id).repeat(&["name"]))
///     }
/// }
///
/// let rules = RuleBook::default().with(Registry);
/// let cloud = MockCloud::in_memory(MockOptions { rules, ..MockOptions::default() });
/// # assert!(cloud.world().is_empty());
/// ```
pub trait Rules: fmt::Debug + Send + Sync {
    /// Returns whether these are the rules of a kind.
    fn judges(&self, kind: &ObjectKind) -> bool;

    /// Judges a create.
    ///
    /// # Errors
    /// What the API refuses, of a kind that promises that nothing was done.
    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        let _ = call;
        Ok(())
    }

    /// Judges an update of a thing that is there.
    ///
    /// # Errors
    /// As [`Self::check_create`].
    fn check_update(&self, call: &Call<'_>, old: &Thing) -> Result<(), ExecError> {
        let _ = (call, old);
        Ok(())
    }

    /// Judges a delete.
    ///
    /// # Errors
    /// As [`Self::check_create`]; [`DependencyViolation`](skyplat_core::executor::ErrorKind::DependencyViolation) when
    /// something else still uses the thing.
    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        let _ = (world, thing);
        Ok(())
    }

    /// Makes what a create or an update asks for. Ids are drawn from [`Call::names`], so that they are the same in
    /// every run. Of an update only what the inputs decide counts: the id stays.
    ///
    /// # Errors
    /// As [`Self::check_create`].
    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        Ok(Made::generic(call))
    }

    /// Returns what a thing that was made still waits for before it works; none when it does.
    fn pending(&self, world: &World, thing: &Thing) -> Option<String> {
        let _ = (world, thing);
        None
    }

    /// Returns whether the work on this kind is done by whoever asks for it (as Helm does), not by a service: when that
    /// process dies, the thing stays where it was.
    fn is_done_by_the_caller(&self, kind: &ObjectKind) -> bool {
        let _ = kind;
        false
    }
}
