//! How the simulated APIs say no.

use skyplat_core::executor::{ErrorKind, ExecError};
use skyplat_core::object::ObjectKind;

/// The API refuses the inputs.
pub(crate) fn invalid(code: &str, message: impl Into<String>) -> ExecError {
    ExecError::new(ErrorKind::Invalid, message).code(code)
}

/// Something else still uses the thing.
pub(crate) fn in_use(code: &str, message: impl Into<String>) -> ExecError {
    ExecError::new(ErrorKind::DependencyViolation, message).code(code)
}

/// Another operation is under way.
pub(crate) fn busy(code: &str, message: impl Into<String>) -> ExecError {
    ExecError::new(ErrorKind::Busy, message).code(code)
}

/// The thing itself is not there.
pub(crate) fn gone(kind: &ObjectKind, id: &str) -> ExecError {
    ExecError::new(ErrorKind::NotFound, format!("the {kind} {id} does not exist"))
}

/// Another thing has the same natural key.
pub(crate) fn twin(kind: &ObjectKind, key: &str) -> ExecError {
    let code = match kind.as_str() {
        "ec2.security_group" => "InvalidGroup.Duplicate",
        "ec2.security_group_rule" => "InvalidPermission.Duplicate",
        "ec2.route" => "RouteAlreadyExists",
        "ec2.subnet" => "InvalidSubnet.Conflict",
        "efs.mount_target" => "MountTargetConflict",
        "route53.zone" | "route53.zone_association" => "ConflictingDomainExists",
        "events.rule" | "logs.log_group" => "ResourceAlreadyExistsException",
        "sqs.queue" => "QueueAlreadyExists",
        "secretsmanager.secret" => "ResourceExistsException",
        "cognito.user" => "UsernameExistsException",
        _ => match kind.service() {
            "ec2" => "Resource.AlreadyAssociated",
            "iam" => "EntityAlreadyExists",
            "eks" => "ResourceInUseException",
            "cognito" => "InvalidParameterException",
            _ => "AlreadyExists",
        },
    };
    ExecError::new(ErrorKind::AlreadyExists, format!("there is already a {kind} {key}"))
        .code(code)
        .hint("it was made by someone else: import it, or choose another name")
}

/// The API cannot change a field in place.
pub(crate) fn immutable(kind: &ObjectKind, field: &str) -> ExecError {
    let code = match kind.service() {
        "k8s" => "422 Invalid",
        "ec2" => "InvalidParameterValue",
        _ => "InvalidParameterException",
    };
    invalid(code, format!("{field} of a {kind} cannot be changed"))
}
