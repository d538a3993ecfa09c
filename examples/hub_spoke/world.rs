//! What comes from outside: the clock, randomness, names of people and machines, the store and the simulated cloud.

use std::path::PathBuf;
use std::sync::Arc;

use skyplat::engine::{Engine, EngineOptions, RunContext};
use skyplat::executor::Executors;
use skyplat::mock::{MockCloud, MockOptions};
use skyplat::render::{Exit, Problem, did_you_mean};
use skyplat::state::store::valid_name;
use skyplat::state::{DirectoryStore, LockOwner, MemoryStore, Stack, State, StateStore};
use skyplat::value::DigestKey;
use skyplat::workspace::{self, Workspace};

use crate::cli::{ExecutorName, Options};
use crate::terminal;

/// Where states are kept when nothing else is said.
const STATE_DIR: &str = ".skyplat";
/// The stack when none is named or selected.
const STACK: &str = "dev";

/// What a run has from outside.
pub(crate) struct World {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) stack: String,
    place: Place,
    run: RunContext,
    owner: LockOwner,
    options: Options,
}

/// Where states are kept, and the simulated cloud beside them.
enum Place {
    Memory(MockCloud),
    Directory(DirectoryStore),
}

impl World {
    /// Finds the store and the stack. `keep` says whether anything outlives the process when no place is named.
    pub(crate) async fn open(options: &Options, operation: &str, keep: bool) -> Result<Self, Problem> {
        let place = match directory(options, keep)? {
            Some(directory) => Place::Directory(DirectoryStore::new(directory)),
            None => Place::Memory(MockCloud::in_memory(mock_options(options))),
        };
        let store: Arc<dyn StateStore> = match &place {
            Place::Memory(_) => Arc::new(MemoryStore::new()),
            Place::Directory(store) => Arc::new(store.clone()),
        };
        let stack = match &options.stack {
            Some(name) => name.clone(),
            None => store.selected().await?.unwrap_or_else(|| STACK.to_owned()),
        };
        valid_name(&stack)?;
        let run = RunContext {
            run_id: hex::encode(random::<8>()?),
            seed: options.seed,
            now: jiff::Timestamp::now(),
        };
        let owner = LockOwner {
            who: format!("{}@{}", user(), gethostname::gethostname().to_string_lossy()),
            process: std::process::id(),
            operation: operation.to_owned(),
            run_id: run.run_id.clone(),
            since: run.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        Ok(Self { store, stack, place, run, owner, options: options.clone() })
    }

    /// Opens the workspace. Call it after locking: the simulated cloud is read here.
    pub(crate) fn workspace(&self) -> Result<Workspace, Problem> {
        let cloud = match &self.place {
            Place::Memory(cloud) => cloud.clone(),
            Place::Directory(store) => {
                MockCloud::open(store.stack_dir(&self.stack).join("world.jsonl"), mock_options(&self.options))
                    .map_err(|error| Problem::of(&error, Exit::Failed).hint("nothing was changed"))?
            }
        };
        let mut limits = EngineOptions::default();
        if let Some(parallelism) = self.options.parallelism {
            limits.parallelism = parallelism;
        }
        Ok(Workspace {
            stack: self.stack.clone(),
            store: Arc::clone(&self.store),
            facts: Arc::new(cloud.clone()),
            engine: Engine::new(Executors::new().with(cloud), limits),
            run: self.run.clone(),
        })
    }

    /// Reads the state of the stack, which must be there.
    pub(crate) async fn load(&self) -> Result<State, Problem> {
        Ok(workspace::load(self.store.as_ref(), &self.stack).await?)
    }

    /// Reads the state of the stack, or makes the one that it would begin with.
    pub(crate) async fn load_or_fresh(&self) -> Result<State, Problem> {
        if let Some(state) = self.store.load(&self.stack).await? {
            return Ok(state);
        }
        if self.options.stack.is_some() {
            let known = self.store.list().await?;
            let meant = did_you_mean(&self.stack, known.iter().map(String::as_str));
            let meant = meant.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
            terminal::talk(&format!(
                "note: there is no stack {} yet; an apply makes it{meant}\n",
                self.stack
            ));
        }
        self.fresh_state()
    }

    /// Returns who holds the locks of this run.
    pub(crate) fn owner(&self) -> &LockOwner {
        &self.owner
    }

    /// Makes the state that a new stack begins with.
    pub(crate) fn fresh_state(&self) -> Result<State, Problem> {
        // A simulated world is alone with its stack, so the id comes from the seed: the same seed gives the same ids.
        let id = format!("{:016x}", self.options.seed);
        self.fresh_state_of(&Stack { name: self.stack.clone(), id })
    }

    /// Makes the state of a new stack with the identity that a saved plan gave it.
    pub(crate) fn fresh_state_of(&self, stack: &Stack) -> Result<State, Problem> {
        if stack.name != self.stack {
            return Err(Problem::usage(format!(
                "the plan was made for the stack {}, not for {}",
                stack.name, self.stack
            ))
            .hint(format!("pass --stack {}", stack.name)));
        }
        Ok(State::new(stack.clone(), DigestKey::new(random()?)))
    }
}

fn mock_options(options: &Options) -> MockOptions {
    MockOptions { seed: options.seed, ..MockOptions::default() }
}

/// Returns the directory of the states; none for memory.
fn directory(options: &Options, keep: bool) -> Result<Option<PathBuf>, Problem> {
    match &options.state {
        Some(url) if url.contains("://") => Err(Problem::usage(format!("no store can be opened at {url}"))
            .hint("name a directory; states in object storage are not there yet")),
        Some(directory) => Ok(Some(directory.into())),
        None => Ok(keep.then(|| STATE_DIR.into())),
    }
}

/// Refuses an executor that this program does not have.
pub(crate) fn check_executor(options: &Options) -> Result<(), Problem> {
    match options.executor {
        ExecutorName::Mock => Ok(()),
        ExecutorName::Cloud => Err(Problem::usage("this version has no executors for a real account yet")
            .hint("--executor mock simulates the whole platform; `validate --executor cloud` checks the configuration")),
    }
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::failed(format!("the system gives no random numbers: {error}")))?;
    Ok(bytes)
}

fn user() -> String {
    ["USER", "USERNAME", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "unknown".to_owned())
}
