//! A profile: what each function executed, by source line, and who called whom.
//! In: self costs and calls. Out: the sums over them. All costs are executed instructions (callgrind's `Ir`).

use std::{collections::BTreeMap, sync::Arc};

/// A function, told by its name and the file that it is defined in; `???` where the program does not say which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) file: Arc<str>,
}

/// A line of source. Inlined code keeps its own file; line 0 is code that no line is known of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) file: Arc<str>,
    pub(crate) number: u64,
}

/// What one function took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Costs {
    pub(crate) self_ir: u64,
    /// With all that it called. Mutual recursion counts more than once, so that it is cut at the profile's total.
    pub(crate) inclusive_ir: u64,
    /// How often it was called, by itself too.
    pub(crate) n_calls: u64,
    /// The self cost, by line.
    pub(crate) lines: BTreeMap<Line, u64>,
}

/// The calls from one function to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) count: u64,
    pub(crate) inclusive_ir: u64,
}

/// Everything that one run executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The sum of all self costs.
    pub(crate) total_ir: u64,
    pub(crate) functions: BTreeMap<Function, Costs>,
    /// By caller and callee.
    pub(crate) calls: BTreeMap<(Function, Function), Calls>,
}

/// Self costs of each function, by line.
pub(super) type SelfCosts = BTreeMap<Function, BTreeMap<Line, u64>>;

impl Profile {
    /// Sums up. The reader has made sure that all self costs together are below 2^63.
    pub(super) fn of(self_costs: SelfCosts, calls: BTreeMap<(Function, Function), Calls>) -> Self {
        let mut functions: BTreeMap<Function, Costs> = BTreeMap::new();
        for (function, lines) in self_costs {
            let self_ir = lines.values().sum();
            let costs = Costs { self_ir, inclusive_ir: self_ir, n_calls: 0, lines };
            functions.insert(function, costs);
        }
        let total_ir = functions.values().map(|costs| costs.self_ir).sum();
        for ((caller, callee), of) in &calls {
            let costs = functions.entry(callee.clone()).or_default();
            costs.n_calls = costs.n_calls.saturating_add(of.count);
            let costs = functions.entry(caller.clone()).or_default();
            if caller != callee {
                costs.inclusive_ir = costs.inclusive_ir.saturating_add(of.inclusive_ir);
            }
        }
        for costs in functions.values_mut() {
            costs.inclusive_ir = costs.inclusive_ir.min(total_ir);
        }
        Self { total_ir, functions, calls }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::callgrind) fn function(name: &str) -> Function {
        Function { name: name.into(), file: format!("{name}.c").into() }
    }

    /// `(name, self cost)`, each on line 1 of its own file, and `(caller, callee, count, inclusive cost)`.
    pub(in crate::callgrind) fn profile(
        costs: &[(&str, u64)],
        calls: &[(&str, &str, u64, u64)],
    ) -> Profile {
        let self_cost = |(name, ir): &(&str, u64)| {
            let function = function(name);
            let line = Line { file: Arc::clone(&function.file), number: 1 };
            (function, BTreeMap::from([(line, *ir)]))
        };
        let call = |&(caller, callee, count, inclusive_ir): &(&str, &str, u64, u64)| {
            ((function(caller), function(callee)), Calls { count, inclusive_ir })
        };
        Profile::of(costs.iter().map(self_cost).collect(), calls.iter().map(call).collect())
    }

    #[test]
    fn inclusive_is_self_and_calls_and_never_more_than_all() {
        let calls = [("main", "f", 2, 90), ("f", "f", 5, 70), ("f", "g", 3, 60), ("g", "f", 1, 50)];
        let profile = profile(&[("main", 10), ("f", 30), ("g", 60)], &calls);
        assert_eq!(profile.total_ir, 100);
        let of = |name| &profile.functions[&function(name)];
        assert_eq!((of("main").inclusive_ir, of("main").n_calls), (100, 0));
        assert_eq!((of("f").inclusive_ir, of("f").n_calls), (90, 8));
        assert_eq!(of("g").inclusive_ir, 100, "60 + 50, cut");
    }
}
