//! A profile in the names that two builds share.
//! In: a profile and the root of its source. Out: the same costs; functions that come to share a name are one.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{
    name::{self, UNNAMED},
    profile::{Calls, Function, Line, Profile, SelfCosts},
    source_path,
};

impl Profile {
    /// The profile of a program whose source stood in `root`, without paths of the machine and names of the build.
    pub(crate) fn comparable(&self, root: &Path) -> Self {
        let mut shared = Shared { root, paths: BTreeMap::new() };
        let mut self_costs = SelfCosts::new();
        for (function, costs) in &self.functions {
            let lines = self_costs.entry(shared.function(function)).or_default();
            for (line, ir) in &costs.lines {
                let line = Line { file: shared.path(&line.file), number: line.number };
                *lines.entry(line).or_default() += ir;
            }
        }
        let mut calls: BTreeMap<(Function, Function), Calls> = BTreeMap::new();
        for ((caller, callee), of) in &self.calls {
            let sum = calls.entry((shared.function(caller), shared.function(callee))).or_default();
            sum.count = sum.count.saturating_add(of.count);
            sum.inclusive_ir = sum.inclusive_ir.saturating_add(of.inclusive_ir);
        }
        Self::of(self_costs, calls)
    }
}

impl Profile {
    /// With functions without a name that are in the file `program` called so: two programs to compare are two files.
    pub(crate) fn of_program(self, program: &Path) -> Self {
        let Some(file) = program.file_name().and_then(|name| name.to_str()) else { return self };
        let (own, shared): (String, Arc<str>) =
            (format!("{UNNAMED}{file}"), format!("{UNNAMED}the program").into());
        let renamed = |function: Function| {
            if *function.name == *own {
                Function { name: Arc::clone(&shared), ..function }
            } else {
                function
            }
        };
        let self_costs =
            self.functions.into_iter().map(|(function, costs)| (renamed(function), costs.lines));
        let calls = self.calls.into_iter();
        Self::of(
            self_costs.collect(),
            calls.map(|((from, to), of)| ((renamed(from), renamed(to)), of)).collect(),
        )
    }
}

/// Each path is made once.
struct Shared<'a> {
    root: &'a Path,
    paths: BTreeMap<Arc<str>, Arc<str>>,
}

impl Shared<'_> {
    fn function(&mut self, function: &Function) -> Function {
        Function { name: name::comparable(&function.name).into(), file: self.path(&function.file) }
    }

    fn path(&mut self, raw: &Arc<str>) -> Arc<str> {
        let made = || source_path::comparable(raw, self.root).into();
        Arc::clone(self.paths.entry(Arc::clone(raw)).or_insert_with(made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callgrind::profile::tests::profile;

    #[test]
    fn code_without_names_is_the_programs_whatever_its_file_is_called() {
        let of = |file: &str| {
            let calls = [("main", "unnamed in old", 1, 5)];
            profile(&[("unnamed in old", 5), ("main", 1)], &calls)
                .of_program(Path::new("/a").join(file).as_path())
        };
        let names = |profile: &Profile| -> Vec<String> {
            profile.functions.keys().map(|function| function.name.to_string()).collect()
        };
        assert_eq!(names(&of("old")), ["main", "unnamed in the program"]);
        assert_eq!(names(&of("new")), ["main", "unnamed in old"], "another file's stay");
        assert_eq!(of("old").total_ir, 6);
    }

    #[test]
    fn levels_of_a_recursion_become_one_function_that_calls_itself() {
        let raw = profile(&[("f", 5), ("main", 1)], &[("main", "f", 1, 9)]);
        let mut self_costs = SelfCosts::new();
        let mut calls = raw.calls.clone();
        for (function, costs) in raw.functions {
            self_costs.insert(function, costs.lines);
        }
        let f = Function { name: "f".into(), file: "f.c".into() };
        let again = Function { name: "f'2".into(), file: "f.c".into() };
        let line = Line { file: "f.c".into(), number: 1 };
        self_costs.insert(again.clone(), BTreeMap::from([(line, 4)]));
        calls.insert((f.clone(), again), Calls { count: 3, inclusive_ir: 4 });
        let merged = Profile::of(self_costs, calls).comparable(Path::new("/none"));
        assert_eq!(merged.total_ir, 10);
        let costs = &merged.functions[&f];
        assert_eq!((costs.self_ir, costs.inclusive_ir, costs.n_calls), (9, 9, 4));
        assert_eq!(merged.calls[&(f.clone(), f)].count, 3);
    }
}
