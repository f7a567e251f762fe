//! Progress on stderr: a bar on a terminal, one line per step elsewhere. Never data, never a verdict.

use std::{
    cell::RefCell,
    io::{IsTerminal as _, Write as _, stderr},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::halt::Halt;

/// How progress is shown.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    silent: bool,
    state: RefCell<State>,
    halt: Halt,
}

#[derive(Debug, Default)]
struct State {
    bar: Option<ProgressBar>,
    n_done: u64,
    n_steps: u64,
}

impl Progress {
    /// Bar or lines, as stderr is.
    pub(crate) fn on_stderr() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            silent: false,
            state: RefCell::default(),
            halt: Halt::default(),
        }
    }

    /// Neither: for a session that is one step of somebody else's.
    pub(crate) fn silent() -> Self {
        Self { terminal: false, silent: true, state: RefCell::default(), halt: Halt::default() }
    }

    /// The same as far as it ends the work before its time, and silent: for a session that is one step of this one's.
    pub(crate) fn quiet(&self) -> Self {
        Self { halt: self.halt.clone(), ..Self::silent() }
    }

    /// What ends the work before its time.
    pub(crate) const fn halt(&self) -> &Halt {
        &self.halt
    }

    /// Starts counting `n_steps` steps.
    pub(crate) fn begin(&self, n_steps: u64) {
        let bar = self.terminal.then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}");
            let bar = ProgressBar::new(n_steps);
            bar.set_style(style.expect("the template is a constant"));
            bar
        });
        *self.state.borrow_mut() = State { bar, n_done: 0, n_steps };
    }

    /// One step is done.
    pub(crate) fn step(&self, what: &str) {
        let mut state = self.state.borrow_mut();
        state.n_done += 1;
        match &state.bar {
            Some(bar) => {
                bar.set_message(what.to_owned());
                bar.inc(1);
            }
            None if self.silent => {}
            None => line(&format!("[{}/{}] {what}", state.n_done, state.n_steps)),
        }
    }

    /// All steps are done.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.state.borrow_mut().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Says something between steps.
    pub(crate) fn note(&self, what: &str) {
        match &self.state.borrow().bar {
            Some(bar) => bar.suspend(|| line(what)),
            None if self.silent => {}
            None => line(what),
        }
    }
}

fn line(text: &str) {
    // A closed stderr is no reason to stop measuring.
    let _ = writeln!(stderr(), "{text}");
}
