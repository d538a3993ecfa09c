//! The picture of a run that `--timeline FILE` asks for.
//!
//! Whether it can be written is found out before the run; when it cannot be written afterwards, that is told and does not
//! change how the run ended. A file that is there is replaced as a whole or stays as it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use skyplat::engine::Event;
use skyplat::plan::Plan;
use skyplat::render::Problem;
use skyplat::render::timeline::Timeline;
use skyplat::state::State;
use skyplat::workspace::Prepared;

use crate::cli::Options;
use crate::terminal;

/// Where the picture of a run goes.
pub(crate) struct Picture {
    file: PathBuf,
}

/// A picture that is being drawn; nothing when none was asked for.
pub(crate) struct Drawing<'p> {
    drawn: Option<(&'p Picture, Timeline)>,
}

impl Picture {
    /// Finds out whether the picture can be written, if one is asked for.
    pub(crate) fn open(options: &Options) -> Result<Option<Self>, Problem> {
        let Some(file) = &options.timeline else { return Ok(None) };
        let picture = Self { file: file.clone() };
        let found = if file.is_dir() {
            Err(io::Error::from(io::ErrorKind::IsADirectory))
        } else {
            picture.beside().and_then(|beside| {
                drop(File::create(&beside)?);
                fs::remove_file(beside)
            })
        };
        found.map_err(|error| {
            Problem::usage(format!("cannot write the timeline to {}: {error}", file.display()))
                .hint("nothing was begun; name a file in a directory that is there and can be written to")
        })?;
        Ok(Some(picture))
    }

    /// Starts drawing a run.
    pub(crate) fn draw<'p>(picture: Option<&'p Self>, prepared: &Prepared, state: &State) -> Drawing<'p> {
        let plan: &Plan = &prepared.plan;
        let wanted = prepared.description.graph.nodes().values();
        let drawn = picture.map(|picture| {
            (picture, Timeline::new(plan, wanted.chain(state.records().map(|record| &*record.node))))
        });
        Drawing { drawn }
    }

    /// Returns the file that is written first, in the same directory.
    fn beside(&self) -> io::Result<PathBuf> {
        let name = self.file.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let directory = self.file.parent().unwrap_or(Path::new(""));
        Ok(directory.join(format!(".{}.{}", name.to_string_lossy(), std::process::id())))
    }

    fn write(&self, svg: &str) -> io::Result<()> {
        let beside = self.beside()?;
        let written = File::create(&beside)
            .and_then(|mut file| file.write_all(svg.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &self.file));
        if written.is_err() {
            // What is left of it helps nobody; the first error says what happened.
            let _ = fs::remove_file(&beside);
        }
        written
    }
}

impl Drawing<'_> {
    /// Takes one event of the run.
    pub(crate) fn take(&mut self, event: &Event) {
        if let Some((_, timeline)) = &mut self.drawn {
            timeline.take(event);
        }
    }

    /// Writes the picture, and says where it is or why it is not.
    pub(crate) fn finish(self) {
        let Some((picture, timeline)) = self.drawn else { return };
        let file = picture.file.display();
        match picture.write(&timeline.svg(Some("simulated"))) {
            Ok(()) => terminal::talk(&format!("The timeline is in {file}.\n")),
            Err(error) => terminal::talk(&format!("warning: cannot write the timeline to {file}: {error}\n")),
        }
    }
}
