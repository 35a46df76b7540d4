//! Memories: arrays of words.

use super::Expr;

/// `reg [width-1:0] name [0:depth-1]`; declare it with [`super::Module::memory`].
#[derive(Clone, Debug)]
pub struct Memory {
    name: String,
    width: u32,
    depth: u32,
    style: Option<&'static str>,
    contents: Contents,
}

#[derive(Clone, Debug)]
pub(super) enum Contents {
    Undefined,
    File(String),
    /// Named by a text parameter of the module.
    Parameter(String),
}

impl Memory {
    pub fn new(name: &str, width: u32, depth: u32) -> Memory {
        Memory { name: name.into(), width, depth, style: None, contents: Contents::Undefined }
    }

    /// Asks for block memory: `(* ram_style = "block" *)`. It needs a registered read.
    pub fn block(self) -> Memory {
        Memory { style: Some("block"), ..self }
    }

    /// Asks for memory made of LUTs: `(* ram_style = "distributed" *)`.
    pub fn distributed(self) -> Memory {
        Memory { style: Some("distributed"), ..self }
    }

    /// Contents at the start: `$readmemh` of this file, one word a line in hexadecimal.
    pub fn file(self, file: &str) -> Memory {
        Memory { contents: Contents::File(file.into()), ..self }
    }

    /// The same, of the file that the module's text parameter names.
    pub fn file_parameter(self, parameter: &str) -> Memory {
        Memory { contents: Contents::Parameter(parameter.into()), ..self }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bits of a word.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Number of words.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Word `address`, to read or (in a clocked process) to write. The address is as wide as
    /// [`super::index_width`] of the depth.
    pub fn word(&self, address: &Expr) -> Expr {
        Expr::memory_word(&self.name, self.width, self.depth, address)
    }

    pub(super) fn style(&self) -> Option<&'static str> {
        self.style
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }
}
