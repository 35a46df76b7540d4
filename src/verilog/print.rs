//! A module as Verilog-2005 text.

use super::Value;
use super::expr::Expr;
use super::header::{Direction, ParameterKind};
use super::layout::{COLUMNS, wrapped};
use super::memory::{Contents, Memory};
use super::module::{Item, Module, PortItem};
use super::out::Out;
use super::stmt::{Kind, Stmt};

pub(super) fn module(m: &Module) -> String {
    let mut out = Out { text: String::new(), indent: 0 };
    header_comment(&mut out, &m.doc, &m.facts, m.latency.as_deref());
    out.line("");
    out.line("`default_nettype none");
    out.line("");
    if m.apart {
        out.line("(* keep_hierarchy = \"yes\" *)");
    }
    let has_ports = m.ports.iter().any(|p| matches!(p, PortItem::Port { .. }));
    let parameters = if m.parameters.is_empty() { "" } else { " #(" };
    match (m.parameters.is_empty(), has_ports) {
        (true, false) => out.line(&format!("module {};", m.name)),
        (true, true) => out.line(&format!("module {} (", m.name)),
        (false, _) => out.line(&format!("module {}{parameters}", m.name)),
    }
    if !m.parameters.is_empty() {
        out.within(|out| print_parameters(out, m));
        out.line(if has_ports { ") (" } else { ");" });
    }
    if has_ports {
        out.within(|out| print_ports(out, &m.ports));
        out.line(");");
    }
    out.within(|out| items(out, &m.items, true));
    out.line("");
    out.line("endmodule");
    out.line("");
    out.line("`default_nettype wire");
    out.text
}

/// The comment at the top of a file: what it computes, for which parameters, how late.
pub fn file_comment(doc: &[String], facts: &[(String, String)], latency: Option<&str>) -> String {
    let mut out = Out { text: String::new(), indent: 0 };
    header_comment(&mut out, doc, facts, latency);
    out.text
}

fn header_comment(out: &mut Out, doc: &[String], facts: &[(String, String)], latency: Option<&str>) {
    for (n, paragraph) in doc.iter().enumerate() {
        if n > 0 {
            out.line("//");
        }
        out.comment(paragraph);
    }
    if !facts.is_empty() {
        out.line("//");
        out.line("// Parameters:");
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in facts {
            out.line(format!("//   {name:width$} = {value}").trim_end());
        }
    }
    if let Some(latency) = latency {
        out.line("//");
        out.comment(&format!("Latency: {latency}"));
    }
}

fn range(width: u32) -> String {
    if width == 1 { String::new() } else { format!("[{}:0]", width - 1) }
}

/// `[7:0] name`, or `name` alone.
fn ranged(width: u32, name: &str) -> String {
    if width == 1 { name.into() } else { format!("{} {name}", range(width)) }
}

fn print_parameters(out: &mut Out, m: &Module) {
    let last = m.parameters.len() - 1;
    for (n, (parameter, note)) in m.parameters.iter().enumerate() {
        let name = match parameter.kind {
            ParameterKind::Bits(width) => ranged(width, &parameter.name),
            ParameterKind::Text => parameter.name.clone(),
        };
        let comma = if n == last { "" } else { "," };
        out.line(&noted(format!("parameter {name} = {}{comma}", parameter.default), note.as_deref()));
    }
}

fn noted(line: String, note: Option<&str>) -> String {
    match note {
        Some(note) => format!("{line}  // {note}"),
        None => line,
    }
}

fn print_ports(out: &mut Out, ports: &[PortItem]) {
    let port = |item: &PortItem| match item {
        PortItem::Port { port, .. } => Some((range(port.width).len(), port.name.len())),
        PortItem::Group(_) => None,
    };
    let widest = ports.iter().filter_map(port).map(|p| p.0).max().unwrap_or(0);
    let longest = ports.iter().filter_map(port).map(|p| p.1).max().unwrap_or(0) + 1;
    let last = ports.iter().rposition(|item| port(item).is_some()).unwrap_or(0);
    for (n, item) in ports.iter().enumerate() {
        match item {
            PortItem::Group(title) => {
                if n > 0 {
                    out.line("");
                }
                out.comment(title);
            }
            PortItem::Port { port, reg, note, attributes } => {
                attributes.iter().for_each(|text| out.line(&format!("(* {text} *)")));
                let kind = match (port.direction, reg) {
                    (Direction::Input, _) => "input  wire",
                    (Direction::Output, false) => "output wire",
                    (Direction::Output, true) => "output reg ",
                };
                let range = match widest {
                    0 => String::new(),
                    _ => format!(" {:widest$}", range(port.width)),
                };
                let name = format!("{}{}", port.name, if n == last { "" } else { "," });
                let line = match note {
                    Some(note) => format!("{kind}{range} {name:longest$}  // {note}"),
                    None => format!("{kind}{range} {name}"),
                };
                out.line(&line);
            }
        }
    }
}

/// Does the item take several lines, so that blank lines should stand around it?
fn is_tall(item: &Item) -> bool {
    match item {
        Item::Memory { memory, .. } => !matches!(memory.contents(), Contents::Undefined),
        Item::Clocked(..) | Item::Combinational(_) | Item::Instance { .. } | Item::Generate { .. } => true,
        _ => false,
    }
}

fn is_comment(item: &Item) -> bool {
    matches!(item, Item::Comment(_) | Item::Section(_))
}

fn items(out: &mut Out, list: &[Item], after_head: bool) {
    let mut blank = after_head;
    for (n, item) in list.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| &list[n]);
        let apart =
            before.is_some_and(|before| !is_comment(before) && (is_tall(before) || is_tall(item) || is_comment(item)));
        if (blank || apart) && !matches!(item, Item::Blank) || matches!(item, Item::Section(_)) && n > 0 {
            out.line("");
        }
        blank = matches!(item, Item::Blank);
        print_item(out, item);
    }
}

fn print_item(out: &mut Out, item: &Item) {
    match item {
        Item::Blank => {}
        Item::Comment(text) => out.comment(text),
        Item::Section(title) => {
            let bar = "-".repeat((COLUMNS - out.indent).saturating_sub(title.len() + 8));
            out.line(&format!("// ---- {title} {bar}"));
        }
        Item::Net { keyword, name, width, value, note } => {
            let head = format!("{keyword} {}", ranged(*width, name));
            let note = note.as_ref().map(|note| format!("  // {note}")).unwrap_or_default();
            match value {
                Some(value) => out.with(&format!("{head} = "), value, &format!(";{note}")),
                None => out.line(&format!("{head};{note}")),
            }
        }
        Item::Memory { memory, note } => print_memory(out, memory, note.as_deref()),
        Item::Assign(target, value) => assignment(out, "assign ", target, "=", value),
        Item::Clocked(clock, body) => {
            out.line(&format!("always @(posedge {clock}) begin"));
            out.within(|out| statements(out, body, "<="));
            out.line("end");
        }
        Item::Combinational(body) => {
            out.line("always @* begin");
            out.within(|out| statements(out, body, "="));
            out.line("end");
        }
        Item::Instance { of, name, parameters, ports } => print_instance(out, of, name, parameters, ports),
        Item::Generate { label, variable, count, items: list } => {
            out.line(&format!("genvar {variable};"));
            out.line("generate");
            out.within(|out| {
                let i = variable;
                out.line(&format!("for ({i} = 0; {i} < {count}; {i} = {i} + 1) begin : {label}"));
                out.within(|out| items(out, list, false));
                out.line("end");
            });
            out.line("endgenerate");
        }
        Item::Unused { name, values } => {
            let all = super::cat(std::iter::once(super::lit(1, 0)).chain(values.iter().cloned()));
            out.with(&format!("wire {name} = &"), &all, ";");
        }
    }
}

fn print_memory(out: &mut Out, memory: &Memory, note: Option<&str>) {
    if let Some(style) = memory.style() {
        out.line(&format!("(* ram_style = \"{style}\" *)"));
    }
    let name = ranged(memory.width(), memory.name());
    out.line(&noted(format!("reg {name} [0:{}];", memory.depth() - 1), note));
    let file = match memory.contents() {
        Contents::Undefined => return,
        Contents::File(file) => format!("\"{file}\""),
        Contents::Parameter(name) => name.clone(),
    };
    out.line("initial begin");
    out.within(|out| out.line(&format!("$readmemh({file}, {});", memory.name())));
    out.line("end");
}

fn print_instance(out: &mut Out, of: &str, name: &str, parameters: &[(String, Value)], ports: &[(String, Expr)]) {
    if parameters.is_empty() {
        out.line(&format!("{of} {name} ("));
    } else {
        out.line(&format!("{of} #("));
        out.within(|out| {
            let longest = parameters.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            for (n, (name, value)) in parameters.iter().enumerate() {
                let comma = if n + 1 == parameters.len() { "" } else { "," };
                match value {
                    Value::Bits(e) => out.with(&format!(".{name:longest$}("), e, &format!("){comma}")),
                    Value::Text(text) => out.line(&format!(".{name:longest$}(\"{text}\"){comma}")),
                }
            }
        });
        out.line(&format!(") {name} ("));
    }
    out.within(|out| {
        let longest = ports.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (n, (name, value)) in ports.iter().enumerate() {
            let comma = if n + 1 == ports.len() { "" } else { "," };
            out.with(&format!(".{name:longest$}("), value, &format!("){comma}"));
        }
    });
    out.line(");");
}

fn assignment(out: &mut Out, head: &str, target: &Expr, arrow: &str, value: &Expr) {
    let target = wrapped(target, out.indent, out.indent + head.len(), arrow.len() + 2);
    let column = target.rfind('\n').map_or(0, |at| at + 1);
    // Where the target is broken over lines, the value goes on after its last line.
    let taken = if column == 0 { out.indent + head.len() + target.len() } else { target.len() - column };
    let value = wrapped(value, out.indent, taken + arrow.len() + 2, 1);
    out.line(&format!("{head}{target} {arrow} {value};"));
}

fn statements(out: &mut Out, body: &[Stmt], arrow: &str) {
    for statement in body {
        match &statement.0 {
            Kind::Set(target, value) => assignment(out, "", target, arrow, value),
            Kind::Comment(text) => out.comment(text),
            Kind::If(condition, then, other) => branch(out, "", condition, then, other, arrow),
            Kind::Case(selector, cases, default) => {
                out.with("case (", selector, ")");
                out.within(|out| {
                    for (item, body) in cases {
                        out.line(&format!("{item}: begin"));
                        out.within(|out| statements(out, body, arrow));
                        out.line("end");
                    }
                    if default.is_empty() {
                        out.line("default: ;");
                    } else {
                        out.line("default: begin");
                        out.within(|out| statements(out, default, arrow));
                        out.line("end");
                    }
                });
                out.line("endcase");
            }
        }
    }
}

fn branch(out: &mut Out, before: &str, condition: &Expr, then: &[Stmt], other: &[Stmt], arrow: &str) {
    // An expression in parentheses of its own needs no second pair.
    let text = condition.to_string();
    let bare = text.starts_with('(') && text.ends_with(')') && out.indent + before.len() + text.len() + 9 <= COLUMNS;
    if bare {
        out.line(&format!("{before}if {text} begin"));
    } else {
        out.with(&format!("{before}if ("), condition, ") begin");
    }
    out.within(|out| statements(out, then, arrow));
    match other {
        [] => out.line("end"),
        [Stmt(Kind::If(condition, then, other))] => branch(out, "end else ", condition, then, other, arrow),
        _ => {
            out.line("end else begin");
            out.within(|out| statements(out, other, arrow));
            out.line("end");
        }
    }
}
