//! What the program says and asks: data on stdout, talk on stderr, colour only on a terminal.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};

use owo_colors::{OwoColorize, Style as Paint};
use skyplat::engine::Control;
use skyplat::render::{Problem, Role, Style};

/// Colours by role; what is no terminal gets the text without them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colour;

impl Style for Colour {
    fn paint(&self, role: Role, text: &str) -> String {
        let paint = Paint::new();
        let paint = match role {
            Role::Strong => paint.bold(),
            Role::Create => paint.green(),
            Role::Update => paint.yellow(),
            Role::Replace => paint.magenta(),
            Role::Delete => paint.red(),
            Role::Faint => paint.dimmed(),
            Role::Warning => paint.yellow().bold(),
            Role::Error => paint.red().bold(),
            Role::Hint => paint.cyan().bold(),
        };
        text.style(paint).to_string()
    }
}

/// Writes data. A reader that has seen enough (`| head`) is no error.
pub(crate) fn data(text: &str) -> Result<(), Problem> {
    write(&mut anstream::stdout(), text)
        .map_err(|error| Problem::failed(format!("cannot write the answer: {error}")))
}

/// Writes talk. Nobody listening is no reason to stop.
pub(crate) fn talk(text: &str) {
    let _ = write(&mut anstream::stderr(), text);
}

/// Returns a text as stderr wants it: without colour when the person wants none.
pub(crate) fn for_terminal(text: &str) -> String {
    match anstream::AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    }
}

/// Writes JSON as data, over several lines.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Problem::failed(format!("cannot write the answer as JSON: {error}")))?;
    data(&format!("{text}\n"))
}

fn write(stream: &mut impl Write, text: &str) -> io::Result<()> {
    match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Asks whether to go on.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<bool, Problem> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        return Err(nobody_to_ask());
    }
    talk(&format!("\n{} Only \"yes\" goes on: ", Colour.paint(Role::Strong, question)));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Problem::failed(format!("cannot read the answer: {error}")))?;
    Ok(answer.trim() == "yes")
}

/// Refuses early when a question will come and there is nobody to answer it.
pub(crate) fn can_ask(yes: bool) -> Result<(), Problem> {
    if yes || io::stdin().is_terminal() { Ok(()) } else { Err(nobody_to_ask()) }
}

fn nobody_to_ask() -> Problem {
    Problem::usage("this changes things, and there is no terminal to ask on; nothing was changed")
        .hint("look at `plan`, then pass --yes to go on without asking")
}

/// Lets Ctrl-C end a run: once lets what runs finish, twice stops now. Neither loses what was done.
pub(crate) fn watch_interrupts(control: &Control) {
    let control = control.clone();
    // A thread of its own: the run's clock may be a simulated one, on which signals would never come.
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                let again = control.is_draining();
                control.cancel();
                talk(if again {
                    "\nStopping now; what was done is recorded.\n"
                } else {
                    "\nNothing new is begun, and what runs may finish. Press Ctrl-C again to stop now.\n"
                });
            }
        });
    });
}
