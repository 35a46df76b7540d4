//! The registers of a design for people and programs, all from one description: Markdown, a C header, a Python module and
//! SystemRDL.

mod c;
mod markdown;
mod python;
mod rdl;
mod streams;

use super::{EmitError, FileSet};
use crate::rtl::Register;
use crate::rtl::axi::Wrapper;

/// Adds `registers/<design>_regs.*` to the files of a design.
///
/// # Errors
/// If a file of that name is there already.
pub fn add(files: &mut FileSet, design: &str, registers: &[Register]) -> Result<(), EmitError> {
    let texts = [
        ("md", markdown::text(design, registers)),
        ("h", c::text(design, registers)),
        ("py", python::text(design, registers)),
        ("rdl", rdl::text(design, registers)),
    ];
    texts.into_iter().try_for_each(|(kind, text)| files.insert(&format!("registers/{design}_regs.{kind}"), text))
}

/// Adds `registers/<design>_axi.*`: frames of the streams of a design behind AXI, for programs.
///
/// # Errors
/// If a file of that name is there already.
pub fn add_streams(files: &mut FileSet, design: &str, wrapper: &Wrapper) -> Result<(), EmitError> {
    files.insert(&format!("registers/{design}_axi.py"), streams::python(design, wrapper))?;
    files.insert(&format!("registers/{design}_axi.h"), streams::c(design, wrapper))
}

/// Offset in bytes, as on a bus of 32-bit words.
fn offset(register: &Register) -> u32 {
    4 * register.address
}

/// `text` between double quotes, as C, Python and SystemRDL read it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<Register> {
        vec![
            Register::new(0, "ID", "ro", 0x4E53_504E, "\"NSPN\""),
            Register::new(2, "STATUS", "ro", 2, "bit 0: busy; bit 1: starting")
                .flags(&[("BUSY", "images | in flight"), ("STARTING", "not yet ready")])
                .volatile(),
            Register::new(0x110, "CODE0", "rw", 26, "a probability").bits(9),
        ]
    }

    #[test]
    fn every_register_and_field_is_in_every_text() {
        let mut files = FileSet::new();
        add(&mut files, "demo", &example()).unwrap();
        let text = |kind: &str| {
            String::from_utf8(files.get(&format!("registers/demo_regs.{kind}")).unwrap().to_vec()).unwrap()
        };
        for line in ["| 0x002 | 0x008 | STATUS | ro | 0x00000002, changes |", "| | 1 | STARTING | not yet ready |"] {
            assert!(text("md").contains(line), "{line} is not in\n{}", text("md"));
        }
        assert!(text("md").contains("images \\| in flight"), "{}", text("md"));
        for line in ["#define DEMO_STATUS_STARTING_MASK  0x00000002u", "#define DEMO_CODE0_VALUE_BITS  9u"] {
            assert!(text("h").contains(line), "{line} is not in\n{}", text("h"));
        }
        assert!(text("py").contains("\"CODE0\": Register("), "{}", text("py"));
        for line in ["VALUE[8:0] = 9'h1a;", "} CODE0 @ 0x440;", "desc = \"\\\"NSPN\\\"\";"] {
            assert!(text("rdl").contains(line), "{line} is not in\n{}", text("rdl"));
        }
    }
}
