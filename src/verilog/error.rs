//! What is wrong with a module that cannot be printed.

use thiserror::Error;

/// The first fault of a module; see [`super::Module::build`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Verilog module `{module}`, {place}: {fault}{}", more(*.others))]
pub struct VerilogError {
    pub module: String,
    /// The item in which it was found, in words.
    pub place: String,
    pub fault: Box<Fault>,
    /// Faults found after this one.
    pub others: usize,
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and 1 more fault)".into(),
        n => format!(" (and {n} more faults)"),
    }
}

/// One thing that is wrong; expressions are quoted as they would be printed, shortened when long.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    #[error(
        "`{expression}`: `{left}` has {left_width} bits, `{right}` has {right_width}; both must have the same width"
    )]
    Operands { expression: String, left: String, left_width: u32, right: String, right_width: u32 },
    #[error("`{expression}`: the condition `{condition}` has {width} bits; it must have 1")]
    Condition { expression: String, condition: String, width: u32 },
    #[error("`{expression}`: bits {hi} down to {lo} of a value of {width} bits (0 to {})", width - 1)]
    Slice { expression: String, hi: u32, lo: u32, width: u32 },
    #[error("`{expression}` is not a name, and Verilog selects bits of names only; name it with `wire_is` first")]
    NotSelectable { expression: String },
    #[error("`{expression}`: cannot be made {wanted} bits wide, it has {width} already; use `trunc` to cut it")]
    Widen { expression: String, width: u32, wanted: u32 },
    #[error("`{expression}`: cannot be cut to {wanted} bits, it has {width}")]
    Cut { expression: String, width: u32, wanted: u32 },
    #[error("the value {value} does not fit a literal of {width} bits")]
    Literal { value: String, width: u32 },
    #[error("`{digits}` is not a hexadecimal number")]
    Digits { digits: String },
    #[error("`{expression}` would have {width} bits; 1 to {} are possible", super::MAX_WIDTH)]
    Width { expression: String, width: u32 },
    #[error("`{expression}`: a shift by {amount} leaves nothing of {width} bits")]
    Shift { expression: String, amount: u32, width: u32 },
    #[error("`{expression}`: {width} bits do not divide into words of {word}")]
    Words { expression: String, width: u32, word: u32 },
    #[error("`{expression}`: the index `{index}` has {width} bits; {entries} entries are selected with {wanted}")]
    Index { expression: String, index: String, width: u32, entries: u32, wanted: u32 },
    #[error("`{expression}`: the loop over `{index}` runs to {count}, but there are {entries} entries")]
    LoopIndex { expression: String, index: String, count: u32, entries: u32 },

    #[error("`{name}` is not a legal name: {why}")]
    Name { name: String, why: &'static str },
    #[error("the name `{name}` is taken by {by}")]
    Taken { name: String, by: String },
    #[error("`{name}` is not declared here")]
    Undeclared { name: String },
    #[error("`{name}` has {declared} bits here, but is used with {width}")]
    DeclaredOtherwise { name: String, declared: u32, width: u32 },

    #[error("`{target}` has {target_width} bits, but `{value}` has {value_width}; both must have the same width")]
    Assign { target: String, target_width: u32, value: String, value_width: u32 },
    #[error("the clock `{clock}` is not a name of 1 bit")]
    Clock { clock: String },
    #[error("cannot assign to `{target}`: {why}")]
    Target { target: String, why: String },
    #[error("{bits} driven by {first} already")]
    DrivenTwice { bits: String, first: String },
    #[error("{bits} never driven")]
    Undriven { bits: String },
    #[error("{bits} never read; pass what is not needed to `unused`")]
    Unread { bits: String },
    #[error("{bits} not assigned on every path, which makes a latch; assign a default first")]
    Latch { bits: String },
    #[error("the case item {item} stands twice")]
    CaseTwice { item: String },
    #[error(
        "the case item `{item}` has {item_width} bits, but `{selector}` has {width}; both must have the same width"
    )]
    CaseWidth { item: String, item_width: u32, selector: String, width: u32 },

    #[error("port `{port}` of `{of}` has {port_width} bits, but `{value}` has {value_width}")]
    Port { of: String, port: String, port_width: u32, value: String, value_width: u32 },
    #[error("port `{port}` of `{of}` is not connected")]
    Unconnected { of: String, port: String },
    #[error("port `{port}` of `{of}` is connected twice")]
    ConnectedTwice { of: String, port: String },
    #[error("`{of}` has no {what} `{name}`; it has {known}")]
    NoSuch { of: String, what: &'static str, name: String, known: String },
    #[error("parameter `{name}` of `{of}`: {what}")]
    Parameter { of: String, name: String, what: String },
}
