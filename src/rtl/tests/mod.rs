//! Blocks on their own in Icarus, against what they promise.

mod buffer;
mod popcount;

use crate::verilog::VerilogFile;
use std::process::Command;

/// Runs `bench`, whose top module is `bench`, and returns what it printed.
fn simulate(files: &[VerilogFile], bench: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut sources = vec!["bench.v".to_string()];
    std::fs::write(dir.path().join("bench.v"), bench).unwrap();
    for file in files {
        std::fs::write(dir.path().join(file.file_name()), file.text()).unwrap();
        sources.push(file.file_name());
    }
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(dir.path())
            .output()
            .unwrap_or_else(|e| panic!("{program} does not start ({e}): this test needs it, install it first"));
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{program}: {said}");
        said
    };
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    run("iverilog", &[&["-g2005", "-s", "bench", "-o", "bench.vvp"][..], &sources].concat());
    run("vvp", &["-N", "bench.vvp"])
}
