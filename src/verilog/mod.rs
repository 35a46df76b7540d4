//! A typed syntax tree of synthesizable Verilog-2005, with widths known at run time. It knows no neural network.
//!
//! [`Expr`] is a value of known width. Both operands of an operator have the same width, and so has the result
//! (comparisons and reductions have 1 bit); nothing is extended or cut unless `zext`, `sext` or `trunc` says so. Building
//! expressions and items never fails: what is wrong goes along, and [`Module::build`] returns it with the module's name,
//! the expression and both widths. `build` also refuses names that a tool would not take, nets that are driven twice, not
//! at all or never read, ports left open and latches; so what it prints passes `verilator --lint-only -Wall`.
//!
//! ```
//! use neuspin::verilog::*;
//!
//! # fn main() -> Result<(), VerilogError> {
//! let mut m = Module::new("accumulate");
//! m.doc("Adds up the values that arrive; `clear_i` starts again with the value that comes with it.");
//! m.fact("bits of a value", 8);
//! m.latency("1 clock");
//! m.group("Clock and reset");
//! let (clk, rst_n) = (m.input("clk_i", 1), m.input("rst_ni", 1));
//! m.group("Values in");
//! let (valid, clear) = (m.input("valid_i", 1), m.input("clear_i", 1));
//! let value = m.input("value_i", 8);
//! m.note("two's complement");
//! m.group("Sum out");
//! let sum = m.output("sum_o", 12);
//!
//! let sum_q = m.reg("sum_q", 12);
//! let base = m.wire_is("base", &mux(&clear, &lit(12, 0), &sum_q));
//! m.clocked(&clk, [
//!     when_else(&!&rst_n, [set(&sum_q, &lit(12, 0))], [when(&valid, [set(&sum_q, &(&base + value.sext(12)))])]),
//! ]);
//! m.assign(&sum, &sum_q);
//! let file = m.build()?; // file.file_name() is "accumulate.v", file.text() its text
//!
//! let mut top = Module::new("top"); // an instance is checked against the header of the module
//! let ports: Vec<Expr> = file.header().ports().iter().map(|p| match p.direction {
//!     Direction::Input => top.input(&p.name, p.width),
//!     Direction::Output => top.output(&p.name, p.width),
//! }).collect();
//! let names = ["clk_i", "rst_ni", "valid_i", "clear_i", "value_i", "sum_o"];
//! top.instance("u_accumulate", file.header(), &names.into_iter().zip(&ports).collect::<Vec<_>>());
//! println!("{}", top.build()?.text());
//! # Ok(())
//! # }
//! ```
//!
//! What there is:
//!
//! - **Constants**: [`lit`] (decimal), [`hex`] (masks), [`lit_hex`] and [`lit_words`] (any width), [`lit_signed`].
//! - **Operators**: `&a + &b`, `-`, `&`, `|`, `^`, `!a` (every bit), `-a`, `&a << 3`, `&a >> 3`; [`Expr::eq`], `ne`, `lt`, `le`,
//!   `gt`, `ge` and the same with `_signed`; [`Expr::mul`], [`Expr::mul_signed`]; [`Expr::all`], `any`, `parity`; [`mux`];
//!   [`cat`] (most significant first), [`cat_lsb_first`], [`repeat`]; [`Expr::zext`], `sext`, `trunc`.
//! - **Bits**: [`Expr::bit`], [`Expr::slice`]`(hi, lo)`, [`Expr::bits`]`(lo, width)`; at run time [`Expr::at`]`(index)` and
//!   [`Expr::word`]`(index, width)`. Of names, memory words, slices and literals; name anything else with `wire_is` first.
//! - **Module**: `parameter`, `text_parameter`, `group`, `input`, `output`, `output_reg`, `attribute`, `wire`, `reg`, `wire_is`, `localparam`,
//!   `memory`, `assign`, `clocked`, `combinational`, `instance`, `instance_with`, `generate_for`, `unused`, `section`,
//!   `comment`, `note` (trailing comment on what was declared last), `blank`.
//! - **Statements**: [`set`] (to a register, bits of one, a memory word, a concatenation), [`when`], [`when_else`], [`case`],
//!   [`note`].
//! - **Memories**: `let rom = m.memory(Memory::new("rom", 64, 512).block().file("rom.mem"))`, then
//!   `set(&q, &rom.word(&address))` in a clocked process for a registered read.

mod behaviour;
mod error;
mod expr;
mod header;
mod layout;
mod literal;
mod memory;
mod module;
mod names;
mod ops;
mod out;
mod print;
mod process;
mod scope;
mod select;
mod stmt;
mod usage;

pub use error::{Fault, VerilogError};
pub use expr::{Expr, MAX_WIDTH, cat, cat_lsb_first, index_width, mux, repeat};
pub use header::{Direction, Header, Parameter, ParameterKind, Port, Value, VerilogFile};
pub use literal::{hex, lit, lit_hex, lit_signed, lit_words};
pub use memory::Memory;
pub use module::Module;
pub use names::check_name;
pub use print::file_comment;
pub use stmt::{Stmt, case, note, set, when, when_else};
pub use usage::{Instances, MemoryUse};
