//! Writes the picture. It needs no colour to be read: what a bar means is in its form, and colour repeats it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::layout::{BAR, Block, GAP, HEADING, LABEL, LANE, LEFT, Layout, Placed, Side, WIDTH, number, sign};
use super::xml::{cut, escape, n, text_width};
use super::{Bar, Doing, End, Timeline};
use crate::engine::FinishedStatus;
use crate::plan::{Action, Part, TaskId};
use crate::render::summary::totals_text;
use crate::render::{count, duration};

/// Colours of light pages and of dark ones. The patterns take theirs from the text.
const STYLE: &str = "\
svg{--page:#fff;--text:#1f2328;--faint:#646b73;--line:#d8dee4;--stripe:#f6f8fa;--make:#58a36c;--change:#d3a23c;\
--replace:#9a7fd1;--delete:#d9776d;--bad:#b3261e}\
@media(prefers-color-scheme:dark){svg{--page:#0d1117;--text:#e6edf3;--faint:#9198a1;--line:#30363d;--stripe:#151b23;\
--make:#3f8f57;--change:#a97f22;--replace:#7d62b8;--delete:#b5544b;--bad:#ff7b72}}\
text{font:11px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:var(--text)}\
.page{fill:var(--page)}.head{font-size:16px;font-weight:600}.place{font-size:12px;font-weight:600}.faint{fill:var(--faint)}\
.label{font-size:10px;paint-order:stroke;stroke:var(--page);stroke-width:3px}.end{text-anchor:end}.middle{text-anchor:middle}.stripe{fill:var(--stripe)}.grid{stroke:var(--line);stroke-width:1}\
.make{fill:var(--make)}.change{fill:var(--change)}.replace{fill:var(--replace)}.delete{fill:var(--delete)}\
.wait{fill:url(#hatch);stroke:var(--faint);stroke-width:1}.left{fill:var(--page);stroke:var(--faint);stroke-width:1}\
.pause{stroke:var(--text);stroke-width:1.5;stroke-dasharray:2 2}.retry{stroke:var(--text);stroke-width:2}\
.bad{fill:var(--page);stroke:var(--bad);stroke-width:1.5}.cross{stroke:var(--bad);stroke-width:2;fill:none}\
.skip{fill:var(--page);stroke:var(--faint);stroke-width:1}\
.chain{fill:none;stroke:var(--text);stroke-width:2}.link{fill:none;stroke:var(--text);stroke-width:1.2}\
.turn{stroke-dasharray:1 3}.hatching{stroke:var(--faint);stroke-width:1.2}";

/// Where the legend stands, and where the chart begins below a legend of one line.
const LEGEND: f64 = 70.0;
const TOP: f64 = 106.0;
/// Part of the run's time below which a step of the chain is not worth a line.
const WORTH_A_LINE: f64 = 0.02;
/// Failures that are written out.
const FAILURES: usize = 10;

pub(super) fn write(timeline: &Timeline, layout: &Layout, chain: &[TaskId], time: Option<&str>) -> String {
    let told = chain_lines(timeline, chain);
    let failed = failed_lines(timeline);
    let (legend, more) = legend(timeline, layout, chain);
    let top = TOP + more;
    let below = |lines: usize| if lines == 0 { 0.0 } else { 36.0 + LANE * number(lines) };
    let bottom = top + layout.height + 24.0;
    let height = bottom + below(failed.len()) + below(told.len());
    let mut out = String::new();
    let (width, tall) = (n(WIDTH), n(height));
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{tall}\" \
         viewBox=\"0 0 {width} {tall}\" role=\"img\" aria-labelledby=\"title desc\">"
    );
    let title = title(timeline, layout, time);
    let status = status(timeline);
    let _ = writeln!(out, "<title id=\"title\">{}</title>", escape(&title));
    let _ = writeln!(out, "<desc id=\"desc\">{}</desc>", escape(&description(timeline, &status, &told)));
    let _ = writeln!(out, "<style>{STYLE}</style>");
    out.push_str(
        "<defs><pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path d=\"M0 0V5\" class=\"hatching\"/></pattern></defs>\n",
    );
    let _ = writeln!(out, "<rect class=\"page\" width=\"{width}\" height=\"{tall}\"/>");
    text(&mut out, 16.0, 28.0, "head", &title);
    text(&mut out, 16.0, 48.0, "faint", &status);
    out.push_str(&legend);
    out.push_str("<g transform=\"translate(0 ");
    let _ = writeln!(out, "{})\">", n(top));
    for (at, block) in layout.blocks.iter().enumerate() {
        block_names(&mut out, timeline, block, at % 2 == 0);
    }
    if layout.headings.is_empty() {
        text(&mut out, 16.0, -16.0, "", "No step was begun.");
    } else {
        axis(&mut out, layout);
    }
    for (place, y) in &layout.headings {
        text(&mut out, 16.0, y + HEADING - 9.0, "place", place);
    }
    links(&mut out, timeline, layout, chain);
    let on_chain: BTreeSet<TaskId> = chain.iter().copied().collect();
    for (task, placed) in &layout.bars {
        bar(&mut out, layout, &timeline.bars[*task], placed, on_chain.contains(task));
    }
    out.push_str("</g>\n");
    if !failed.is_empty() {
        text(&mut out, 16.0, bottom + 14.0, "place", "What failed");
    }
    for (at, line) in failed.iter().enumerate() {
        let y = bottom + 34.0 + LANE * number(at);
        text(&mut out, 24.0, y, "", &cut(line, 11.0, WIDTH - 36.0));
    }
    let bottom = bottom + below(failed.len());
    if !told.is_empty() {
        text(&mut out, 16.0, bottom + 14.0, "place", CHAIN);
    }
    for (at, (seconds, line)) in told.iter().enumerate() {
        let y = bottom + 34.0 + LANE * number(at);
        text(&mut out, 100.0, y, "faint end", &duration::spoken(*seconds));
        text(&mut out, 112.0, y, "", &cut(line, 11.0, WIDTH - 124.0));
    }
    out.push_str("</svg>\n");
    out
}

const CHAIN: &str = "The chain of steps that took the longest";

fn text(out: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(out, "<text x=\"{}\" y=\"{}\"{class}>{}</text>", n(x), n(y), escape(text));
}

fn title(timeline: &Timeline, layout: &Layout, time: Option<&str>) -> String {
    let took = duration::spoken(timeline.now);
    let took = time.map_or_else(|| took.clone(), |time| format!("{took} of {time} time"));
    let steps: BTreeSet<_> =
        layout.bars.keys().chain(layout.blocks.iter().flat_map(|block| &block.skipped)).collect();
    let steps: BTreeSet<_> = steps.into_iter().map(|task| &timeline.bars[*task].address).collect();
    format!("{} of {}: {} in {took}", timeline.operation, timeline.stack, count(steps.len(), "step"))
}

fn status(timeline: &Timeline) -> String {
    match &timeline.finished {
        None => "It has not come to its end.".to_owned(),
        Some((status, totals)) => {
            let word = match status {
                FinishedStatus::Succeeded => "Succeeded",
                FinishedStatus::Failed => "Failed",
                FinishedStatus::Cancelled => "Cancelled",
            };
            format!("{word}: {}", totals_text(totals))
        }
    }
}

fn description(timeline: &Timeline, status: &str, told: &[(f64, String)]) -> String {
    let mut text = format!("A bar for each step over time, grouped by place and resource. {status}.");
    for line in failed_lines(timeline) {
        let _ = write!(text, " Failed: {line}.");
    }
    if !told.is_empty() {
        let parts: Vec<String> =
            told.iter().map(|(seconds, line)| format!("{line}, {}", duration::spoken(*seconds))).collect();
        let _ = write!(text, " {CHAIN}: {}.", parts.join("; "));
    }
    text
}

/// Says what failed and why; more than a few are counted.
fn failed_lines(timeline: &Timeline) -> Vec<String> {
    let failed = timeline.bars.iter().filter_map(|bar| match &bar.end {
        End::Failed(why) => Some(format!("{}: {why}", bar.address)),
        _ => None,
    });
    let mut lines: Vec<String> = failed.collect();
    if lines.len() > FAILURES {
        let more = count(lines.len() - FAILURES, "failure");
        lines.truncate(FAILURES);
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Says the chain in lines: what took long by its name, the rest in sums, so that the lines add up to the run.
fn chain_lines(timeline: &Timeline, chain: &[TaskId]) -> Vec<(f64, String)> {
    let (mut told, mut quick, mut at) = (Vec::new(), (0, 0.0), 0.0);
    let flush = |quick: &mut (usize, f64), told: &mut Vec<(f64, String)>| {
        let (number, seconds) = std::mem::take(quick);
        if number > 0 {
            told.push((seconds, count(number, "quick step")));
        }
    };
    for task in chain {
        let bar = &timeline.bars[*task];
        let waited = bar.start().unwrap_or(at) - at;
        at = bar.stop().unwrap_or(at);
        if waited >= timeline.now * WORTH_A_LINE {
            flush(&mut quick, &mut told);
            told.push((waited, "waiting for a turn".to_owned()));
        } else {
            quick.1 += waited;
        }
        if bar.seconds() >= timeline.now * WORTH_A_LINE {
            flush(&mut quick, &mut told);
            told.push((bar.seconds(), format!("{} {} ({})", sign(bar.action), bar.address, bar.kind)));
        } else {
            quick = (quick.0 + 1, quick.1 + bar.seconds());
        }
    }
    flush(&mut quick, &mut told);
    told
}

fn block_names(out: &mut String, timeline: &Timeline, block: &Block, stripe: bool) {
    if stripe {
        let (y, height) = (n(block.y), n(block.height));
        let _ = writeln!(
            out,
            "<rect class=\"stripe\" x=\"8\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>",
            n(WIDTH - 16.0)
        );
    }
    let name = block.resource.as_str().split_once('/').map_or(block.resource.as_str(), |(_, name)| name);
    let mut detail = block.took.map(duration::spoken).unwrap_or_default();
    if !block.skipped.is_empty() {
        let begun = format!("{} not begun", block.skipped.len());
        detail = if detail.is_empty() { begun } else { format!("{detail}, {begun}") };
    }
    let room = LEFT - 48.0 - text_width(&detail, 11.0);
    let base = block.y + LANE - 3.0;
    let mut whole = vec![block.resource.to_string()];
    for task in &block.skipped {
        let bar = &timeline.bars[*task];
        whole.push(tooltip(bar));
        begin_step(out, bar);
        out.push_str("</g>\n");
    }
    let _ = writeln!(out, "<g><title>{}</title>", escape(&whole.join("; ")));
    text(out, 24.0, base, "", &cut(name, 11.0, room));
    text(out, LEFT - 14.0, base, "faint end", &detail);
    out.push_str("</g>\n");
    for (task, y) in &block.rows {
        let bar = &timeline.bars[*task];
        let name = format!("{} {}", sign(bar.action), bar.name());
        text(out, 36.0, y + 4.0, "", &cut(&name, 11.0, LEFT - 44.0));
    }
}

fn bar(out: &mut String, layout: &Layout, bar: &Bar, placed: &Placed, on_chain: bool) {
    let (top, middle, height) = (placed.y - placed.height / 2.0, placed.y, placed.height);
    begin_step(out, bar);
    let class = match bar.action {
        _ if bar.end == End::Retained => "left",
        Action::Create => "make",
        Action::Update => "change",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Keep | Action::Wait | Action::Drain | Action::Read => "wait",
    };
    let mut drawn = placed.from;
    for (at, span) in bar.spans.iter().enumerate() {
        let last = at + 1 == bar.spans.len();
        let from = layout.x(span.from).clamp(drawn, placed.to);
        let to = if last { placed.to } else { layout.x(span.to).clamp(from, placed.to) };
        drawn = to;
        if span.doing == Doing::Pause {
            let _ = writeln!(out, "<path class=\"pause\" d=\"M{} {}H{}\"/>", n(from), n(middle), n(to));
            continue;
        }
        let class = if last && matches!(bar.end, End::Failed(_)) { "bad" } else { class };
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            n(from),
            n(top),
            n(to - from),
            n(BAR)
        );
        if !last {
            let _ =
                writeln!(out, "<path class=\"retry\" d=\"M{} {}v{}\"/>", n(to), n(top - 1.0), n(BAR + 2.0));
        }
    }
    if on_chain {
        let _ = writeln!(
            out,
            "<rect class=\"chain\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            n(placed.from),
            n(top),
            n(placed.to - placed.from),
            n(height)
        );
    }
    match &bar.end {
        End::Failed(_) => cross(out, placed.to - 1.0, middle),
        End::Skipped(_) => diamond(out, placed.from + 1.0, middle),
        _ => {}
    }
    if let Some(label) = &placed.label {
        let (x, class) = match label.side {
            Side::Left => (placed.from - GAP, "label end"),
            Side::Right => (placed.to + GAP, "label"),
            Side::Inside => (placed.from + GAP, "label"),
        };
        text(out, x, middle + LABEL * 0.36, class, &label.text);
    }
    out.push_str("</g>\n");
}

/// Opens the group that every step has, so that a page may find it.
fn begin_step(out: &mut String, bar: &Bar) {
    let part = match bar.part {
        Part::Make => "make",
        Part::Remove => "remove",
    };
    let address = escape(bar.address.as_str());
    let _ = writeln!(out, "<g class=\"step\" data-address=\"{address}\" data-part=\"{part}\">");
    let _ = writeln!(out, "<title>{}</title>", escape(&tooltip(bar)));
}

fn cross(out: &mut String, x: f64, y: f64) {
    let _ = writeln!(out, "<path class=\"cross\" d=\"M{} {}l8 8m0 -8l-8 8\"/>", n(x - 4.0), n(y - 4.0));
}

fn diamond(out: &mut String, x: f64, y: f64) {
    let _ = writeln!(out, "<path class=\"skip\" d=\"M{} {}l4 4l-4 4l-4 -4z\"/>", n(x), n(y - 4.0));
}

fn tooltip(bar: &Bar) -> String {
    let mut text = format!("{}, {}: {}", bar.address, bar.kind, bar.action);
    match (&bar.end, bar.start()) {
        (End::Skipped(why), _) => {
            let _ = write!(text, " was not begun: {why}");
        }
        (_, Some(start)) => {
            let (took, at) = (duration::spoken(bar.seconds()), duration::spoken(start));
            let _ = write!(text, " took {took}, begun after {at}");
        }
        (_, None) => {}
    }
    if bar.attempts > 1 {
        let _ = write!(text, ", {} attempts", bar.attempts);
    }
    match &bar.end {
        End::Failed(why) => {
            let _ = write!(text, "; failed: {why}");
        }
        End::Retained => text.push_str("; left in place"),
        End::Open => text.push_str("; its end is not known"),
        _ => {}
    }
    text
}

/// Draws what leads from each step of the chain to the next: as a dotted line where it waited for its turn.
fn links(out: &mut String, timeline: &Timeline, layout: &Layout, chain: &[TaskId]) {
    for pair in chain.windows(2) {
        let (Some(one), Some(other)) = (layout.bars.get(&pair[0]), layout.bars.get(&pair[1])) else {
            continue;
        };
        let (stop, start) = (timeline.bars[pair[0]].stop(), timeline.bars[pair[1]].start());
        let (x, to) = (layout.x(stop.unwrap_or(0.0)), layout.x(start.unwrap_or(0.0)));
        let _ = writeln!(out, "<path class=\"link\" d=\"M{} {}V{}\"/>", n(x), n(one.y), n(other.y));
        if to - x > 1.0 {
            let _ = writeln!(out, "<path class=\"link turn\" d=\"M{} {}H{}\"/>", n(x), n(other.y), n(to));
        }
    }
}

/// Seconds between two marks of an axis, from which the first is taken that leaves room between them.
const STEPS: &[f64] = &[
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
    14400.0, 43200.0, 86400.0,
];
/// Marks that an axis has room for.
const MARKS: f64 = 10.0;

fn axis(out: &mut String, layout: &Layout) {
    let step = STEPS.iter().copied().find(|step| layout.seconds / step <= MARKS);
    // Beyond days, a tenth of the whole is as good as any.
    let step = step.unwrap_or(layout.seconds / MARKS);
    let mut mark = 0.0;
    while mark <= layout.seconds {
        let x = layout.x(mark);
        let _ = writeln!(out, "<path class=\"grid\" d=\"M{} -4V{}\"/>", n(x), n(layout.height));
        let label = duration::spoken(mark);
        text(out, x, -8.0, "label faint middle", &label);
        text(out, x, layout.height + 14.0, "label faint middle", &label);
        mark += step;
    }
}

/// Explains the forms that occur. Returns by how much it is higher than one line, too.
fn legend(timeline: &Timeline, layout: &Layout, chain: &[TaskId]) -> (String, f64) {
    let bars = || timeline.bars.iter().filter(|bar| bar.end != End::Unheard);
    let begun = |wanted: &dyn Fn(&Bar) -> bool| bars().any(|bar| !bar.spans.is_empty() && wanted(bar));
    let (mut out, mut x, mut y) = (String::new(), 16.0, LEGEND);
    let mut entry = |form: &dyn Fn(&mut String, f64, f64), words: &str| {
        let width = 32.0 + text_width(words, 11.0) + 18.0;
        if x + width > WIDTH {
            (x, y) = (16.0, y + 18.0);
        }
        form(&mut out, x, y);
        text(&mut out, x + 32.0, y + 4.0, "", words);
        x += width;
    };
    let rect = |class: &'static str| {
        move |out: &mut String, x: f64, y: f64| {
            let _ = writeln!(
                out,
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"24\" height=\"{}\"/>",
                n(x),
                n(y - BAR / 2.0),
                n(BAR)
            );
        }
    };
    for (action, class, words) in [
        (Action::Create, "make", "+ create"),
        (Action::Update, "change", "~ update"),
        (Action::Replace, "replace", "± replace"),
        (Action::Delete, "delete", "− delete"),
    ] {
        if begun(&|bar| bar.action == action && bar.end != End::Retained) {
            entry(&rect(class), words);
        }
    }
    if begun(&Bar::waits) {
        entry(&rect("wait"), "· waiting or reading");
    }
    if begun(&|bar| bar.spans.len() > 1) {
        let form = |out: &mut String, x: f64, y: f64| {
            let _ = writeln!(out, "<path class=\"retry\" d=\"M{} {}v12\"/>", n(x + 1.0), n(y - 6.0));
            let _ = writeln!(out, "<path class=\"pause\" d=\"M{} {}h23\"/>", n(x + 1.0), n(y));
        };
        entry(&form, "failed attempt, pause before the next");
    }
    if begun(&|bar| matches!(bar.end, End::Failed(_))) {
        let form = |out: &mut String, x: f64, y: f64| {
            rect("bad")(out, x, y);
            cross(out, x + 23.0, y);
        };
        entry(&form, "failed");
    }
    if layout.bars.keys().any(|task| matches!(timeline.bars[*task].end, End::Skipped(_))) {
        entry(&|out: &mut String, x: f64, y: f64| diamond(out, x + 12.0, y), "not begun");
    }
    if begun(&|bar| bar.end == End::Retained) {
        entry(&rect("left"), "left in place");
    }
    if !chain.is_empty() {
        let form = |out: &mut String, x: f64, y: f64| {
            rect("chain")(out, x, y);
            let _ = writeln!(out, "<path class=\"link\" d=\"M{} {}v9\"/>", n(x + 24.0), n(y));
        };
        entry(&form, "on the longest chain (dotted: waiting for a turn)");
    }
    (out, y - LEGEND)
}
