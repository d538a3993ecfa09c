//! When a principal of IAM is seen by others.
//!
//! IAM writes in one region and is read in all: a role that was just made may be refused for some seconds
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>). Mostly
//! that takes about two seconds (pulumi/pulumi-awsx#927), which is what making a role takes anyway, and sometimes more:
//! tools wait for minutes (hashicorp/terraform-provider-aws#11127). When exactly is drawn from the seed and the role's uid, so
//! that runs can be repeated; the longest is data of the catalogue.

use std::time::Duration;

use skyplat_core::executor::{ErrorKind, ExecError};

use super::Call;
use crate::catalogue::ACCOUNT;
use crate::names::Names;
use crate::world::{Moment, Thing};

/// What another service sees of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is there.
    Yes,
    /// It is there, and not seen yet.
    NotYet,
    /// It is not there.
    No,
}

/// How long after it was asked for most roles are seen.
const USUALLY: Duration = Duration::from_secs(2);

/// Of a hundred roles so many are seen late.
const LATE: u32 = 25;

/// Returns when a role is seen by other services.
fn seen_at(call: &Call<'_>, role: &Thing) -> Moment {
    let names = Names::new(call.world.seed(), &role.uid);
    let longest = call.catalogue.role_seen_within;
    let is_late = names.below("is seen late", 100) < LATE;
    let (from, to) = if is_late { (USUALLY, longest) } else { (Duration::ZERO, USUALLY) };
    let millis = |time: Duration| u32::try_from(time.min(longest).as_millis()).unwrap_or(u32::MAX);
    let (from, to) = (millis(from), millis(to));
    let drawn = if to > from { from + names.below("is seen", to - from + 1) } else { to };
    role.created_at.saturating_add(Moment::from(drawn))
}

/// Returns whether a role of this world is seen.
pub(super) fn role(call: &Call<'_>, role: &Thing) -> Seen {
    if call.world.clock() >= seen_at(call, role) { Seen::Yes } else { Seen::NotYet }
}

/// Returns whether a principal is seen: an account, `*`, or a role or user by its ARN. One of this account that this
/// world never saw is someone else's; one that it saw go is not there.
pub(super) fn principal(call: &Call<'_>, name: &str) -> Seen {
    let is_account = |id: &str| id.len() == 12 && id.chars().all(|c| c.is_ascii_digit());
    if name == "*" || is_account(name) || name.starts_with('<') {
        return Seen::Yes;
    }
    let Some((account, resource)) = name
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
        .and_then(|(_, rest)| rest.split_once(':'))
    else {
        return Seen::No;
    };
    let noun = resource.split('/').next().unwrap_or_default();
    if resource != "root" && !(["role", "user"].contains(&noun) && resource.len() > noun.len() + 1) {
        return Seen::No;
    }
    let short = resource.rsplit('/').next().unwrap_or_default();
    match call.find("iam.role", short).filter(|_| noun == "role" && account == ACCOUNT) {
        Some(thing) if thing.output("arn") == Some(name) => role(call, thing),
        // A role of this name with another path.
        Some(_) => Seen::No,
        None if account == ACCOUNT && noun == "role" && call.world.is_past(short) => Seen::No,
        None => Seen::Yes,
    }
}

/// The API does not see a role yet.
pub(super) fn not_yet(code: &str, name: &str) -> ExecError {
    ExecError::new(ErrorKind::NotYetVisible, format!("{name} is not seen yet: it was just made")).code(code)
}
