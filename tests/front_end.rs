//! The reference front end as a person and a program meet it: exit codes, messages, JSON keys, and whole runs on the
//! simulated cloud.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, in its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A small platform, so that a run is quick.
const STARTER: &str = "region: us-west-2\nnode_pools:\n  - {name: system, capacity_type: on-demand, instance_type: [m7i.large]}\n";

/// What a command left.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// Checks the exit code, and that stderr holds each of these texts.
    #[track_caller]
    fn ends(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        for text in said {
            assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}", self.out))
    }

    /// Reads one JSON value a line.
    fn events(&self) -> Vec<Json> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("every line is one event")).collect()
    }
}

/// A directory with a configuration, and nobody at the terminal.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self::with(STARTER)
    }

    fn with(config: &str) -> Self {
        let place = Self(TempDir::new().unwrap());
        place.write("platform.yaml", config);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(example())
            .args(["--config", "platform.yaml"])
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran {
            code: output.status.code().expect("the process was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Returns the example's program, built from the sources of today.
fn example() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).expect("tests lie in PROFILE/deps");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "hub_spoke"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.env("CARGO_TARGET_DIR", profile.parent().unwrap()).status().unwrap().success());
        profile.join("examples").join(format!("hub_spoke{}", std::env::consts::EXE_SUFFIX))
    })
}

fn keys(json: &Json) -> Vec<&str> {
    json.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_whole_story_needs_nothing_and_leaves_nothing() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hub_spoke.yaml")).unwrap();
    let place = Place::with(&readme);
    let ran = place.run(&[]).ends(0, &["The apply is done after"]);
    assert!(ran.out.starts_with("Plan for the stack dev"), "{}", ran.out);
    assert!(ran.out.contains("skypilot_admin_password: (secret"), "{}", ran.out);
    let last = ran.out.lines().last().unwrap();
    assert!(last.starts_with("Nothing to do:"), "{last}");
    assert!(!place.path(".skyplat").exists());
}

#[test]
fn a_stack_lives_from_plan_to_destroy() {
    let place = Place::new();
    let first = place.run(&["plan", "--detailed-exitcode", "--format", "json"]).ends(3, &[]).json();
    assert_eq!(
        keys(&first),
        ["digest", "forecast", "format_version", "policy", "serial", "stack", "steps", "summary", "warnings"]
    );
    assert!(!place.path(".skyplat").exists(), "a plan writes nothing");

    let events = place.run(&["apply", "--yes", "--format", "json"]).ends(0, &[]).events();
    assert_eq!(events[0]["event"], "started");
    let step = events.iter().find(|event| event["event"] == "step").unwrap();
    assert_eq!(keys(step), ["action", "address", "attempt", "event", "kind", "phase", "t"]);
    let last = events.last().unwrap();
    assert_eq!(
        keys(last),
        [
            "created",
            "deleted",
            "duration_s",
            "event",
            "failed",
            "kept",
            "replaced",
            "skipped",
            "status",
            "t",
            "updated"
        ]
    );
    assert_eq!((&last["event"], &last["status"]), (&"finished".into(), &"succeeded".into()));
    assert_eq!(last["created"], first["summary"]["create"], "apply does what the plan says");

    let second = place.run(&["plan", "--detailed-exitcode"]).ends(0, &[]);
    assert!(second.out.starts_with("Nothing to do:"), "{}", second.out);
    let outputs = place.run(&["outputs", "--format", "json"]).ends(0, &[]).json();
    assert_eq!(keys(&outputs), ["cluster_name", "vpc_id"]);
    let refresh = place.run(&["refresh", "--format", "json", "--detailed-exitcode"]).ends(0, &[]).events();
    let last = refresh.last().unwrap();
    assert_eq!((&last["drifted"], &last["missing"], &last["unreachable"]), (&0.into(), &0.into(), &0.into()));

    place.run(&["state", "remove", "dev"]).ends(1, &["destroy --stack dev"]);
    place.run(&["destroy", "--yes"]).ends(0, &["The destroy is done after"]);
    let left = place.run(&["state", "show", "--format", "json"]).ends(0, &[]).json();
    assert_eq!(left["objects"], Json::Array(Vec::new()), "destroy leaves nothing");
    place.run(&["state", "remove", "dev"]).ends(0, &[]);
    assert_eq!(place.run(&["state", "list", "--format", "json"]).json()["stacks"], Json::Array(Vec::new()));
}

#[test]
fn the_graph_has_its_stable_keys_and_draws() {
    let place = Place::new();
    let graph = place.run(&["graph", "--format", "json"]).ends(0, &[]).json();
    assert_eq!(keys(&graph), ["objects", "resources"]);
    assert_eq!(keys(&graph["resources"][0]), ["address", "kind", "objects"]);
    for object in graph["objects"].as_array().unwrap() {
        assert_eq!(keys(object), ["address", "depends_on", "inputs", "kind", "region", "resource"]);
        let edges: Vec<&str> =
            object["depends_on"].as_array().unwrap().iter().map(|edge| edge.as_str().unwrap()).collect();
        assert!(edges.is_sorted(), "{edges:?}");
    }
    assert!(place.run(&["graph", "--format", "dot"]).ends(0, &[]).out.starts_with("digraph"));
    let mermaid = place.run(&["graph", "--format", "mermaid"]).ends(0, &[]);
    assert!(mermaid.out.starts_with("flowchart") && mermaid.err.is_empty(), "{}", mermaid.err);
}

#[test]
fn a_drawing_that_pages_refuse_says_so_and_a_part_of_it_is_drawn() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hub_spoke.yaml");
    let place = Place::with(&fs::read_to_string(readme).unwrap());
    let mermaid = ["graph", "--format", "mermaid"];
    let whole = place.run(&mermaid).ends(0, &[]);
    assert!(whole.err.is_empty(), "the README's platform is drawn everywhere: {}", whole.err);
    place.run(&[&mermaid[..], &["--objects"]].concat()).ends(0, &["GitHub", "--target"]);
    let part = place.run(&[&mermaid[..], &["--objects", "--target", "hub/eks"]].concat()).ends(0, &[]);
    assert!(part.err.is_empty() && part.out.contains("eks.cluster") && !part.out.contains("ec2.vpc"));
    place.run(&["graph", "--format", "json", "--target", "hub/eks"]).ends(2, &["always whole"]);
    place.run(&["graph", "--target", "hub/ekss"]).ends(2, &["hub/ekss", "did you mean hub/eks?"]);
}

#[test]
fn a_run_leaves_a_timeline_when_one_is_asked_for() {
    let place = Place::new();
    place.write("apply.svg", "what was there before");
    place.run(&["apply", "--yes", "--timeline", "apply.svg"]).ends(0, &["The timeline is in apply.svg"]);
    let svg = fs::read_to_string(place.path("apply.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{svg}");
    for told in
        ["apply of dev:", "of simulated time", "main (us-west-2)", "data-address=\"main/eks/cluster\""]
    {
        assert!(svg.contains(told), "{told} is not in the picture");
    }
    place.run(&["destroy", "--yes", "--timeline", "destroy.svg"]).ends(0, &[]);
    let svg = fs::read_to_string(place.path("destroy.svg")).unwrap();
    assert!(svg.contains("destroy of dev:") && svg.contains("main (us-west-2)"), "records say the region");
    let mut left: Vec<String> = fs::read_dir(place.0.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".skyplat", "apply.svg", "destroy.svg", "platform.yaml"]);
}

#[test]
fn a_timeline_that_cannot_be_written_is_told_before_anything_is_done() {
    let place = Place::new();
    for file in ["nowhere/run.svg", ".", "platform.yaml/run.svg"] {
        place.run(&["apply", "--yes", "--timeline", file]).ends(2, &["cannot write the timeline", "hint:"]);
    }
    assert!(!place.path(".skyplat").exists(), "nothing was begun");
    place.run(&["plan", "--timeline", "x.svg"]).ends(2, &["it goes with `apply`, `destroy`"]);
}

#[test]
fn a_plan_that_was_saved_is_applied_once() {
    let place = Place::new();
    place.run(&["plan", "--out", "plan.json"]).ends(0, &["apply --plan plan.json"]);
    let edited = fs::read_to_string(place.path("plan.json")).unwrap().replace("10.0.0.0/16", "10.9.0.0/16");
    place.write("edited.json", edited);
    place.run(&["apply", "--yes", "--plan", "edited.json"]).ends(1, &["edited", "hint:"]);
    place.run(&["apply", "--yes", "--plan", "plan.json"]).ends(0, &[]);
    place.run(&["apply", "--yes", "--plan", "plan.json"]).ends(1, &["stale", "would be another step"]);
    place.write("junk.json", "{");
    place.run(&["apply", "--yes", "--plan", "junk.json"]).ends(1, &["cannot read the plan file"]);
}

#[test]
fn what_a_policy_check_forbids_is_applied_only_with_a_reason() {
    const FILES: &str = "main/addon/efs-csi/file-system";
    let place = Place::new();
    place.run(&["apply", "--yes"]).ends(0, &["warning: the Kubernetes endpoint is open"]);
    place.write("platform.yaml", format!("{STARTER}addons: {{efs_csi: false}}\n"));

    let plan = place.run(&["plan", "--format", "json"]).ends(0, &[]).json();
    let first = &plan["policy"]["findings"][0];
    assert_eq!((&first["severity"], &first["address"]), (&"error".into(), &FILES.into()));
    place.run(&["apply", "--yes"]).ends(1, &["[data_loss]", FILES, "nothing was changed", "--consent"]);
    place.run(&["plan", "--out", "plan.json"]).ends(0, &["[data_loss]"]);
    place.run(&["apply", "--yes", "--plan", "plan.json"]).ends(1, &["nothing was changed"]);
    place.run(&["apply", "--yes", "--consent", "data_loss"]).ends(2, &["no reason", "CHECK:ADDRESS=WHY"]);
    place.run(&["outputs", "--consent", "a:b=c"]).ends(2, &["it goes with"]);

    // Who approves a plan with its consents need not say them again.
    let consent =
        ["--consent", "data_loss:main/addon/efs-csi=copied", "--consent", "open_ingress:main=none is"];
    place
        .run(&[&["plan", "--out", "plan.json"][..], &consent].concat())
        .ends(0, &["accepted:", "because copied", "open_ingress:main=none is"]);
    place.run(&["apply", "--yes", "--plan", "plan.json"]).ends(0, &["accepted:", "The apply is done"]);
    place.run(&["destroy", "--yes"]).ends(0, &["because a destroy was asked for", "The destroy is done"]);
}

#[test]
fn what_changes_things_wants_an_answer() {
    let place = Place::new();
    for command in ["apply", "destroy"] {
        place.run(&[command]).ends(2, &["no terminal to ask on", "--yes"]);
    }
    assert!(!place.path(".skyplat").exists());
}

#[test]
fn an_apply_that_is_refused_while_it_is_planned_makes_no_stack() {
    let place = Place::new();
    place.run(&["apply", "--yes", "--target", "main/vcp"]).ends(2, &["main/vcp", "did you mean main/vpc?"]);
    assert_eq!(place.run(&["state", "list", "--format", "json"]).ends(0, &[]).json()["stacks"], json!([]));
    // One that was there stays.
    place.run(&["apply", "--yes", "--target", "main/vpc"]).ends(0, &[]);
    place.run(&["apply", "--yes", "--target", "main/vcp"]).ends(2, &[]);
    assert_eq!(
        place.run(&["state", "list", "--format", "json"]).ends(0, &[]).json()["stacks"],
        json!(["dev"])
    );
}

#[test]
fn a_bad_configuration_is_a_report_with_places() {
    let place = Place::with("regoin: us-west-2\n");
    for command in ["validate", "plan", "graph"] {
        place.run(&[command]).ends(2, &["platform.yaml:1:1", "regoin", "region"]);
    }
    place.write("platform.yaml", [0xff, 0xfe, 0x00]);
    place.run(&["plan"]).ends(2, &["error:"]);
    place.run(&["plan", "--config", "nowhere.yaml"]).ends(2, &["nowhere.yaml", "--config"]);
}

#[test]
fn the_schema_needs_nothing_and_can_be_read() {
    let place = Place::with("not even a configuration");
    let schema = place.run(&["schema"]).ends(0, &[]).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["$defs"]["Hub"]["properties"]["skypilot"].is_object());
}

#[test]
fn names_that_are_not_known_are_bad_usage() {
    let place = Place::new();
    place.run(&["destory"]).ends(2, &["destroy"]);
    place.run(&["outputs"]).ends(2, &["there is no stack dev"]);
    place.run(&["destroy", "--yes"]).ends(2, &["there is no stack dev"]);
    place.run(&["plan", "--stack", "Bad Name"]).ends(2, &["no stack name"]);
    place.run(&["plan", "--target", "main/vcp"]).ends(2, &["did you mean main/vpc"]);
    place.run(&["--format", "json"]).ends(2, &["it goes with"]);
    place.run(&["plan", "--plan", "x"]).ends(2, &["it goes with `apply`"]);
    place
        .run(&["plan", "--executor", "cloud"])
        .ends(2, &["no executors for a real account", "--executor mock"]);
    place.run(&["plan", "--state", "s3://bucket/state"]).ends(2, &["name a directory"]);
}

#[test]
fn a_state_that_is_locked_or_damaged_stays_as_it_is() {
    let place = Place::new();
    place.run(&["apply", "--yes", "--state", "states"]).ends(0, &[]);
    let stack = place.path("states/dev");

    let lock = fs::File::options().write(true).open(stack.join("lock")).unwrap();
    lock.lock().unwrap();
    place.run(&["apply", "--yes", "--state", "states"]).ends(1, &["is locked", "hint:"]);
    drop(lock);

    let journal = stack.join("snapshot.json");
    let sound = fs::read(&journal).unwrap();
    let damaged =
        sound.iter().enumerate().map(|(at, byte)| if at == sound.len() / 2 { byte ^ 1 } else { *byte });
    fs::write(&journal, damaged.collect::<Vec<u8>>()).unwrap();
    let before = fs::read(&journal).unwrap();
    for command in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"], &["outputs"]] {
        let arguments = [command, &["--state", "states"]].concat();
        place.run(&arguments).ends(1, &["snapshot.json", "damaged"]);
    }
    assert_eq!(fs::read(&journal).unwrap(), before, "nothing was changed");
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let place = Place::new();
    let mut child = Command::new(example())
        .args(["--config", "platform.yaml", "graph", "--format", "json"])
        .current_dir(place.0.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("panicked"), "{said}");
}

#[test]
fn what_is_still_to_be_filled_in_can_be_simulated() {
    let place = Place::with(include_str!("parity/hub_only.yaml"));
    let ran = place.run(&[]).ends(0, &["The apply is done after"]);
    assert!(ran.out.contains("Nothing to do"), "{}", ran.out);
}
