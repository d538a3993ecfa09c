//! What a refresh found, for people: object by object, field by field.

use super::style::{Role, Style};
use super::{count, push_line, value};
use crate::drift::{Drift, Finding};
use crate::object::Class;
use crate::state::State;
use crate::value::{Tree, paper};

/// Longest form of a value.
const VALUE_WIDTH: usize = 60;

/// Writes what a refresh found.
pub fn drift_text(state: &State, found: &[Drift], style: &dyn Style) -> String {
    let mut out = String::new();
    let owned = state.objects.values().filter(|record| record.node.class == Class::Owned).count();
    let (stack, objects) = (&state.stack.name, count(owned, "object"));
    if found.is_empty() {
        push_line(
            &mut out,
            &style.paint(
                Role::Strong,
                &format!("Nothing differs: {objects} of the stack {stack} are as recorded."),
            ),
        );
        return out;
    }
    let number = found.len();
    let head = format!("{number} of {objects} of the stack {stack} differ from the records");
    push_line(&mut out, &style.paint(Role::Strong, &head));
    push_line(&mut out, "");
    for drift in found {
        let (role, sign, what) = match &drift.finding {
            Finding::Changed(_) => (Role::Update, "~", String::new()),
            Finding::Missing => (Role::Delete, "-", "  is gone".to_owned()),
            Finding::Unreachable(why) => (Role::Warning, "?", format!("  could not be read: {why}")),
        };
        let name = style.paint(role, &format!("{sign} {}", drift.address));
        push_line(&mut out, &format!("  {name}  {}{what}", style.paint(Role::Faint, drift.kind.as_str())));
        if let Finding::Changed(changes) = &drift.finding {
            for change in changes {
                let json = |tree: &Option<Tree>| tree.as_ref().map(paper::display);
                // From the recorded value to the real one: that is the way the world went.
                let (recorded, real) = (json(&change.new), json(&change.old));
                let change_text = value::change(recorded.as_ref(), real.as_ref(), VALUE_WIDTH);
                push_line(&mut out, &format!("      {}: {change_text}", change.path));
            }
        }
    }
    push_line(&mut out, "");
    push_line(
        &mut out,
        &format!(
            "{} an apply puts them right; refresh --accept takes them into the records",
            style.paint(Role::Hint, "hint:")
        ),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{FieldPath, ObjectKind};
    use crate::plan::FieldChange;
    use crate::render::Plain;
    use crate::state::{Stack, Uid};
    use crate::tree;
    use crate::value::{Address, DigestKey};

    #[test]
    fn drift_goes_from_the_recorded_value_to_the_real_one() {
        let stack = Stack { name: "dev".to_owned(), id: "1".to_owned() };
        let state = State::new(stack, DigestKey::new([0; 32]));
        let change = FieldChange {
            path: FieldPath::default().key("tags").key("Name"),
            old: Some(tree!("renamed")),
            new: Some(tree!("hub")),
            forces_replace: false,
            unknown: Vec::new(),
        };
        let drift = |address: &str, finding| Drift {
            address: Address::new(address),
            kind: ObjectKind::new("ec2.vpc"),
            uid: Uid::new("1", &Address::new(address), 0),
            finding,
        };
        let found = [
            drift("hub/vpc/vpc", Finding::Changed(vec![change])),
            drift("hub/vpc/eip", Finding::Missing),
            drift("eu-west-1/vpc/vpc", Finding::Unreachable("the API did not answer".to_owned())),
        ];
        insta::assert_snapshot!(drift_text(&state, &found, &Plain));
    }
}
