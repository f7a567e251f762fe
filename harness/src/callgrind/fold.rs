//! Stacks of two profiles, side by side, made from their call graphs.
//! In: two comparable profiles. Out: stacks, each with the instructions of base and head; they sum up to the totals exactly.
//!
//! Callgrind knows who called whom and what that took in all, and not through whom the caller was called. So the stacks
//! are an estimate: from the roots (functions that take more than their callers account for) down, what arrives at a function
//! is split into its own share and those of its callees in proportion to all that it took and they took for it. A function
//! that is called cheaply on one path and dearly on another is drawn with the mean on both; what a function took by itself,
//! over all stacks, is exact but for rounding where there is no recursion. A call back into a function of the stack stays
//! with the caller, and so does what is too thin to be seen or too deep.

use std::collections::BTreeMap;

use super::profile::{Function, Profile};

/// Deepest stack.
const DEPTH_MAX: usize = 128;
/// Most stacks: the drawing is for eyes.
const STACKS_MAX: usize = 20_000;
/// What is less than one part in so many, on both sides, has no frame of its own.
const PARTS: u64 = 10_000;

/// Instructions of base and head.
type Pair = [u64; 2];

/// One stack, the root first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stack<'a> {
    pub(super) frames: Vec<&'a str>,
    pub(super) ir: Pair,
}

/// The stacks of both profiles, in the order of functions' names.
pub(super) fn stacks<'a>(base: &'a Profile, head: &'a Profile) -> Vec<Stack<'a>> {
    let nodes = nodes(base, head);
    let totals = [base.total_ir, head.total_ir];
    let thinnest = (totals[0].max(totals[1]) / PARTS).max(1);
    let mut walk = Walk { nodes: &nodes, thinnest, path: Vec::new(), stacks: Vec::new() };
    for (idx, ir) in roots(&nodes, totals).into_iter().enumerate() {
        if ir != [0; 2] {
            walk.descend(idx, ir);
        }
    }
    walk.stacks
}

/// A function of either profile.
#[derive(Default)]
struct Node<'a> {
    name: &'a str,
    /// Self and calls of others. Below 2^63 times the number of callees.
    taken: [u128; 2],
    /// What the callers account for.
    accounted: [u128; 2],
    callees: BTreeMap<usize, Pair>,
}

fn nodes<'a>(base: &'a Profile, head: &'a Profile) -> Vec<Node<'a>> {
    let mut places: BTreeMap<&Function, usize> = BTreeMap::new();
    for function in base.functions.keys().chain(head.functions.keys()) {
        places.insert(function, 0);
    }
    places.values_mut().enumerate().for_each(|(idx, place)| *place = idx);
    let mut nodes: Vec<Node<'_>> =
        places.keys().map(|function| Node { name: &function.name, ..Node::default() }).collect();
    for (side, profile) in [base, head].into_iter().enumerate() {
        for (function, costs) in &profile.functions {
            nodes[places[function]].taken[side] += u128::from(costs.self_ir);
        }
        for ((caller, callee), calls) in &profile.calls {
            let (caller, callee) = (places[caller], places[callee]);
            if caller != callee {
                let ir = calls.inclusive_ir.min(profile.total_ir);
                nodes[caller].callees.entry(callee).or_default()[side] += ir;
                nodes[caller].taken[side] += u128::from(ir);
                nodes[callee].accounted[side] += u128::from(ir);
            }
        }
    }
    nodes
}

/// What begins at each function: the totals in all.
fn roots(nodes: &[Node<'_>], totals: Pair) -> Vec<Pair> {
    let mut roots = vec![[0; 2]; nodes.len()];
    for (side, total) in totals.into_iter().enumerate() {
        let all = u128::from(total);
        let unaccounted =
            |node: &Node<'_>| node.taken[side].saturating_sub(node.accounted[side]).min(all);
        // Not less than the total: what is taken and not accounted for is all self costs, and a cycle may count more than once.
        let sum: u128 = nodes.iter().map(unaccounted).sum();
        let mut left = total;
        for (root, node) in roots.iter_mut().zip(nodes) {
            root[side] = narrow((unaccounted(node) * all).checked_div(sum).unwrap_or(0));
            left -= root[side];
        }
        // What rounding left.
        if let Some(largest) = roots.iter_mut().max_by_key(|root| root[side]) {
            largest[side] += left;
        }
    }
    roots
}

struct Walk<'n, 'a> {
    nodes: &'n [Node<'a>],
    thinnest: u64,
    path: Vec<usize>,
    stacks: Vec<Stack<'a>>,
}

impl Walk<'_, '_> {
    /// Splits `ir`, which arrives at the function `idx`, between it and its callees.
    fn descend(&mut self, idx: usize, ir: Pair) {
        self.path.push(idx);
        let node = &self.nodes[idx];
        let mut own = ir;
        for (&callee, &of) in &node.callees {
            let share = [0, 1].map(|side| part(ir[side], of[side], node.taken[side]));
            let is_seen = share[0].max(share[1]) >= self.thinnest;
            let is_room = self.path.len() < DEPTH_MAX && self.stacks.len() < STACKS_MAX;
            if is_seen && is_room && !self.path.contains(&callee) {
                (0..2).for_each(|side| own[side] -= share[side]);
                self.descend(callee, share);
            }
        }
        if own != [0; 2] {
            let frames = self.path.iter().map(|idx| self.nodes[*idx].name).collect();
            self.stacks.push(Stack { frames, ir: own });
        }
        self.path.pop();
    }
}

/// `ir * of / all`, rounded down: the parts of one whole are never more than it.
fn part(ir: u64, of: u64, all: u128) -> u64 {
    narrow((u128::from(ir) * u128::from(of)).checked_div(all).unwrap_or(0))
}

fn narrow(ir: u128) -> u64 {
    u64::try_from(ir).expect("a part of a total, which is a u64")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::callgrind::profile::tests::profile;

    fn said(base: &Profile, head: &Profile) -> Vec<(String, Pair)> {
        stacks(base, head).iter().map(|stack| (stack.frames.join(";"), stack.ir)).collect()
    }

    fn sums(stacks: &[(String, Pair)]) -> Pair {
        stacks.iter().fold([0; 2], |sum, (_, ir)| [sum[0] + ir[0], sum[1] + ir[1]])
    }

    #[test]
    fn a_function_with_two_callers_is_split_by_what_each_call_took() {
        let calls =
            [("main", "a", 1, 310), ("main", "b", 1, 680), ("a", "f", 1, 300), ("b", "f", 2, 600)];
        let base = profile(&[("main", 10), ("a", 10), ("b", 80), ("f", 900)], &calls);
        let empty = profile(&[], &[]);
        let want =
            [("main;a;f", 300), ("main;a", 10), ("main;b;f", 600), ("main;b", 80), ("main", 10)];
        let want: Vec<_> = want.iter().map(|(stack, ir)| ((*stack).to_owned(), [*ir, 0])).collect();
        assert_eq!(said(&base, &empty), want);
        let swapped = said(&empty, &base);
        assert_eq!(swapped[0], ("main;a;f".to_owned(), [0, 300]));
    }

    #[test]
    fn recursion_is_cut_and_nothing_is_lost() {
        let calls = [("main", "f", 1, 90), ("f", "g", 9, 80), ("g", "f", 8, 70), ("g", "g", 8, 70)];
        let base = profile(&[("main", 10), ("f", 40), ("g", 50)], &calls);
        let stacks = said(&base, &base);
        assert_eq!(sums(&stacks), [100, 100], "{stacks:?}");
        assert!(stacks.iter().all(|(stack, _)| stack.matches('f').count() <= 1), "{stacks:?}");
    }

    #[test]
    fn a_cycle_that_nobody_calls_begins_somewhere() {
        let base = profile(&[("f", 40), ("g", 60)], &[("f", "g", 1, 99), ("g", "f", 1, 100)]);
        let stacks = said(&base, &base);
        assert_eq!(sums(&stacks), [100, 100], "{stacks:?}");
    }

    #[test]
    fn what_is_too_thin_or_too_deep_stays_with_its_caller() {
        let thin = profile(&[("main", 1_000_000), ("f", 9)], &[("main", "f", 1, 9)]);
        assert_eq!(said(&thin, &thin), [("main".to_owned(), [1_000_009; 2])]);
        let names: Vec<String> = (0..300).map(|idx| format!("f{idx:03}")).collect();
        let costs: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let calls: Vec<_> = (1_u64..300)
            .map(|idx| {
                let callee = usize::try_from(idx).unwrap();
                (names[callee - 1].as_str(), names[callee].as_str(), 1, 300 - idx)
            })
            .collect();
        let deep = profile(&costs, &calls);
        let stacks = stacks(&deep, &deep);
        assert_eq!(stacks.iter().map(|stack| stack.frames.len()).max(), Some(DEPTH_MAX));
        assert_eq!(stacks.iter().map(|stack| stack.ir[0]).sum::<u64>(), 300);
    }

    fn any_profile() -> impl Strategy<Value = Profile> {
        let costs = prop::collection::vec(0_u64..1 << 50, 6);
        let calls = prop::collection::vec((0_usize..6, 0_usize..6, any::<u64>()), 0..20);
        (costs, calls).prop_map(|(costs, calls)| {
            let names = ["a", "b", "c", "d", "e", "f"];
            let costs: Vec<_> = names.into_iter().zip(costs).collect();
            let calls: Vec<_> =
                calls.iter().map(|&(from, to, ir)| (names[from], names[to], 1, ir)).collect();
            profile(&costs, &calls)
        })
    }

    proptest! {
        #[test]
        fn totals_are_kept_whatever_the_graph(base in any_profile(), head in any_profile()) {
            prop_assert_eq!(sums(&said(&base, &head)), [base.total_ir, head.total_ir]);
        }
    }
}
