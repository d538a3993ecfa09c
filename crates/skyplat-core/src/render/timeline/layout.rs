//! Where everything goes: one row for each step of a small run, lanes shared by the steps of a resource in a large one.

use std::collections::BTreeMap;

use super::xml::{cut, text_width};
use super::{Bar, End, Timeline, place_of};
use crate::plan::{Action, TaskId};
use crate::render::duration;
use crate::value::Address;

/// Width of the picture.
pub(super) const WIDTH: f64 = 1240.0;
/// Where time begins, to the right of the names.
pub(super) const LEFT: f64 = 330.0;
/// Where time ends.
pub(super) const RIGHT: f64 = 1206.0;
/// Height of a lane, and of the bar in it.
pub(super) const LANE: f64 = 16.0;
pub(super) const BAR: f64 = 10.0;
/// What takes hardly any time shares a lane with two others.
const SHARES: usize = 3;
/// Height of a bar that shares its lane.
const SMALL_BAR: f64 = 4.0;
/// Width from which on a bar has a lane to itself.
const SMALL: f64 = 12.0;
/// Height of a place's heading.
pub(super) const HEADING: f64 = 26.0;
/// Size of the text beside a bar, and how far from it that stands.
pub(super) const LABEL: f64 = 10.0;
pub(super) const GAP: f64 = 5.0;
/// Steps that get a row each; more share lanes.
const ROWS: usize = 60;
/// A bar is never narrower, so that what takes no time is seen.
const NARROWEST: f64 = 2.5;
/// Part of the run's time from which on a bar is worth its name.
const WORTH_A_NAME: f64 = 0.015;

/// What stands where; y is counted from the top of the chart.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) seconds: f64,
    pub(super) height: f64,
    pub(super) headings: Vec<(String, f64)>,
    pub(super) blocks: Vec<Block>,
    pub(super) bars: BTreeMap<TaskId, Placed>,
}

/// A resource.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) resource: Address,
    pub(super) y: f64,
    pub(super) height: f64,
    /// Names of its rows, when each step has one.
    pub(super) rows: Vec<(TaskId, f64)>,
    /// Steps of it that were not begun and have no row.
    pub(super) skipped: Vec<TaskId>,
    pub(super) took: Option<f64>,
}

/// A bar.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// The middle of its lane.
    pub(super) y: f64,
    pub(super) height: f64,
    /// From where to where it is drawn.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) label: Option<Label>,
}

/// The text beside a bar.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) text: String,
    pub(super) side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    /// In the bar itself, which leaves no room beside it.
    Inside,
}

impl Placed {
    /// Returns from where to where the bar and its label go.
    fn extent(&self) -> (f64, f64) {
        let width = |label: &Label| GAP + text_width(&label.text, LABEL);
        match &self.label {
            Some(label) if label.side == Side::Left => (self.from - width(label), self.to),
            Some(label) if label.side == Side::Right => (self.from, self.to + width(label)),
            _ => (self.from, self.to),
        }
    }
}

impl Layout {
    /// Returns where a time is.
    pub(super) fn x(&self, t: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (t / self.seconds).clamp(0.0, 1.0)
    }
}

/// Places every step that something was heard of.
pub(super) fn place(timeline: &Timeline, chain: &[TaskId]) -> Layout {
    let heard: Vec<TaskId> =
        (0..timeline.bars.len()).filter(|task| timeline.bars[*task].end != End::Unheard).collect();
    let rows = heard.len() <= ROWS;
    let mut layout = Layout {
        // A run that took no time has an axis all the same.
        seconds: timeline.now.max(1.0),
        height: 0.0,
        headings: Vec::new(),
        blocks: Vec::new(),
        bars: BTreeMap::new(),
    };
    let mut y = 0.0;
    for (place, resources) in places(timeline, &heard) {
        let title = match timeline.regions.get(&place) {
            Some(region) if *region != place => format!("{place} ({region})"),
            _ => place,
        };
        layout.headings.push((title, y));
        y += HEADING;
        for (resource, tasks) in resources {
            let block = if rows {
                block_of_rows(timeline, &mut layout, y, resource, &tasks)
            } else {
                block_of_lanes(timeline, &mut layout, y, resource, &tasks, chain)
            };
            y += block.height;
            layout.blocks.push(block);
        }
        y += 6.0;
    }
    layout.height = y;
    layout
}

type Resources = Vec<(Address, Vec<TaskId>)>;

/// Groups steps by place and resource: each in the order in which they were over, and the steps as they began.
fn places(timeline: &Timeline, heard: &[TaskId]) -> Vec<(String, Resources)> {
    let start = |task: &TaskId| timeline.bars[*task].start().unwrap_or(f64::INFINITY);
    let stop = |task: &TaskId| timeline.bars[*task].stop().unwrap_or(f64::INFINITY);
    let over = |tasks: &[TaskId]| tasks.iter().map(stop).fold(0.0, f64::max);
    let mut tasks = heard.to_vec();
    tasks.sort_by(|a, b| start(a).total_cmp(&start(b)).then(a.cmp(b)));
    let mut places: Vec<(String, Resources)> = Vec::new();
    for task in tasks {
        let resource = &timeline.bars[task].resource;
        let place = place_of(resource);
        let at = places.iter().position(|(known, _)| known == place).unwrap_or_else(|| {
            places.push((place.to_owned(), Vec::new()));
            places.len() - 1
        });
        let resources = &mut places[at].1;
        match resources.iter_mut().find(|(known, _)| known == resource) {
            Some((_, tasks)) => tasks.push(task),
            None => resources.push((resource.clone(), vec![task])),
        }
    }
    for (_, resources) in &mut places {
        resources.sort_by(|(_, a), (_, b)| over(a).total_cmp(&over(b)));
    }
    let last = |resources: &Resources| resources.last().map_or(0.0, |(_, tasks)| over(tasks));
    places.sort_by(|(_, a), (_, b)| last(a).total_cmp(&last(b)));
    places
}

fn block_of_rows(
    timeline: &Timeline,
    layout: &mut Layout,
    top: f64,
    resource: Address,
    tasks: &[TaskId],
) -> Block {
    let mut y = top + LANE;
    let mut rows = Vec::new();
    for task in tasks {
        let bar = &timeline.bars[*task];
        let middle = y + LANE / 2.0;
        rows.push((*task, middle));
        let mut placed = extent(layout, timeline, bar, middle);
        let text = match &bar.end {
            End::Skipped(why) => format!("not begun: {why}"),
            End::Failed(_) => format!("failed after {}", duration::spoken(bar.seconds())),
            End::Retained => "left in place".to_owned(),
            _ => duration::spoken(bar.seconds()),
        };
        placed.label = Some(beside(&placed, &text));
        layout.bars.insert(*task, placed);
        y += LANE;
    }
    Block { took: took(timeline, tasks), resource, y: top, height: y - top + 2.0, rows, skipped: Vec::new() }
}

fn block_of_lanes(
    timeline: &Timeline,
    layout: &mut Layout,
    top: f64,
    resource: Address,
    tasks: &[TaskId],
    chain: &[TaskId],
) -> Block {
    let (begun, skipped): (Vec<TaskId>, Vec<TaskId>) =
        tasks.iter().partition(|task| timeline.bars[**task].start().is_some());
    let mut placed: Vec<(TaskId, Placed)> = begun
        .iter()
        .map(|task| {
            let bar = &timeline.bars[*task];
            let mut placed = extent(layout, timeline, bar, 0.0);
            let failed = matches!(bar.end, End::Failed(_));
            let worth = if chain.contains(task) { WORTH_A_NAME / 2.0 } else { WORTH_A_NAME };
            if failed || bar.seconds() >= layout.seconds * worth {
                placed.label = Some(beside(&placed, &format!("{} {}", sign(bar.action), bar.name())));
            } else if placed.to - placed.from < SMALL {
                placed.height = SMALL_BAR;
            }
            (*task, placed)
        })
        .collect();
    // What needs a whole lane goes first, and the rest into what is left free.
    placed
        .sort_by(|(_, a), (_, b)| b.height.total_cmp(&a.height).then(a.extent().0.total_cmp(&b.extent().0)));
    let mut shares = Shares::default();
    for (task, mut bar) in placed {
        let small = bar.height < BAR;
        let share = shares.take(bar.extent(), if small { 1 } else { SHARES });
        let pitch = LANE / number(SHARES);
        bar.y = top + 2.0 + pitch * number(share) + if small { pitch } else { LANE } / 2.0;
        layout.bars.insert(task, bar);
    }
    Block {
        took: took(timeline, tasks),
        resource,
        y: top,
        height: LANE * number(shares.taken.len().div_ceil(SHARES).max(1)) + 4.0,
        rows: Vec::new(),
        skipped,
    }
}

/// Shares of lanes, and from where to where each is taken.
#[derive(Default)]
struct Shares {
    taken: Vec<Vec<(f64, f64)>>,
}

impl Shares {
    /// Takes the first free place of so many shares together, and returns the first of them.
    fn take(&mut self, (from, to): (f64, f64), wanted: usize) -> usize {
        let free = |share: Option<&Vec<(f64, f64)>>| {
            share
                .is_none_or(|taken| taken.iter().all(|(begin, end)| to + 2.0 <= *begin || *end + 2.0 <= from))
        };
        let mut first = 0;
        while !(first..first + wanted).all(|share| free(self.taken.get(share))) {
            first += wanted;
        }
        if self.taken.len() < first + wanted {
            self.taken.resize(first + wanted, Vec::new());
        }
        for share in &mut self.taken[first..first + wanted] {
            share.push((from, to));
        }
        first
    }
}

/// Lanes are few enough for every float.
pub(super) fn number(of: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

fn took(timeline: &Timeline, tasks: &[TaskId]) -> Option<f64> {
    let bars = || tasks.iter().map(|task| &timeline.bars[*task]);
    let start = bars().filter_map(Bar::start).reduce(f64::min)?;
    let stop = bars().filter_map(Bar::stop).reduce(f64::max)?;
    Some(stop - start)
}

fn extent(layout: &Layout, timeline: &Timeline, bar: &Bar, y: f64) -> Placed {
    let from = layout.x(bar.start().unwrap_or(timeline.now));
    let to = layout.x(bar.stop().unwrap_or(timeline.now)).max(from + NARROWEST);
    // A bar at the very end is drawn before it.
    let over = (to - RIGHT).max(0.0);
    Placed { y, height: BAR, from: from - over, to: to - over, label: None }
}

/// Puts a text to the right of a bar where there is room, else to its left, else into it; what does not fit is cut.
fn beside(placed: &Placed, text: &str) -> Label {
    let (room, left) = (WIDTH - 4.0 - placed.to - GAP, placed.from - GAP - LEFT);
    let width = text_width(text, LABEL);
    if width > room.max(left) && width + 2.0 * GAP <= placed.to - placed.from {
        Label { text: text.to_owned(), side: Side::Inside }
    } else if width <= room || room >= left {
        Label { text: cut(text, LABEL, room), side: Side::Right }
    } else {
        Label { text: cut(text, LABEL, left), side: Side::Left }
    }
}

/// Returns the sign that a plan marks the action with.
pub(super) fn sign(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "±",
        Action::Delete => "−",
        Action::Keep | Action::Wait | Action::Drain | Action::Read => "·",
    }
}
