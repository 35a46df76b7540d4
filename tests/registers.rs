//! The register files of a design say what the design's registers are: C compiles, Python runs, and both give every number.

use neuspin::emit::design_files;
use neuspin::plan::{Folding, Plan, Uncertainty};
use neuspin::rtl::{Design, Options, Register};
use neuspin::{lower, model::Model};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// What a program prints; it must succeed.
fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(dir).output();
    let output =
        output.unwrap_or_else(|e| panic!("{program} does not start ({e}): this test needs it, install it first"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program}: {}", text(&output.stderr));
    text(&output.stdout) + &text(&output.stderr)
}

/// A design with a class-wise flag, so with registers of every kind, and the folder of its register files.
fn emitted() -> (Design, tempfile::TempDir) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = Model::read(&root.join("models/digits-spindrop")).unwrap();
    let network = lower::lower(&model).unwrap();
    let folding = vec![Folding { pe: 4, simd: 32 }, Folding { pe: 2, simd: 32 }, Folding { pe: 1, simd: 32 }];
    let plan = Plan::new(&network, 2, 64, folding).unwrap().with_uncertainty(Some(Uncertainty::ALL));
    let design = Design::build(&network, &plan, Options::default()).unwrap();
    let files = design_files(&design, &network, "test").unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("registers/")) {
        std::fs::write(dir.path().join(path.trim_start_matches("registers/")), bytes).unwrap();
    }
    (design, dir)
}

/// What each language has to print: a line a register, and one a field.
fn expected(registers: &[Register]) -> String {
    let mut text = String::new();
    for r in registers {
        let _ = writeln!(text, "{} {} {} {}", r.name, r.address, 4 * r.address, r.reset);
        for f in &r.fields {
            let mask = (f.lsb..f.lsb + f.bits).map(|bit| 1u64 << bit).sum::<u64>();
            let _ = writeln!(text, " {} {} {} {mask}", f.name, f.lsb, f.bits);
        }
    }
    text
}

#[test]
fn the_c_header_compiles_and_gives_every_number() {
    let (design, dir) = emitted();
    let name = &design.name;
    let prefix = name.to_uppercase();
    let mut program =
        format!("#include \"{name}_regs.h\"\n#include \"{name}_regs.h\"\n#include <stdio.h>\nint main(void) {{\n");
    for r in &design.registers {
        let of = format!("{prefix}_{}", r.name);
        let _ = writeln!(program, "printf(\"{} %u %u %u\\n\", {of}_WORD, {of}_OFFSET, {of}_RESET);", r.name);
        for f in &r.fields {
            let of = format!("{of}_{}", f.name);
            let _ = writeln!(program, "printf(\" {} %u %u %u\\n\", {of}_LSB, {of}_BITS, {of}_MASK);", f.name);
        }
    }
    program.push_str("return 0; }\n");
    std::fs::write(dir.path().join("test.c"), program).unwrap();
    let arguments = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-o", "test", "test.c"];
    assert_eq!(run(dir.path(), "gcc", &arguments), "");
    assert_eq!(run(dir.path(), dir.path().join("test").to_str().unwrap(), &[]), expected(&design.registers));
    assert!(design.registers.iter().any(|r| r.name == "THRESHOLD9") && design.registers.len() > 20);
}

#[test]
fn the_python_module_gives_every_number_and_refuses_what_does_not_fit() {
    let (design, dir) = emitted();
    let name = &design.name;
    let program = format!(
        "import {name}_regs as m\n\
         for r in m.REGISTERS.values():\n\
         \x20   print(r.name, r.address, r.offset, r.reset)\n\
         \x20   for f in r.fields: print('', f.name, f.lsb, f.bits, f.mask)\n"
    );
    let said = run(dir.path(), "python3", &["-B", "-c", &program]);
    assert_eq!(said, expected(&design.registers));
    let program = format!(
        "import {name}_regs as m\n\
         status = m.REGISTERS['STATUS']\n\
         print(status.decode(3), status.decode(2), status.encode(STARTING=1))\n\
         for bad in (dict(STARTING=2), dict(NOTHING=1)):\n\
         \x20   try: status.encode(**bad)\n\
         \x20   except (KeyError, ValueError) as e: print(e.args[0])\n"
    );
    let said = run(dir.path(), "python3", &["-B", "-c", &program]);
    let due = "{'IN_FLIGHT': 1, 'STARTING': 1} {'IN_FLIGHT': 0, 'STARTING': 1} 2\nSTATUS.STARTING = 2: it has 1 bits\n\
               STATUS has no field NOTHING; it has IN_FLIGHT, STARTING\n";
    assert_eq!(said, due);
}
