//! `neuspin completions`: completion scripts for shells.

use super::output::Output;
use super::{Cli, Status};
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, Write};

const EXAMPLES: &str = "\
Examples:
  neuspin completions bash > ~/.local/share/bash-completion/completions/neuspin
  neuspin completions zsh > ~/.zfunc/_neuspin          with ~/.zfunc in fpath
  neuspin completions fish > ~/.config/fish/completions/neuspin.fish";

/// Print a completion script for a shell.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args, _output: &Output) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "neuspin", &mut script);
    io::stdout().write_all(&script).context("standard output")?;
    Ok(Status::Success)
}
