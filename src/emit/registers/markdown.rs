//! The register map as a Markdown page.

use super::offset;
use crate::rtl::Register;
use std::fmt::Write;

pub fn text(design: &str, registers: &[Register]) -> String {
    let mut text = format!(
        "# Registers of {design}\n\nWords of 32 bits. The address counts words, as at `reg_addr_i`; the offset counts bytes, as on AXI4-Lite. \
         Bits outside the fields are read as 0, and writing them does nothing. `ro` is read only, `rw` read and \
         written, `wo` written only (read as 0). \"Changes\" says that the hardware changes the value.\n\n\
         | address | offset | name | access | after reset | meaning |\n|---|---|---|---|---|---|\n"
    );
    for r in registers {
        let changes = if r.volatile { ", changes" } else { "" };
        let _ = writeln!(
            text,
            "| 0x{:03x} | 0x{:03x} | {} | {} | 0x{:08x}{changes} | {} |",
            r.address,
            offset(r),
            r.name,
            r.access,
            r.reset,
            cell(&r.description)
        );
    }
    text.push_str("\n## Fields\n\n| register | bits | field | meaning |\n|---|---|---|---|\n");
    for r in registers {
        for (n, f) in r.fields.iter().enumerate() {
            let name = if n == 0 { r.name.as_str() } else { "" };
            let bits = match f.bits {
                1 => f.lsb.to_string(),
                bits => format!("{}:{}", f.lsb + bits - 1, f.lsb),
            };
            let row = format!("| {name} | {bits} | {} | {} |", f.name, cell(&f.description));
            let _ = writeln!(text, "{}", row.replace("|  |", "| |"));
        }
    }
    text
}

/// Text that does not end its cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
