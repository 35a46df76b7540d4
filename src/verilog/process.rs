//! No latches: what a combinational process assigns, it must assign on every path.

use super::Fault;
use super::scope::Scope;
use super::stmt::{Kind, Stmt};
use std::collections::{BTreeMap, BTreeSet};

/// Assigned bits of each name.
type Assigned = BTreeMap<String, BTreeSet<usize>>;

pub(super) fn check_latches(scope: &mut Scope, body: &[Stmt]) -> Result<(), Fault> {
    let mut some = Assigned::new();
    let all = follow(scope, body, &mut some);
    for (name, bits) in some {
        let sure = all.get(&name).cloned().unwrap_or_default();
        if let Some(&first) = bits.difference(&sure).next() {
            let last = (first..).take_while(|bit| bits.contains(bit) && !sure.contains(bit)).last().unwrap_or(first);
            return Err(Fault::Latch { bits: scope.bits(&name, first, last) });
        }
    }
    Ok(())
}

/// Bits assigned on every path through `body`; those assigned on any path are added to `some`.
fn follow(scope: &mut Scope, body: &[Stmt], some: &mut Assigned) -> Assigned {
    let mut all = Assigned::new();
    for statement in body {
        let sure = match &statement.0 {
            Kind::Set(target, _) => {
                let mut sure = Assigned::new();
                for (name, range) in scope.covered(target) {
                    some.entry(name.clone()).or_default().extend(range.clone());
                    sure.entry(name).or_default().extend(range);
                }
                sure
            }
            Kind::If(_, then, other) => {
                let then = follow(scope, then, some);
                common(then, &follow(scope, other, some))
            }
            Kind::Case(_, items, default) => {
                let default = follow(scope, default, some);
                items.iter().fold(default, |sure, (_, body)| common(sure, &follow(scope, body, some)))
            }
            Kind::Comment(_) => continue,
        };
        for (name, bits) in sure {
            all.entry(name).or_default().extend(bits);
        }
    }
    all
}

fn common(a: Assigned, b: &Assigned) -> Assigned {
    let shared = |(name, bits): (String, BTreeSet<usize>)| Some((b.get(&name)? & &bits, name));
    a.into_iter().filter_map(shared).map(|(bits, name)| (name, bits)).collect()
}
