//! What an interrupt (Ctrl-C, SIGTERM) must not leave behind: child processes and half-written folders.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Exit status of an interrupted command: 128 + SIGINT, as shells have it.
pub const EXIT_STATUS: i32 = 130;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Leftover {
    Group(i32),
    Path(PathBuf),
}

static LEFTOVERS: LazyLock<Mutex<Vec<Leftover>>> = LazyLock::new(Mutex::default);

fn leftovers() -> MutexGuard<'static, Vec<Leftover>> {
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something to be cleared away on an interrupt for as long as the guard lives.
#[derive(Debug)]
#[must_use = "the entry ends with its guard"]
pub struct Guard(Leftover);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut all = leftovers();
        if let Some(at) = all.iter().position(|l| *l == self.0) {
            all.swap_remove(at);
        }
    }
}

fn guard(leftover: Leftover) -> Guard {
    leftovers().push(leftover.clone());
    Guard(leftover)
}

/// The process group that child `id` leads is killed on an interrupt.
pub fn kill_group(id: u32) -> Guard {
    guard(Leftover::Group(id as i32))
}

/// Kills the process group that child `id` leads.
pub fn end_group(id: u32) {
    _ = killpg(Pid::from_raw(id as i32), Signal::SIGKILL);
}

/// The file or folder `path` is removed on an interrupt.
pub fn remove(path: &Path) -> Guard {
    guard(Leftover::Path(path.to_path_buf()))
}

/// From here on an interrupt clears away what is registered and ends the process.
pub fn install() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        // Held to the end: nothing may be registered any more.
        let all = leftovers();
        for leftover in all.iter() {
            match leftover {
                Leftover::Group(id) => _ = killpg(Pid::from_raw(*id), Signal::SIGKILL),
                Leftover::Path(path) if path.is_dir() => _ = std::fs::remove_dir_all(path),
                Leftover::Path(path) => _ = std::fs::remove_file(path),
            }
        }
        eprintln!("\ninterrupted");
        std::process::exit(EXIT_STATUS);
    })
}
