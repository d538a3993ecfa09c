//! How a team tests its own platform in its CI, on a simulated cloud: whatever edit of the configuration comes next, it
//! can be applied to what stands, leaves nothing to do, opens no door, and can be taken down to the last object.
//!
//! Copy this file, put your configuration in the place of [`Edit::yaml`] and the edits that you expect into [`edits`].
//! It needs `skyplat-mock` with the feature `virtual-time` and `proptest` as dev-dependencies; a case takes no longer than
//! its computing, because the cloud's half hours pass on a clock that jumps.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use skyplat::engine::{FinishedStatus, StepOutcome, StepReport};
use skyplat::mock::world::Thing;
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::object::Object;
use skyplat::object::ec2::Ec2SecurityGroupRule;
use skyplat::plan::{Observations, PlanOptions};
use skyplat::policy::{Checks, Consents, Finding, Severity};
use skyplat::prelude::*;
use skyplat::state::{Stack, StoreSession};
use skyplat::tree;
use skyplat::value::DigestKey;
use skyplat::workspace::{Description, FactChoice, Prepared, unwatched};

/// What people change in this team's platform.
#[derive(Debug, Clone)]
struct Edit {
    tenants: Vec<&'static str>,
    spokes: Vec<&'static str>,
    gpus: bool,
    logs: bool,
}

impl Edit {
    /// Writes the team's configuration with this edit.
    fn yaml(&self) -> String {
        let tenants: Vec<String> = self.tenants.iter().map(|name| format!("{{name: {name}}}")).collect();
        let spokes: Vec<String> = self.spokes.iter().map(|region| format!("{{region: {region}}}")).collect();
        let gpus = if self.gpus {
            "\n    - {name: gpus, capacity_type: spot, instance_type: [g5.xlarge]}"
        } else {
            ""
        };
        format!(
            "
hub:
  region: us-west-2
  node_pools:
    - {{name: system, capacity_type: on-demand, instance_type: [m7i.large]}}{gpus}
  skypilot:
    ingress_host: skypilot.example.com
    ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/uuid
    data_planes: [{}]
spokes: [{}]
addons: {{fluent_bit: {}}}
",
            tenants.join(", "),
            spokes.join(", "),
            self.logs
        )
    }

    fn config(&self) -> PlatformConfig {
        parse_config("platform.yaml", self.yaml().as_bytes(), Target::Simulated).unwrap().config
    }
}

fn edits() -> impl Strategy<Value = Edit> {
    let tenants = prop::sample::subsequence(vec!["team-a", "team-b", "team-c"], 1..=3);
    let spokes = prop::sample::subsequence(vec!["us-east-1", "eu-west-1"], 0..=2);
    (tenants, spokes, any::<bool>(), any::<bool>()).prop_map(|(tenants, spokes, gpus, logs)| Edit {
        tenants,
        spokes,
        gpus,
        logs,
    })
}

/// The team's stack on a simulated cloud.
struct Rehearsal {
    cloud: MockCloud,
    workspace: Workspace,
    session: Box<dyn StoreSession>,
    /// What was left in place as the platform asks for: an account's role for spot instances is shared with others.
    retained: BTreeSet<Address>,
}

impl Rehearsal {
    async fn begin() -> Self {
        let cloud = MockCloud::in_memory(MockOptions::default());
        let workspace = Workspace::simulated("dev", &cloud);
        let stack = Stack { name: "dev".into(), id: "0123456789abcdef".into() };
        let fresh = State::new(stack, DigestKey::new([7; 32]));
        let session = workspace.lock(fresh, &workspace.owner("ci", "test")).await.unwrap();
        Self { cloud, workspace, session, retained: BTreeSet::new() }
    }

    /// Plans what leads to the configuration, to nothing without one.
    async fn plan(&self, config: Option<&PlatformConfig>) -> Prepared {
        let state = self.session.state();
        let description = match config {
            Some(config) => {
                self.workspace.describe(config, &state.facts, FactChoice::Recorded).await.unwrap()
            }
            None => Description::default(),
        };
        let options = PlanOptions { destroy: config.is_none(), ..PlanOptions::default() };
        self.workspace.plan(description, state, Observations::none(), &options).unwrap()
    }

    async fn apply(&mut self, prepared: &Prepared) {
        let control = Control::new();
        let report =
            self.workspace.apply(prepared, self.session.as_mut(), &control, &mut unwatched()).await.unwrap();
        let failed: Vec<_> = report.failed().collect();
        assert_eq!(report.status, FinishedStatus::Succeeded, "{failed:#?}");
        let retained = |step: &&StepReport| matches!(step.outcome, StepOutcome::Retained { .. });
        self.retained.extend(report.steps.iter().filter(retained).map(|step| step.address.clone()));
    }
}

/// Returns what the policy checks find wrong: those that are built in, and here is the place for the team's own.
fn errors(rehearsal: &Rehearsal, prepared: &Prepared) -> Vec<Finding> {
    // These edits take things away on purpose.
    let checks = Checks::built_in().without("data_loss");
    let state = rehearsal.session.state();
    let verdict = rehearsal.workspace.judge(prepared, state, &checks, &Consents::none());
    verdict.findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// What people keep on the API server stays when the platform goes.
const SERVERS_VOLUME: &str = "hub/api-server/release/persistentvolumeclaim-skypilot-state/volume";

/// Lives through the edits one after the other and takes everything down at the end.
async fn live_through(edits: &[Edit]) {
    let mut rehearsal = Rehearsal::begin().await;
    for edit in edits {
        let config = edit.config();
        let prepared = rehearsal.plan(Some(&config)).await;
        assert_eq!(errors(&rehearsal, &prepared), []);
        rehearsal.apply(&prepared).await;
        let again = rehearsal.plan(Some(&config)).await;
        assert!(again.plan.is_empty(), "not settled: {:#?}", again.plan.summary);
    }
    let prepared = rehearsal.plan(None).await;
    rehearsal.apply(&prepared).await;
    let world = rehearsal.cloud.world();
    let stays = |thing: &Thing| {
        rehearsal.retained.contains(&thing.address) || thing.address.as_str() == SERVERS_VOLUME
    };
    let left: Vec<_> = world.things().filter(|thing| !stays(thing)).collect();
    assert!(left.is_empty() && rehearsal.session.state().is_empty(), "a destroy leaves {left:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn any_edits_can_be_applied_and_taken_down(edits in prop::collection::vec(edits(), 1..=3)) {
        simulate(|| live_through(&edits)).unwrap();
    }
}

#[test]
fn an_open_door_would_be_found() {
    let edit = Edit { tenants: vec!["team-a"], spokes: vec![], gpus: false, logs: true };
    let found = simulate(|| async {
        let rehearsal = Rehearsal::begin().await;
        let mut prepared = rehearsal.plan(Some(&edit.config())).await;
        let mut nodes: Vec<_> = prepared.description.graph.nodes().values().cloned().collect();
        let rule = nodes.iter_mut().find(|node| {
            node.kind.as_str() == Ec2SecurityGroupRule::KIND
                && node.inputs.get("direction") == Some(&tree!("ingress"))
        });
        rule.unwrap().inputs.set("cidr_ipv4", tree!("0.0.0.0/0"));
        prepared.description.graph = ObjectGraph::new(Vec::new(), nodes, BTreeMap::new()).unwrap();
        errors(&rehearsal, &prepared)
    });
    let found = found.unwrap();
    assert_eq!(found.iter().map(|finding| finding.check.as_str()).collect::<Vec<_>>(), ["open_ingress"]);
}
