//! One thread: candle's element-wise operations otherwise wait for one another in spin loops.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What candle reads the number of its threads from, once and for all.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Starts this program anew with the same arguments, and candle on one thread, unless the user has set the number of threads.
///
/// To be called first thing by a command that trains. It makes no difference to the result, but on two cores to the time:
/// several times less. Returns if nothing need be done, or with the reason why the program could not start.
pub fn restart_on_one_thread() -> io::Result<()> {
    if std::env::var_os(VARIABLE).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    Err(Command::new(program).args(std::env::args_os().skip(1)).env(VARIABLE, "1").exec())
}
