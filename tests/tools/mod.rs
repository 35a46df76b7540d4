//! Verilator, Icarus and Yosys on emitted text.

use neuspin::verilog::VerilogFile;
use std::path::Path;
use std::process::Command;

/// Runs a tool in `dir` and returns what it printed; fails with its output if it fails.
pub fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|e| panic!("{program} does not start ({e}): this test needs it, install it first"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {} failed:\n{text}", arguments.join(" "));
    text
}

/// Writes the modules and other files (name, text) into a fresh directory.
pub fn write(files: &[&VerilogFile], others: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::write(dir.path().join(file.file_name()), file.text()).unwrap();
    }
    for (name, text) in others {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// Verilator with all warnings, Icarus and Yosys must read the files without a word; the first one is the top.
pub fn lint(files: &[&VerilogFile], others: &[(&str, &str)]) {
    let dir = write(files, others);
    let names: Vec<String> = files.iter().map(|file| file.file_name()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let top = files[0].name();

    let arguments = [&["--lint-only", "-Wall", "--top-module", top][..], &names].concat();
    let said = run(dir.path(), "verilator", &arguments);
    assert!(!said.contains("%Warning"), "{said}");

    let arguments = [&["-g2005", "-Wall", "-s", top, "-o", "out"][..], &names].concat();
    let said = run(dir.path(), "iverilog", &arguments);
    assert_eq!(said.replace(&format!("{}: warning: timescale", names[0]), ""), "");

    let script = format!("read_verilog {}; hierarchy -check -top {top}; proc; check -assert", names.join(" "));
    let said = run(dir.path(), "yosys", &["-q", "-p", &script]);
    assert_eq!(said, "");
}
