//! Indented lines, folded comments and broken expressions.

use super::Expr;
use super::layout::{COLUMNS, wrapped};

/// Text that grows line by line.
pub(super) struct Out {
    pub text: String,
    pub indent: usize,
}

impl Out {
    pub fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text += &" ".repeat(self.indent);
            self.text += line;
        }
        self.text.push('\n');
    }

    pub fn comment(&mut self, text: &str) {
        for line in text.lines() {
            for line in folded(line, COLUMNS - self.indent - 3) {
                self.line(format!("// {line}").trim_end());
            }
        }
    }

    /// `head` + `e` + `tail` with `e` broken over lines where it is too long.
    pub fn with(&mut self, head: &str, e: &Expr, tail: &str) {
        let text = wrapped(e, self.indent, self.indent + head.len(), tail.len());
        self.line(&format!("{head}{text}{tail}"));
    }

    pub fn within(&mut self, body: impl FnOnce(&mut Out)) {
        self.indent += 2;
        body(self);
        self.indent -= 2;
    }
}

/// Words of `text` in lines of at most `columns`; the indentation of the text is kept on every line.
fn folded(text: &str, columns: usize) -> Vec<String> {
    if text.len() <= columns {
        return vec![text.into()];
    }
    let indent = &text[..text.len() - text.trim_start().len()];
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}
