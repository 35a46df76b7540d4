//! What a module does: assignments, processes, instances and loops over these.

use super::expr::Kind;
use super::header::Direction;
use super::module::{Item, Last, Module};
use super::process::check_latches;
use super::scope::{Driver, What};
use super::stmt::{self, Stmt};
use super::{Expr, Fault, Header, Value};

impl Module {
    pub fn assign(&mut self, target: &Expr, value: &Expr) {
        let place = format!("assign to `{}`", target.short());
        let number = self.scope.driver(&place);
        self.assignment(&place, target, value, Driver::Continuous, number);
        self.push(Item::Assign(target.clone(), value.clone()));
    }

    fn assignment(&mut self, place: &str, target: &Expr, value: &Expr, driver: Driver, number: u32) {
        let read = self.scope.read(value);
        let sound = self.check(place, read);
        let driven = self.scope.drive(target, driver, number);
        let sound = self.check(place, driven) && sound;
        if sound && target.width() != value.width() {
            let fault = Fault::Assign {
                target: target.short(),
                target_width: target.width(),
                value: value.short(),
                value_width: value.width(),
            };
            self.check(place, Err(fault));
        }
    }

    /// `always @(posedge clock)`.
    pub fn clocked(&mut self, clock: &Expr, body: impl IntoIterator<Item = Stmt>) {
        let body: Vec<Stmt> = body.into_iter().collect();
        let place = format!("process on `{}`", clock.short());
        let is_clock = match clock.kind() {
            Kind::Name(_) if clock.width() == 1 => self.scope.read(clock),
            _ => Err(Fault::Clock { clock: clock.short() }),
        };
        self.check(&place, is_clock);
        let number = self.scope.driver(&place);
        self.statements(&place, &body, number);
        self.push(Item::Clocked(clock.clone(), body));
    }

    /// `always @*`. Every register that it assigns must be assigned on every path, and it must read something that changes.
    pub fn combinational(&mut self, body: impl IntoIterator<Item = Stmt>) {
        let body: Vec<Stmt> = body.into_iter().collect();
        let place = "combinational process";
        let number = self.scope.driver(place);
        let before = self.faults;
        self.statements(place, &body, number);
        if self.faults == before {
            let latches = check_latches(&mut self.scope, &body);
            self.check(place, latches);
        }
        self.push(Item::Combinational(body));
    }

    fn statements(&mut self, place: &str, body: &[Stmt], number: u32) {
        for statement in body {
            match &statement.0 {
                stmt::Kind::Set(target, value) => {
                    let place = format!("{place}, assignment to `{}`", target.short());
                    self.assignment(&place, target, value, Driver::Process, number);
                }
                stmt::Kind::If(condition, then, other) => {
                    let place = format!("{place}, if `{}`", condition.short());
                    let read = self.scope.read(condition);
                    if self.check(&place, read) && condition.width() != 1 {
                        let (expression, width) = (format!("if ({})", condition.short()), condition.width());
                        let fault = Fault::Condition { expression, condition: condition.short(), width };
                        self.check(&place, Err(fault));
                    }
                    self.statements(&place, then, number);
                    self.statements(&place, other, number);
                }
                stmt::Kind::Case(selector, items, default) => {
                    let place = format!("{place}, case `{}`", selector.short());
                    let read = self.scope.read(selector);
                    let sound = self.check(&place, read);
                    let mut seen: Vec<String> = vec![];
                    for (item, body) in items {
                        let read = self.scope.read(item);
                        if self.check(&place, read) && sound && item.width() != selector.width() {
                            let fault = Fault::CaseWidth {
                                item: item.short(),
                                item_width: item.width(),
                                selector: selector.short(),
                                width: selector.width(),
                            };
                            self.check(&place, Err(fault));
                        }
                        let text = item.to_string();
                        if seen.contains(&text) {
                            self.check(&place, Err(Fault::CaseTwice { item: text.clone() }));
                        }
                        seen.push(text);
                        self.statements(&place, body, number);
                    }
                    self.statements(&place, default, number);
                }
                stmt::Kind::Comment(_) => {}
            }
        }
    }

    /// An instance with every port connected. Outputs go to wires, bits of wires or concatenations of these.
    pub fn instance(&mut self, name: &str, of: &Header, ports: &[(&str, &Expr)]) {
        self.instance_with(name, of, &[], ports);
    }

    /// An instance that overrides parameters.
    pub fn instance_with(&mut self, name: &str, of: &Header, parameters: &[(&str, Value)], ports: &[(&str, &Expr)]) {
        let place = format!("instance `{name}` of `{}`", of.name());
        let declared = self.scope.declare(name, What::Label, 1);
        self.check(&place, declared);
        for (parameter, value) in parameters {
            let legal = of.check_parameter(parameter, value);
            self.check(&place, legal);
            if let Value::Bits(value) = value {
                let read = self.scope.read(value);
                self.check(&place, read);
            }
        }
        let complete = of.check_ports(ports);
        self.check(&place, complete);
        let number = self.scope.driver(&place);
        let mut connections = vec![];
        // In the order of the ports, whatever the order of the connections.
        for port in of.ports() {
            let Some((_, value)) = ports.iter().find(|(name, _)| *name == port.name) else { continue };
            let fault = match port.direction {
                Direction::Input => self.scope.read(value),
                Direction::Output => self.scope.drive(value, Driver::Continuous, number),
            };
            let width = of.check_width(port, value);
            self.check(&format!("{place}, port `{}`", port.name), fault.and(width));
            connections.push((port.name.clone(), (*value).clone()));
        }
        if !self.submodules.iter().any(|known| known == of.name()) {
            self.submodules.push(of.name().into());
        }
        let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        self.push(Item::Instance { of: of.name().into(), name: name.into(), parameters, ports: connections });
    }

    /// `for (genvar variable = 0; variable < count; …)` around the items that `body` adds. The loop variable is an index
    /// for [`Expr::word`], [`Expr::at`] and memories. Names declared inside stay inside.
    pub fn generate_for(&mut self, label: &str, variable: &str, count: u32, body: impl FnOnce(&mut Module, &Expr)) {
        let place = format!("generate `{label}`");
        let declared = self.scope.declare(label, What::Label, 1);
        self.check(&place, declared);
        let mark = self.scope.mark();
        let declared = self.scope.declare(variable, What::Genvar, 32);
        self.check(&place, declared);
        self.outer.push(std::mem::take(&mut self.items));
        body(self, &Expr::genvar(variable, count));
        self.scope.close(mark);
        let items = std::mem::replace(&mut self.items, self.outer.pop().unwrap_or_default());
        self.push(Item::Generate { label: label.into(), variable: variable.into(), count, items });
        self.last = Last::Nothing;
    }

    /// Values that are not needed here, so that tools do not ask: `wire name = &{1'b0, …};`, where `name` must start with
    /// `unused`.
    pub fn unused(&mut self, name: &str, values: &[&Expr]) {
        let place = format!("unused `{name}`");
        for value in values {
            let read = self.scope.read(value);
            self.check(&place, read);
        }
        if !name.starts_with("unused") {
            let why = "a sink of unused values must be called `unused…`, which is how tools know it";
            self.check(&place, Err(Fault::Name { name: name.into(), why }));
        }
        let declared = self.scope.declare(name, What::Label, 1);
        self.check(&place, declared);
        let values = values.iter().map(|e| (*e).clone()).collect();
        self.push(Item::Unused { name: name.into(), values });
    }
}
