//! A resource of your own beside the built-in ones: a bucket that one tenant may use, in an object store of yours.
//!
//! ```text
//! cargo run --example custom_resource
//! ```
//!
//! Top to bottom: the objects (what the store's API takes), the resource (what a person names, lowered to objects), the
//! rules (what the store's API refuses and makes, for the simulated cloud) with how long it takes, the executor (what
//! talks to the store), and the platform with all of it: a rehearsal on the simulated cloud alone, then with the store
//! plan, apply, an edit, destroy. The bucket's policy names the role that the platform makes for the tenant; the key that
//! the store makes for the bucket goes into a Secret in the tenant's namespace. Nothing says in which order: it follows
//! from who refers to whom.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use skyplat::engine::StepOutcome;
use skyplat::executor::{
    Created, Deleted, Desired, ErrorKind, ExecError, Observed, Op, OutputMap, Recorded, async_trait,
    output_map,
};
use skyplat::graph::{LowerError, Lowering};
use skyplat::ids::Region;
use skyplat::mock::rules::{Call, Made, RuleBook, Rules};
use skyplat::mock::world::{Thing, World};
use skyplat::mock::{MockCloud, MockOptions, simulate};
use skyplat::object::iam::{PolicyDocument, Principal, Statement};
use skyplat::object::k8s::K8sObject;
use skyplat::object::{FieldRules, Normal, Object, ObjectKind};
use skyplat::plan::{Action, Latency, LatencyTable, PlanOptions};
use skyplat::prelude::*;
use skyplat::resource::data_plane::DataPlane;
use skyplat::state::{Stack, StoreSession, Uid};
use skyplat::value::{DigestKey, Secret, ToTree, Tree, paper};
use skyplat::workspace::{Description, FactChoice, unwatched};
use skyplat::{outputs, tree};

type Failure = Box<dyn Error + Send + Sync>;

// ---- Objects: one thing behind one API, with the fields of that API. ----

/// A bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct S3Bucket {
    bucket: String,
    versioning: bool,
}

outputs! {
    /// What the store gives back for a bucket.
    pub struct S3BucketOutputs of S3Bucket {
        /// Its name: repeats an input, so that it is known at plan time.
        NAME bucket: String = echo "bucket",
        /// Its ARN.
        ARN arn: String,
        /// The key that its content is encrypted with. The state keeps a digest of it; nothing shows it.
        KEY key: Secret = secret,
    }
}

impl Object for S3Bucket {
    const KIND: &'static str = "s3.bucket";
    type Outputs = S3BucketOutputs;

    /// A bucket cannot be renamed; what is not named here is changed in place.
    fn rules(&self) -> FieldRules {
        FieldRules::new().replace(["bucket"])
    }

    /// Two buckets with one name are refused while lowering, and a replace deletes the old one first.
    fn natural_key(&self) -> Option<Tree> {
        Some(tree!([(self.bucket)]))
    }
}

/// Who may do what with a bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct S3BucketPolicy {
    bucket: Value<String>,
    policy: PolicyDocument,
}

outputs! {
    /// A policy has no outputs of its own.
    pub struct S3BucketPolicyOutputs of S3BucketPolicy {}
}

impl Object for S3BucketPolicy {
    const KIND: &'static str = "s3.bucket_policy";
    type Outputs = S3BucketPolicyOutputs;

    /// It lives in its bucket and dies with it; two spellings of one document are one.
    fn rules(&self) -> FieldRules {
        FieldRules::new().parents(["bucket"]).normalised("policy", Normal::IamDocument)
    }

    fn natural_key(&self) -> Option<Tree> {
        Some(tree!([(self.bucket)]))
    }
}

// ---- The resource: what a person names. ----

/// A bucket for one tenant.
#[derive(Debug)]
struct Bucket {
    name: String,
    region: Region,
    versioning: bool,
    tenant: Handle<DataPlane>,
}

/// What other resources may use of it.
#[derive(Debug, Clone)]
struct BucketOutputs {
    arn: Value<String>,
}

impl Resource for Bucket {
    const KIND: &'static str = "Bucket";
    type Outputs = BucketOutputs;

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<BucketOutputs, LowerError> {
        let tenant = cx.outputs(self.tenant)?;
        let bucket = S3Bucket { bucket: self.name.clone(), versioning: self.versioning };
        let bucket = cx.object("bucket", bucket).region(&self.region).add()?;
        let arn = bucket.output(S3Bucket::ARN);

        let content = Value::format([(&arn).into(), "/*".into()]);
        let statement = Statement::allow(["s3:GetObject", "s3:PutObject"])
            .principal(Principal::Aws(vec![tenant.role_arn.as_text()]))
            .on([content]);
        let policy = PolicyDocument::new([statement]);
        let policy = S3BucketPolicy { bucket: bucket.output(S3Bucket::NAME), policy };
        cx.object("policy", policy).region(&self.region).add()?;

        let key = K8sObject::new(tree!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "bucket-key", "namespace": (tenant.namespace) },
            "type": "Opaque",
            "stringData": { "key": (bucket.output(S3Bucket::KEY)) }
        }));
        cx.object("key", key).within(&tenant.cluster.container).add()?;
        Ok(BucketOutputs { arn })
    }
}

// ---- The rules: what the store's API refuses and makes, so that a platform can be rehearsed without the store. ----

/// The rules of the store, for the simulated cloud. That a name is taken once it checks by itself, by the natural key.
#[derive(Debug)]
struct StoreRules;

impl StoreRules {
    fn refuse(code: &str, message: String) -> ExecError {
        ExecError::new(ErrorKind::Invalid, message).code(code)
    }

    fn check(call: &Call<'_>) -> Result<(), ExecError> {
        let name = call.text("bucket");
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if call.kind() == S3Bucket::KIND && !((3..=63).contains(&name.len()) && name.chars().all(known)) {
            return Err(Self::refuse("InvalidBucketName", format!("{name:?} is no name of a bucket")));
        }
        if call.kind() == S3BucketPolicy::KIND && call.find(S3Bucket::KIND, name).is_none() {
            return Err(Self::refuse("NoSuchBucket", format!("there is no bucket {name}")));
        }
        Ok(())
    }
}

impl Rules for StoreRules {
    fn judges(&self, kind: &ObjectKind) -> bool {
        kind.service() == "s3"
    }

    fn check_create(&self, call: &Call<'_>) -> Result<(), ExecError> {
        Self::check(call)
    }

    fn check_update(&self, call: &Call<'_>, _: &Thing) -> Result<(), ExecError> {
        Self::check(call)
    }

    /// A bucket that has a policy stays: what is inside of it goes first.
    fn check_delete(&self, world: &World, thing: &Thing) -> Result<(), ExecError> {
        let mut policies = world.of_kind(S3BucketPolicy::KIND);
        match policies.find(|policy| policy.text("bucket") == Some(&thing.id)) {
            Some(_) if thing.kind.as_str() == S3Bucket::KIND => Err(ExecError::new(
                ErrorKind::DependencyViolation,
                format!("{} still has a policy", thing.id),
            )
            .code("BucketInUse")),
            _ => Ok(()),
        }
    }

    fn make(&self, call: &Call<'_>) -> Result<Made, ExecError> {
        let name = call.text("bucket");
        if call.kind() == S3BucketPolicy::KIND {
            return Ok(Made::new(call, format!("{name}/policy")).inside(call.find(S3Bucket::KIND, name)));
        }
        let outputs = S3BucketOutputs {
            bucket: name.to_owned(),
            arn: format!("arn:aws:s3:::{name}"),
            key: call.names().secret("key", 32),
        };
        Made::typed(call, name, &outputs)
    }
}

/// How long the store takes: for forecasts and the simulated cloud alike.
fn latencies() -> LatencyTable {
    let bucket = Latency { create: 2.0, delete: 3.0, update: 1.0 };
    LatencyTable::default().with(S3Bucket::KIND, bucket, "measured on our store, the slowest of 20")
}

// ---- The executor: what talks to the store. This store is a map; yours has an API. ----

/// A bucket as the store knows it. The tag is how a bucket is known to be ours.
#[derive(Debug, Clone)]
struct Stored {
    tag: Uid,
    versioning: bool,
    policy: Option<(Uid, Tree)>,
}

/// An object store. Clones share their buckets.
#[derive(Debug, Clone, Default)]
struct ObjectStore(Arc<Mutex<BTreeMap<String, Stored>>>);

impl ObjectStore {
    fn buckets(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outputs(name: &str, stored: &Stored) -> Result<OutputMap, ExecError> {
        output_map(&S3BucketOutputs {
            bucket: name.to_owned(),
            arn: format!("arn:aws:s3:::{name}"),
            key: Secret::new(format!("key of {}", stored.tag)),
        })
    }

    /// Writes a bucket or a policy as it is wanted.
    fn put(&self, object: &Desired) -> Result<Created, ExecError> {
        let mut buckets = self.buckets();
        if object.kind.as_str() == S3Bucket::KIND {
            let S3Bucket { bucket: name, versioning } = object.inputs()?;
            let empty = Stored { tag: object.uid.clone(), versioning, policy: None };
            let stored = buckets.entry(name.clone()).or_insert(empty);
            if stored.tag != object.uid {
                return Err(ExecError::new(ErrorKind::AlreadyExists, format!("{name} belongs to another")));
            }
            stored.versioning = versioning;
            return Ok(Created { outputs: Self::outputs(&name, stored)?, id: name });
        }
        let wanted: S3BucketPolicy = object.inputs()?;
        let name = wanted.bucket.known()?;
        let stored = buckets
            .get_mut(name)
            .ok_or_else(|| ExecError::new(ErrorKind::NotYetVisible, format!("there is no bucket {name}")))?;
        stored.policy = object.inputs.get("policy").map(|policy| (object.uid.clone(), policy.clone()));
        Created::new(format!("{name}/policy"), &S3BucketPolicyOutputs {})
    }

    /// Looks for the object with this identity.
    fn look(&self, kind: &ObjectKind, uid: &Uid) -> Result<Option<(String, Tree, OutputMap)>, ExecError> {
        for (name, stored) in self.buckets().iter() {
            if kind.as_str() == S3Bucket::KIND && stored.tag == *uid {
                let inputs = tree!({ "bucket": name, "versioning": (stored.versioning) });
                return Ok(Some((name.clone(), inputs, Self::outputs(name, stored)?)));
            }
            if let Some((owner, policy)) = &stored.policy
                && kind.as_str() == S3BucketPolicy::KIND
                && owner == uid
            {
                let inputs = tree!({ "bucket": name, "policy": policy });
                return Ok(Some((format!("{name}/policy"), inputs, OutputMap::new())));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Executor for ObjectStore {
    fn name(&self) -> &'static str {
        "object-store"
    }

    fn supports(&self, kind: &ObjectKind) -> bool {
        kind.service() == "s3"
    }

    async fn read(&self, cx: &Op, objects: &[Recorded]) -> Vec<Result<Observed, ExecError>> {
        cx.permit("s3").await;
        let see = |found: Option<(String, Tree, OutputMap)>| {
            found.map_or(Observed::Missing, |(_, inputs, outputs)| Observed::Present { inputs, outputs })
        };
        objects.iter().map(|object| self.look(&object.kind, &object.uid).map(see)).collect()
    }

    async fn find(&self, cx: &Op, object: &Desired) -> Result<Option<Created>, ExecError> {
        cx.permit("s3").await;
        let found = self.look(&object.kind, &object.uid)?;
        Ok(found.map(|(id, _, outputs)| Created { id, outputs }))
    }

    async fn create(&self, cx: &Op, object: &Desired) -> Result<Created, ExecError> {
        cx.permit("s3").await;
        let created = self.put(object)?;
        cx.identified(&created.id).await?;
        cx.sleep(Duration::from_secs(2)).await?;
        Ok(created)
    }

    async fn update(&self, cx: &Op, _: &Recorded, new: &Desired) -> Result<OutputMap, ExecError> {
        cx.permit("s3").await;
        Ok(self.put(new)?.outputs)
    }

    async fn delete(&self, cx: &Op, object: &Recorded) -> Result<Deleted, ExecError> {
        if object.on_delete == skyplat::object::OnDelete::Retain {
            return Ok(Deleted::Retained("it is to be kept".into()));
        }
        cx.permit("s3").await;
        let mut buckets = self.buckets();
        if object.kind.as_str() == S3Bucket::KIND {
            buckets.retain(|_, stored| stored.tag != object.uid);
        } else {
            for stored in buckets.values_mut() {
                stored.policy.take_if(|(owner, _)| *owner == object.uid);
            }
        }
        Ok(Deleted::Deleted)
    }
}

// ---- The platform: the built-in resources and ours. ----

const CONFIG: &[u8] = b"
hub:
  region: us-west-2
  node_pools:
    - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}
  skypilot:
    ingress_host: skypilot.example.com
    ingress_ssl_cert_arn: arn:aws:acm:us-west-2:123456789012:certificate/uuid
    data_planes: [{name: team-a}]
";

const BUCKET: &str = "sp-dev-team-a";

/// Builds the platform with a bucket for team-a.
fn platform(bucket: &str, versioning: bool) -> Result<ResourceGraph, Failure> {
    let config = parse_config("platform.yaml", CONFIG, Target::Simulated)?.config;
    let mut graph = build_platform(&config, "dev")?;
    let bucket = Bucket {
        name: bucket.into(),
        region: Region::new("us-west-2"),
        versioning,
        tenant: graph.handle("hub/data-plane/team-a")?,
    };
    let bucket = graph.add("hub/bucket/team-a", bucket)?;
    graph.export("team_a_bucket", move |exports| Ok(exports.outputs(bucket)?.arn.to_tree()));
    Ok(graph)
}

/// Plans what leads to these resources, to none for a destroy; shows what happens to the bucket's objects; does it.
async fn bring(
    workspace: &Workspace,
    session: &mut dyn StoreSession,
    wanted: Option<&ResourceGraph>,
) -> Result<usize, Failure> {
    let description = match wanted {
        Some(resources) => {
            workspace.describe_resources(resources, &session.state().facts, FactChoice::Recorded).await?
        }
        None => Description::default(),
    };
    let options = PlanOptions { destroy: wanted.is_none(), latencies: latencies(), ..PlanOptions::default() };
    let observed = workspace.observe(session.state(), &Control::new(), &mut unwatched()).await?;
    let prepared = workspace.plan(description, session.state(), observed, &options)?;
    let is_ours = |address: &Address| address.is_within(&"hub/bucket".into());
    for step in
        prepared.plan.steps.iter().filter(|step| is_ours(&step.address) && step.action != Action::Keep)
    {
        println!("  {} {} ({})", step.action, step.address, step.kind);
    }
    let report = workspace.apply(&prepared, session, &Control::new(), &mut unwatched()).await?;
    match report.failed().next() {
        Some(step) => match &step.outcome {
            StepOutcome::Failed { error, .. } => Err(format!("{}: {error}", step.address).into()),
            other => Err(format!("{}: {other:?}", step.address).into()),
        },
        None => Ok(prepared.plan.steps.iter().filter(|step| step.action.is_change()).count()),
    }
}

/// Begins a state in memory.
async fn begin(workspace: &Workspace) -> Result<Box<dyn StoreSession>, Failure> {
    let stack = Stack { name: "dev".into(), id: "0123456789abcdef".into() };
    let fresh = State::new(stack, DigestKey::new([7; 32]));
    Ok(workspace.lock(fresh, &workspace.owner("you", "apply")).await?)
}

/// Tries it all without the store: what the store would refuse is refused here, before anything real is touched.
async fn rehearse() -> Result<(), Failure> {
    let rules = RuleBook::default().with(StoreRules);
    let cloud = MockCloud::in_memory(MockOptions { rules, latencies: latencies(), ..MockOptions::default() });
    let workspace = Workspace::simulated("dev", &cloud);
    let mut session = begin(&workspace).await?;

    println!("A rehearsal with a slip in the name:");
    let refused = bring(&workspace, session.as_mut(), Some(&platform("Team_A", false)?)).await;
    let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
    println!("  {error}");
    expect(error.contains("no name of a bucket"), "the rules refuse the name")?;

    println!("A rehearsal with the right name:");
    bring(&workspace, session.as_mut(), Some(&platform(BUCKET, false)?)).await?;
    expect(cloud.world().of_kind(S3Bucket::KIND).count() == 1, "the simulated cloud has the bucket")?;
    bring(&workspace, session.as_mut(), None).await?;
    expect(is_cleared(&cloud.world()), "the rehearsal leaves nothing but the volume")
}

async fn run() -> Result<(), Failure> {
    rehearse().await?;
    let (cloud, store) = (MockCloud::in_memory(MockOptions::default()), ObjectStore::default());
    let workspace = Workspace {
        // The first executor that takes a kind gets it: our own store before the simulated cloud.
        engine: Engine::new(
            Executors::new().with(store.clone()).with(cloud.clone()),
            EngineOptions::default(),
        ),
        ..Workspace::simulated("dev", &cloud)
    };
    let mut session = begin(&workspace).await?;

    println!("A platform with a bucket:");
    let changed = bring(&workspace, session.as_mut(), Some(&platform(BUCKET, false)?)).await?;
    let outputs = workspace.outputs(session.state(), false, &Control::new()).await?;
    println!("{changed} changes; team_a_bucket is {:?}", outputs["team_a_bucket"]);
    if let Some((_, policy)) = &store.buckets()[BUCKET].policy {
        println!("its policy is for {}", paper::display(policy)["Statement"][0]["Principal"]["AWS"]);
    }

    let has_key = |value: &Tree| matches!(value, Tree::Secret(key) if key.expose().starts_with("key of"));
    let arrived = cloud.world().things().any(|thing| thing.inputs.at("stringData.key").is_some_and(has_key));
    expect(arrived, "the tenant has the key")?;
    let recorded = serde_json::to_string(session.state())?;
    expect(!recorded.contains("key of"), "the state does not hold the key")?;

    println!("The same again:");
    let changed = bring(&workspace, session.as_mut(), Some(&platform(BUCKET, false)?)).await?;
    expect(changed == 0, "a second plan is empty")?;
    println!("  nothing to do");

    println!("With versioning:");
    let changed = bring(&workspace, session.as_mut(), Some(&platform(BUCKET, true)?)).await?;
    println!("{changed} change");

    println!("Destroy:");
    let changed = bring(&workspace, session.as_mut(), None).await?;
    println!("{changed} changes");
    expect(
        store.buckets().is_empty() && is_cleared(&cloud.world()),
        "a destroy leaves nothing but the volume",
    )?;
    tried().await
}

/// One suite tries every executor on what the engine relies on; in a crate of yours this is a test.
async fn tried() -> Result<(), Failure> {
    use skyplat::mock::conformance::{Check, Specimen, check};
    use skyplat::object::Placement;

    let region = Some(Region::new("us-west-2"));
    let placement = Placement { account: "123456789012".into(), region, container: None };
    let bucket = S3Bucket { bucket: "tried".into(), versioning: false };
    let specimen = Specimen::of("bucket", placement, &bucket)?.changed_field("versioning", tree!(true));
    let report = check(&ObjectStore::default(), &specimen).await;
    let passed = Check::ALL.into_iter().filter(|check| report.passed(*check)).count();
    println!("The store on trial: {passed} checks passed, {} failed", report.failures().count());
    expect(report.failures().next().is_none(), "the store keeps the promises of an executor")
}

/// The API server's volume stays when its platform goes: what people keep there is never deleted for them.
fn is_cleared(world: &World) -> bool {
    let volume = "hub/api-server/release/persistentvolumeclaim-skypilot-state/volume";
    world.things().all(|thing| thing.address.as_str() == volume)
}

/// What the run has shown must be so; otherwise the example fails.
fn expect(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(format!("{what}: this does not hold").into()) }
}

fn main() -> Result<(), Failure> {
    simulate(run)?
}
