//! Mends a netlist that Yosys wrote as JSON for an ECP5, as `neuspin build` does between synthesis and placement: `scripts/engine-clock.sh`.
//! Argument: the file, which is written anew.

use anyhow::{Context, Result};
use neuspin::board::Family;
use neuspin::cosim::mend;
use std::path::PathBuf;

fn main() -> Result<()> {
    let path = PathBuf::from(std::env::args_os().nth(1).context("name a netlist")?);
    let done = mend(&path, Family::Ecp5).with_context(|| path.display().to_string())?;
    println!("{}", serde_json::to_string(&done)?);
    Ok(())
}
