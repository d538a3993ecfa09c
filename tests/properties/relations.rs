//! What must come out the same when only the way there differs.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use proptest::prelude::*;
use skyplat::engine::{Control, Event};
use skyplat::object::ObjectNode;
use skyplat::plan::{Action, Plan};
use skyplat::state::{Entry, State, StateError, StoreSession};
use skyplat::value::Address;
use skyplat::workspace::unwatched;
use tokio::sync::oneshot;

use crate::alike::assert_alike;
use crate::cases;
use crate::configs::{Platform, Shape, Size, Tenant, platform, tenant};
use crate::stand::{README, Run, STARTER, Stand, assert_same, simulate};
use crate::yaml::{Dice, Node, entry, plain, text};

/// How many edits there are, and the number of one of them.
const EDITS: usize = 7;
const TENANT: usize = 3;

/// One edit of a platform, by its number.
fn edited(platform: &Platform, edit: usize, tenant: &Tenant) -> Platform {
    let mut other = platform.with("protect", None);
    match (&mut other.shape, edit) {
        (_, 0) => return other.with("tags", Some(Node::Map(vec![entry("team", text("ml"))]))),
        (_, 1) => return other.with("nat", Some(text("per_az"))),
        // The other addons stay as they are: what external-dns has written stays when it is switched off again.
        (_, 2) => {
            let mut addons = match other.setting("addons") {
                Some(Node::Map(addons)) => addons.clone(),
                _ => Vec::new(),
            };
            addons.retain(|(name, _)| name != "efs_csi");
            addons.push(entry("efs_csi", plain(false)));
            return other.with("addons", Some(Node::Map(addons)));
        }
        (Shape::HubAndSpoke { hub, .. }, TENANT) => {
            hub.tenants.retain(|other| other.name != tenant.name);
            hub.tenants.push(tenant.clone());
        }
        (Shape::HubAndSpoke { hub, .. }, 4) => hub.has_router = !hub.has_router,
        (Shape::HubAndSpoke { spokes, .. }, 5) => drop(spokes.pop()),
        (Shape::HubAndSpoke { hub, .. }, _) => drop(hub.pools.pop()),
        (Shape::MultiRegion { pools, .. } | Shape::Starter { pools, .. }, _) => drop(pools.pop()),
    }
    other
}

/// What a plan does to each object: nothing of order, digests or serials.
fn steps(plan: &Plan) -> BTreeMap<&Address, (Action, String)> {
    let line = |step: &skyplat::plan::Step| (step.action, format!("{:?} {:?}", step.order, step.reasons));
    plan.steps.iter().map(|step| (&step.address, line(step))).collect()
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn an_edit_and_its_undoing_lead_back(
        platform in platform(Size { spokes: 1, ..Size::SMALL }), other in 0..EDITS, tenant in tenant(),
    ) {
        let before = platform.with("protect", None).plain();
        simulate(|| async {
            let stand = Stand::new();
            stand.up(&before).await;
            let first = stand.world().await;
            // The tenant that comes and goes is what happens most.
            for edit in [TENANT, other] {
                let after = edited(&platform, edit, &tenant).plain();
                for text in [&after, &before] {
                    let run = stand.up(text).await;
                    crate::life::in_order(&run);
                    crate::life::within_limits(&run, &stand.options());
                    stand.is_settled(text).await;
                }
                assert_alike("there and back", &first, &stand.world().await);
            }
        });
    }

    #[test]
    fn an_edit_in_one_step_or_piece_by_piece_ends_the_same(
        platform in platform(Size { spokes: 1, ..Size::SMALL }), edit in 0..EDITS, tenant in tenant(), seed in any::<u64>(),
    ) {
        let before = platform.with("protect", None).plain();
        let after = edited(&platform, edit, &tenant).plain();
        simulate(|| async {
            let whole = Stand::new();
            whole.up(&before).await;
            let pieces = whole.fork().await;
            whole.up(&after).await;
            let mut dice = Dice(seed);
            // A few objects of those that still change, each with all that it needs.
            for _ in 0..4 {
                let plan = pieces.plan(&after).await.plan;
                let left: Vec<&Address> = plan
                    .steps
                    .iter()
                    .filter(|step| step.action.is_change() && step.action != Action::Delete)
                    .map(|step| &step.address)
                    .collect();
                if left.is_empty() {
                    break;
                }
                let target = left[dice.below(left.len())].clone();
                let prepared = pieces.try_plan(Some(&after), &[target]).await.unwrap();
                pieces.run(prepared).await;
            }
            pieces.up(&after).await;
            pieces.is_settled(&after).await;
            assert_same("piece by piece", &whole.world().await, &pieces.world().await);
        });
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn the_order_of_declaration_matters_to_nothing(platform in platform(Size { spokes: 4, ..Size::FULL })) {
        let (one, other) = (platform.plain(), platform.turned_around().plain());
        simulate(|| async {
            let (one, other) = (Stand::new().plan(&one).await, Stand::new().plan(&other).await);
            assert_eq!(steps(&one.plan), steps(&other.plan));
            // Fields that are lists in the configuration's order may differ, and nothing else does.
            let (one, other) = (one.description.graph, other.description.graph);
            for (address, node) in one.nodes() {
                assert_eq!(node.depends_on(), other.nodes()[address].depends_on(), "{address}");
            }
        });
    }

    #[test]
    fn one_more_tenant_leaves_other_objects_alone(platform in platform(Size { spokes: 3, ..Size::FULL }), tenant in tenant()) {
        let mut more = platform.clone();
        let Shape::HubAndSpoke { hub, .. } = &mut more.shape else { return Ok(()) };
        if hub.tenants.is_empty() || hub.tenants.iter().any(|other| other.name == tenant.name) {
            return Ok(());
        }
        hub.tenants.push(tenant.clone());
        let touched = |address: &Address| {
            let parts: Vec<&str> = address.as_str().split('/').collect();
            matches!(parts.as_slice(), ["hub", "data-plane" | "role", name, ..] if *name == tenant.name)
                // What lists all tenants.
                || parts.starts_with(&["hub", "api-server"])
        };
        untouched_but(&platform, &more, touched)?;
    }

    #[test]
    fn one_more_spoke_leaves_other_objects_alone(platform in platform(Size { spokes: 3, ..Size::FULL })) {
        let mut fewer = platform.clone();
        let Shape::HubAndSpoke { spokes, .. } = &mut fewer.shape else { return Ok(()) };
        let Some(last) = spokes.pop() else { return Ok(()) };
        let touched = |address: &Address| {
            let parts: Vec<&str> = address.as_str().split('/').collect();
            parts[0] == last.area.region
                || (parts[0] == "peering" && parts[1].contains(last.area.region))
                // The account's role for spot instances, when this spoke alone has them.
                || parts[0] == "account"
                // What lists all regions: the server, the zone's networks, the advertised routes.
                || parts.starts_with(&["hub", "api-server"])
                || parts.starts_with(&["hub", "service-discovery"])
                || parts.starts_with(&["hub", "subnet-router"])
        };
        untouched_but(&fewer, &platform, touched)?;
    }
}

/// Checks that an edit changes no object but these: neither what it is nor what is planned for it.
fn untouched_but(
    one: &Platform,
    other: &Platform,
    touched: impl Fn(&Address) -> bool,
) -> Result<(), TestCaseError> {
    let plan = |text: String| simulate(|| async { Stand::new().plan(&text).await });
    let (one, other) = (plan(one.plain()), plan(other.plain()));
    let (ones, others) = (one.description.graph.nodes(), other.description.graph.nodes());
    let addresses: BTreeSet<&Address> = ones.keys().chain(others.keys()).collect();
    let (steps_before, steps_after) = (steps(&one.plan), steps(&other.plan));
    for address in addresses.into_iter().filter(|address| !touched(address)) {
        // What only has an order may come after more than before.
        let thing = |node: &ObjectNode| ObjectNode { after: BTreeSet::new(), ..node.clone() };
        prop_assert_eq!(ones.get(address).map(thing), others.get(address).map(thing), "{}", address);
        prop_assert_eq!(steps_before.get(address), steps_after.get(address), "{}", address);
    }
    Ok(())
}

/// A session that is over after so many entries: whoever waits for the end of the run waits for ever.
#[derive(Debug)]
struct Mortal {
    inner: Box<dyn StoreSession>,
    left: usize,
    over: Option<oneshot::Sender<()>>,
}

#[async_trait]
impl StoreSession for Mortal {
    fn state(&self) -> &State {
        self.inner.state()
    }

    async fn write(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        let written = entries.len().min(self.left);
        self.left -= written;
        self.inner.write(&entries[..written]).await?;
        if written == entries.len() {
            return Ok(());
        }
        drop(self.over.take());
        std::future::pending().await
    }

    async fn sync(&mut self) -> Result<(), StateError> {
        self.inner.sync().await
    }

    async fn compact(&mut self) -> Result<(), StateError> {
        self.inner.compact().await
    }
}

/// Applies, or destroys without a configuration, and drops the run at some instant.
async fn killed_after(stand: &Stand, text: Option<&str>, entries: usize) {
    let prepared = stand.try_plan(text, &[]).await.unwrap();
    let (tell, over) = oneshot::channel();
    let mut session = Mortal { inner: stand.session().await, left: entries, over: Some(tell) };
    let (workspace, control) = (stand.workspace(stand.cloud.clone()), Control::new());
    let mut sink = unwatched();
    let run = workspace.apply(&prepared, &mut session, &control, &mut sink);
    tokio::select! {
        biased;
        report = run => drop(report.unwrap()),
        _ = over => {}
    }
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn a_crash_at_any_instant_and_another_run_is_no_crash(
        platform in platform(Size { spokes: 1, ..Size::SMALL }), cuts in prop::collection::vec(0..900usize, 1..3),
    ) {
        let text = platform.with("protect", None).plain();
        simulate(|| async {
            let (calm, stand) = (Stand::new(), Stand::new());
            calm.up(&text).await;
            for cut in &cuts {
                killed_after(&stand, Some(&text), *cut).await;
            }
            stand.up(&text).await;
            stand.is_settled(&text).await;
            assert_same("up", &calm.world().await, &stand.world().await);
            calm.down().await;
            for cut in &cuts {
                killed_after(&stand, None, *cut).await;
            }
            stand.down().await;
            assert_same("gone", &calm.world().await, &stand.world().await);
        });
    }

    #[test]
    fn parallelism_decides_nothing_but_the_time_and_a_seed_decides_every_event(
        platform in platform(Size { spokes: 1, ..Size::SMALL }),
    ) {
        let text = platform.with("protect", None).plain();
        simulate(|| async {
            let one = Stand::new();
            let first = one.up(&text).await;
            for parallelism in [4, 1] {
                let other = Stand::new().parallelism(parallelism);
                other.up(&text).await;
                assert_same("less at once", &one.world().await, &other.world().await);
            }
            let again = Stand::new();
            let second = again.up(&text).await;
            assert_eq!(written(&first), written(&second));
            assert_same("again", &one.world().await, &again.world().await);
        });
    }
}

fn written(run: &Run) -> Vec<String> {
    let line = |event: &Event| serde_json::to_string(event).unwrap();
    run.events.iter().map(line).collect()
}

/// On the README's platform and on the least there is: to the other and back, through everything between them.
#[test]
fn a_hub_and_the_least_there_is_lead_to_each_other_and_back() {
    simulate(|| async {
        let stand = Stand::new();
        stand.up(README).await;
        let first = stand.world().await;
        for text in [STARTER, README] {
            let run = stand.up(text).await;
            crate::life::in_order(&run);
            stand.is_settled(text).await;
        }
        assert_alike("there and back", &first, &stand.world().await);
    });
}

/// On the README's platform: a tenant and a spoke come before what lists them, and go after it.
#[test]
fn a_tenant_and_a_spoke_of_the_readme_come_and_go_in_order() {
    const TENANT: &str = "        - name: team-b-prod\n";
    const SPOKE: &str = "  sp:spokes:\n";
    simulate(|| async {
        let stand = Stand::new();
        stand.up(README).await;
        let first = stand.world().await;
        for (from, more) in [(TENANT, "        - name: team-c\n"), (SPOKE, "    - region: ap-south-1\n")] {
            assert!(README.contains(from));
            let after = README.replace(from, &format!("{from}{more}"));
            for text in [after.as_str(), README] {
                let run = stand.up(text).await;
                crate::life::in_order(&run);
                stand.is_settled(text).await;
            }
            assert_alike("there and back", &first, &stand.world().await);
        }
    });
}
