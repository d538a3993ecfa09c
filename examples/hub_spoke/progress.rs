//! Where the events of a run go: one JSON line each on stdout, lines on stderr, or a display that redraws itself.
//!
//! The clock of the simulated cloud jumps from event to event. To be watched, it is held back here: the engine waits
//! while an event is taken, so sleeping in the sink makes simulated time pass at a pace.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use skyplat::engine::{Control, Event, EventSink, Phase};
use skyplat::plan::{Action, Part, Plan};
use skyplat::render::progress::ProgressLines;
use skyplat::render::{Role, Style, duration};
use skyplat::value::Address;

use crate::cli::{Format, Options};
use crate::terminal::{self, Colour};

/// Steps under way that the display names.
const NAMED: usize = 6;
/// How often the display is drawn while nothing happens.
const FRAME: Duration = Duration::from_millis(50);

/// Seconds of our time in a second of the run's, with `--pace`: a minute passes in a second.
const WATCHED_PACE: f64 = 1.0 / 60.0;
/// Seconds that a run takes on a terminal without `--pace`.
const GLIMPSE: f64 = 3.0;

/// Takes the events of one run.
pub(crate) struct Progress {
    shown: Shown,
    /// Seconds of our time in a second of the run's, when its clock is held back.
    pace: Option<f64>,
    control: Control,
    begun: Instant,
    /// The run's time as far as it was told.
    now: f64,
}

enum Shown {
    Json,
    Lines(ProgressLines),
    Live(Box<Live>),
    Nothing,
}

impl Progress {
    /// Chooses how to show a run of `plan`. On a terminal it takes a few seconds, so that there is something to see.
    pub(crate) fn new(plan: &Plan, options: &Options, control: &Control) -> Self {
        let watched = options.format != Format::Json && std::io::stderr().is_terminal();
        let shown = if options.format == Format::Json {
            Shown::Json
        } else if watched {
            Shown::Live(Box::new(Live::new(plan, options.objects)))
        } else {
            Shown::Lines(ProgressLines::new(plan, options.objects))
        };
        let pace = if options.pace {
            Some(WATCHED_PACE)
        } else {
            watched.then(|| GLIMPSE / plan.forecast.duration_s.max(1.0))
        };
        Self { shown, pace, control: control.clone(), begun: Instant::now(), now: 0.0 }
    }

    /// Shows a refresh: as events for programs, not at all for people, who get what it found.
    pub(crate) fn refresh(format: Format) -> Self {
        let shown = if format == Format::Json { Shown::Json } else { Shown::Nothing };
        Self { shown, pace: None, control: Control::new(), begun: Instant::now(), now: 0.0 }
    }

    /// Holds the run's clock back until `t` has passed on ours.
    fn hold(&mut self, t: f64) {
        let Some(pace) = self.pace else {
            self.now = t;
            return;
        };
        loop {
            let elapsed = self.begun.elapsed().as_secs_f64();
            let left = t * pace - elapsed;
            self.now = t.min(elapsed / pace);
            if let Shown::Live(live) = &mut self.shown {
                live.draw(self.now);
            }
            if left <= 0.0 || self.control.is_stopping() {
                break;
            }
            std::thread::sleep(FRAME.min(Duration::from_secs_f64(left)));
        }
        self.now = t;
    }
}

impl EventSink for Progress {
    fn event(&mut self, event: Event) {
        self.hold(time(&event));
        match &mut self.shown {
            // What a step waits for is for people.
            Shown::Json if matches!(event, Event::Progress { .. }) => {}
            Shown::Json => {
                let text = serde_json::to_string(&event).expect("an event is plain data");
                // The run goes on when nobody reads: stopping half-way would help nobody.
                let _ = terminal::data(&format!("{text}\n"));
            }
            Shown::Lines(lines) => {
                if let Some(line) = lines.line(&event, &Colour) {
                    terminal::talk(&format!("{line}\n"));
                }
            }
            Shown::Live(live) => live.event(&event),
            Shown::Nothing => {}
        }
    }
}

fn time(event: &Event) -> f64 {
    match event {
        Event::Started { t, .. }
        | Event::Step { t, .. }
        | Event::Progress { t, .. }
        | Event::Warning { t, .. }
        | Event::Finished { t, .. } => *t,
    }
}

/// A display that redraws itself: a bar, and the steps that have been under way the longest.
struct Live {
    bars: MultiProgress,
    total: ProgressBar,
    named: Vec<ProgressBar>,
    lines: ProgressLines,
    /// Steps under way: since when, and what they wait for.
    running: BTreeMap<Address, (f64, String)>,
}

impl Live {
    fn new(plan: &Plan, objects: bool) -> Self {
        let steps = plan.steps.iter().filter(|step| step.action != Action::Keep).count();
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20));
        let style =
            |template: &str| ProgressStyle::with_template(template).expect("the template is well formed");
        let total = bars.add(ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX)));
        total.set_style(style("  [{bar:40}] {pos}/{len} steps  {msg}").progress_chars("=> "));
        let named = (0..NAMED)
            .map(|_| {
                let bar = bars.add(ProgressBar::new_spinner());
                bar.set_style(style("    {msg}"));
                bar
            })
            .collect();
        Self { bars, total, named, lines: ProgressLines::new(plan, objects), running: BTreeMap::new() }
    }

    fn event(&mut self, event: &Event) {
        if let Some(line) = self.lines.line(event, &Colour) {
            // A display that cannot be drawn is no reason to stop.
            let _ = self.bars.println(terminal::for_terminal(&line));
        }
        match event {
            Event::Step { t, address, kind, action, phase, part, .. } if *action != Action::Keep => {
                if matches!(phase, Phase::Started) {
                    self.running.entry(address.clone()).or_insert_with(|| (*t, kind.to_string()));
                } else if *phase != Phase::Retry {
                    self.running.remove(address);
                    let half =
                        *action == Action::Replace && *part == Some(Part::Make) && *phase == Phase::Done;
                    if !half {
                        self.total.inc(1);
                    }
                }
            }
            Event::Progress { address, message, .. } => {
                if let Some((_, waits_for)) = self.running.get_mut(address) {
                    waits_for.clone_from(message);
                }
            }
            Event::Finished { .. } => {
                for bar in self.named.iter().chain([&self.total]) {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }

    fn draw(&mut self, now: f64) {
        self.total.set_message(duration::spoken(now.floor()));
        let mut oldest: Vec<_> = self.running.iter().collect();
        oldest.sort_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b));
        let mut rows = oldest.iter().take(NAMED).map(|(address, (since, what))| {
            let for_how_long = duration::spoken((now - since).max(0.0).floor());
            let detail = Colour.paint(Role::Faint, &format!("{what}, {for_how_long}"));
            terminal::for_terminal(&format!("{address}  {detail}"))
        });
        for bar in &self.named {
            bar.set_message(rows.next().unwrap_or_default());
        }
    }
}
