//! What is declared in a module, who drives it and what is read of it.

use super::expr::{Expr, Kind};
use super::{Fault, MAX_WIDTH, check_name};
use std::collections::HashMap;
use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Input,
    OutputWire,
    OutputReg,
    Wire,
    Reg,
    Memory,
    /// Parameter or local parameter.
    Constant,
    Genvar,
    /// Instance or label of a block.
    Label,
}

impl What {
    fn words(self) -> &'static str {
        match self {
            What::Input => "an input",
            What::OutputWire | What::OutputReg => "an output",
            What::Wire => "a wire",
            What::Reg => "a register",
            What::Memory => "a memory",
            What::Constant => "a parameter",
            What::Genvar => "a loop variable",
            What::Label => "an instance or block",
        }
    }
}

/// Who assigns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// `assign` or an instance's output: drives wires.
    Continuous,
    /// A process: drives registers and memories.
    Process,
}

struct Decl {
    what: What,
    width: u32,
    /// For each bit (for a memory: for all of it) the number of the item that drives it; 0 is nobody.
    driven: Vec<u32>,
    read: Vec<bool>,
    /// A memory with contents at the start, which needs no writer.
    initialised: bool,
    /// False once the `generate` block that holds it is closed.
    visible: bool,
}

#[derive(Default)]
pub(super) struct Scope {
    decls: HashMap<String, Decl>,
    /// Names in the order of declaration.
    order: Vec<String>,
    /// Places of the items that drive something; the item's number is the index + 1.
    drivers: Vec<String>,
}

impl Scope {
    pub fn declare(&mut self, name: &str, what: What, width: u32) -> Result<(), Fault> {
        check_name(name)?;
        if let Some(other) = self.decls.get(name) {
            return Err(Fault::Taken { name: name.into(), by: other.what.words().into() });
        }
        let bits = match what {
            What::Memory | What::Genvar | What::Label => 1,
            _ => width.min(MAX_WIDTH) as usize,
        };
        let decl =
            Decl { what, width, driven: vec![0; bits], read: vec![false; bits], initialised: false, visible: true };
        self.decls.insert(name.into(), decl);
        self.order.push(name.into());
        Ok(())
    }

    /// Number of names so far, to hand to [`Scope::close`].
    pub fn mark(&self) -> usize {
        self.order.len()
    }

    /// Ends the visibility of all names declared since `mark`.
    pub fn close(&mut self, mark: usize) {
        for name in &self.order[mark..] {
            if let Some(decl) = self.decls.get_mut(name) {
                decl.visible = false;
            }
        }
    }

    /// Registers an item that drives nets.
    pub fn driver(&mut self, place: &str) -> u32 {
        self.drivers.push(place.into());
        self.drivers.len() as u32
    }

    fn find(&mut self, name: &str, width: u32) -> Result<&mut Decl, Fault> {
        match self.decls.get_mut(name) {
            Some(decl) if decl.visible && decl.width == width => Ok(decl),
            Some(decl) if decl.visible => {
                Err(Fault::DeclaredOtherwise { name: name.into(), declared: decl.width, width })
            }
            _ => Err(Fault::Undeclared { name: name.into() }),
        }
    }

    /// Marks what `e` reads and checks that it exists.
    pub fn read(&mut self, e: &Expr) -> Result<(), Fault> {
        if let Some(fault) = e.fault() {
            return Err(fault.clone());
        }
        match e.kind() {
            Kind::Literal(_) => Ok(()),
            Kind::Genvar(name, _) => self.find(name, 32).map(|_| ()),
            Kind::Name(_) | Kind::Slice(..) | Kind::Part(..) | Kind::Word(..) => {
                let (name, width, range) = self.selection(e)?;
                let decl = self.find(&name, width)?;
                decl.read[range].fill(true);
                Ok(())
            }
            Kind::Not(e) | Kind::Negate(e) | Kind::Reduce(_, e) | Kind::Shift(_, e, _) | Kind::Repeat(_, e) => {
                self.read(e)
            }
            Kind::Binary(_, a, b) => self.read(a).and_then(|()| self.read(b)),
            Kind::Mux(c, a, b) => self.read(c).and_then(|()| self.read(a)).and_then(|()| self.read(b)),
            Kind::Cat(parts) => parts.iter().try_for_each(|part| self.read(part)),
        }
    }

    /// Name, width of the whole and range of bits of a selection; its indices are read.
    fn selection(&mut self, e: &Expr) -> Result<(String, u32, Range<usize>), Fault> {
        match e.kind() {
            Kind::Name(name) => Ok((name.clone(), e.width(), 0..e.width() as usize)),
            Kind::Slice(base, hi, lo) => {
                let (name, width, range) = self.selection(base)?;
                let whole = matches!(base.kind(), Kind::Word(..));
                Ok((name, width, if whole { range } else { *lo as usize..*hi as usize + 1 }))
            }
            Kind::Part(base, index, word) => {
                self.read(index)?;
                let (name, width, range) = self.selection(base)?;
                match (index.kind(), base.kind()) {
                    (Kind::Genvar(_, count), Kind::Name(_)) => Ok((name, width, 0..(count * word) as usize)),
                    _ => Ok((name, width, range)),
                }
            }
            Kind::Word(memory, address) => {
                self.read(address)?;
                Ok((memory.clone(), e.width(), 0..1))
            }
            _ => Err(Fault::Target {
                target: e.short(),
                why: "only names, bits of names, memory words and concatenations of these can be assigned to".into(),
            }),
        }
    }

    /// Marks what `target` names as driven by item `number`, a `driver`.
    pub fn drive(&mut self, target: &Expr, driver: Driver, number: u32) -> Result<(), Fault> {
        if let Some(fault) = target.fault() {
            return Err(fault.clone());
        }
        if let Kind::Cat(parts) = target.kind() {
            return parts.iter().try_for_each(|part| self.drive(part, driver, number));
        }
        let (name, width, range) = self.selection(target)?;
        let decl = self.find(&name, width)?;
        let why = match (decl.what, driver) {
            (What::Wire | What::OutputWire, Driver::Continuous) => None,
            (What::Reg | What::OutputReg | What::Memory, Driver::Process) => None,
            (What::Wire | What::OutputWire, Driver::Process) => {
                Some("a process assigns to registers (`reg`, `output_reg`) only".into())
            }
            (What::Reg | What::OutputReg, Driver::Continuous) => {
                Some("it is a register; `assign` and instances drive wires only".into())
            }
            (what, _) => Some(format!("it is {}", what.words())),
        };
        if let Some(why) = why {
            return Err(Fault::Target { target: target.short(), why });
        }
        let taken = |owner: u32| owner != 0 && owner != number;
        if let Some(at) = range.clone().find(|&bit| taken(decl.driven[bit])) {
            let last = range.clone().take_while(|&bit| bit < at || taken(decl.driven[bit])).last().unwrap_or(at);
            let first = self.drivers[self.decls[&name].driven[at] as usize - 1].clone();
            return Err(Fault::DrivenTwice { bits: self.bits(&name, at, last), first });
        }
        decl.driven[range].fill(number);
        Ok(())
    }

    /// Bits that `target` covers, as (name, range) pairs, for a target that [`Scope::drive`] has accepted.
    pub fn covered(&mut self, target: &Expr) -> Vec<(String, Range<usize>)> {
        match target.kind() {
            Kind::Cat(parts) => parts.iter().flat_map(|part| self.covered(part)).collect(),
            _ => self.selection(target).map(|(name, _, range)| (name, range)).into_iter().collect(),
        }
    }

    /// A memory with contents from a file needs no writer, and may have one.
    pub fn initialised(&mut self, memory: &str) {
        if let Some(decl) = self.decls.get_mut(memory) {
            decl.initialised = true;
        }
    }

    pub fn mark_read(&mut self, name: &str) -> Result<(), Fault> {
        match self.decls.get_mut(name) {
            Some(decl) => {
                decl.read.fill(true);
                Ok(())
            }
            None => Err(Fault::Undeclared { name: name.into() }),
        }
    }

    /// Nets that nobody drives or reads, in the order of declaration.
    pub fn loose_ends(&self) -> Vec<Fault> {
        let mut faults = vec![];
        for name in &self.order {
            let decl = &self.decls[name];
            let needs_driver = !matches!(decl.what, What::Input | What::Constant | What::Genvar | What::Label);
            let needs_reader = !matches!(decl.what, What::OutputWire | What::OutputReg | What::Genvar | What::Label);
            let run = |missing: &dyn Fn(usize) -> bool| {
                let first = (0..decl.driven.len()).find(|&bit| missing(bit))?;
                let last = (first..decl.driven.len()).take_while(|&bit| missing(bit)).last()?;
                Some(self.bits(name, first, last))
            };
            if needs_driver
                && !decl.initialised
                && let Some(bits) = run(&|bit| decl.driven[bit] == 0)
            {
                faults.push(Fault::Undriven { bits });
            }
            if needs_reader && let Some(bits) = run(&|bit| !decl.read[bit]) {
                faults.push(Fault::Unread { bits });
            }
        }
        faults
    }

    /// Some bits of a net as the subject of a sentence.
    pub fn bits(&self, name: &str, first: usize, last: usize) -> String {
        let all = self.decls.get(name).map_or(0, |decl| decl.driven.len());
        match (first, last) {
            (0, last) if last + 1 == all => format!("`{name}` is"),
            (first, last) if first == last => format!("bit {first} of `{name}` is"),
            (first, last) => format!("bits {last} to {first} of `{name}` are"),
        }
    }
}
