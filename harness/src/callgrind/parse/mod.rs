//! The profile format of callgrind: text to [`Profile`].
//! In: the bytes that valgrind wrote, or anything else. Out: the profile; or which line is wrong, and how.
//!
//! A reader of lines with a memory: names once written in full go by number, positions are relative to the last one, a
//! function stays current until the next `fn=`. Costs other than executed instructions are read over. Source:
//! "Callgrind Format Specification" in valgrind's manual; what it leaves open is as in `callgrind/dump.c`.

mod names;
mod part;
mod positions;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use self::{names::Names, part::Part, positions::Positions};
use super::profile::{Calls, Function, Line, Profile, SelfCosts};

/// The cost that is read.
const EVENT: &str = "Ir";
/// Most that all costs may come to: differences of two profiles fit an `i64`.
const TOTAL_MAX: u64 = i64::MAX as u64;
/// How much of a wrong line an error quotes.
const QUOTED_CHARS: usize = 80;

/// Reads a profile.
pub(crate) fn parse(bytes: &[u8]) -> Result<Profile> {
    let mut reader = Reader::default();
    let mut number = 0;
    let failed = |number: usize| {
        format!(
            "failed to read the profile: line {number}; it is not as callgrind writes it, or was cut off: take it anew"
        )
    };
    for line in bytes.split(|byte| *byte == b'\n') {
        number += 1;
        let read = str::from_utf8(line)
            .map_err(|_| wrong("UTF-8", &String::from_utf8_lossy(line)))
            .and_then(|line| reader.line(line.trim()));
        read.with_context(|| failed(number))?;
    }
    reader.finish().with_context(|| failed(number))
}

/// The one form of an error about a line.
fn wrong(expected: &str, found: &str) -> anyhow::Error {
    let quoted: String = found.chars().take(QUOTED_CHARS).collect();
    anyhow!("expected {expected}, found {quoted:?}")
}

/// A count: decimal, or hexadecimal after `0x`.
fn number(text: &str) -> Result<u64> {
    let (digits, radix) = text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16));
    // `from_str_radix` takes a sign.
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let read = plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten();
    read.ok_or_else(|| wrong("a whole number below 2^64", text))
}

#[derive(Default)]
struct Reader {
    part: Part,
    positions: Positions,
    objects: Names,
    files: Names,
    functions: Names,
    object: Option<Arc<str>>,
    file: Option<Arc<str>>,
    function: Option<Function>,
    callee: Callee,
    /// How many calls the next cost line is the inclusive cost of.
    due: Option<u64>,
    total_ir: u64,
    self_costs: SelfCosts,
    calls: BTreeMap<(Function, Function), Calls>,
}

/// Who the next `calls=` is about.
#[derive(Default)]
struct Callee {
    object: Option<Arc<str>>,
    file: Option<Arc<str>>,
    name: Option<Arc<str>>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<()> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '*')) {
            return match self.due.take() {
                Some(count) => self.inclusive_cost(line, count),
                None => self.self_cost(line),
            };
        }
        ensure!(self.due.is_none(), wrong("the cost line of the calls before it", line));
        if let Some((key, value)) = line.split_once('=')
            && self.body(key, value.trim())?
        {
            return Ok(());
        }
        match line.split_once(':') {
            Some((key, value)) if key.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                self.header(key, value.trim())
            }
            _ => Err(wrong("a cost line, `NAME=…` or `name: …`", line)),
        }
    }

    /// A line `key=value`. False if it is none of the body's.
    fn body(&mut self, key: &str, value: &str) -> Result<bool> {
        match key {
            "ob" => self.object = Some(self.objects.read(value)?),
            "fl" | "fi" | "fe" => self.file = Some(self.files.read(value)?),
            "fn" => {
                let name = self.functions.read(value)?;
                self.function = Some(self.told(&name, None, None)?);
            }
            "cob" => self.callee.object = Some(self.objects.read(value)?),
            "cfi" | "cfl" => self.callee.file = Some(self.files.read(value)?),
            "cfn" => self.callee.name = Some(self.functions.read(value)?),
            "calls" => {
                let (count, target) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
                let count = number(count).context("`calls=`")?;
                self.positions.check(target)?;
                ensure!(self.callee.name.is_some(), wrong("`cfn=` before `calls=`", value));
                self.due = Some(count);
            }
            // Jumps within a function cost nothing by themselves; their names count as defined.
            "jfi" | "jfl" => drop(self.files.read(value)?),
            "jfn" => drop(self.functions.read(value)?),
            "jump" | "jcnd" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A line `key: value`. Keys that we do not know describe the run.
    fn header(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "version" => ensure!(value == "1", wrong("version 1 of the format", value)),
            "part" => self.part.end()?,
            "positions" => self.positions.columns(value)?,
            "events" => self.part.events(value)?,
            "summary" => self.part.summary(value)?,
            "totals" => self.part.totals(value)?,
            _ => {}
        }
        Ok(())
    }

    fn self_cost(&mut self, line: &str) -> Result<()> {
        let (number, ir) = self.cost(line)?;
        if ir == 0 {
            return Ok(());
        }
        self.part.add(ir)?;
        let total = self.total_ir.checked_add(ir).filter(|total| *total <= TOTAL_MAX);
        self.total_ir = total.ok_or_else(|| wrong("costs of less than 2^63 in all", line))?;
        let function = self.function.clone().ok_or_else(|| wrong("`fn=` before a cost", line))?;
        let at = Line { file: self.current_file(), number };
        *self.self_costs.entry(function).or_default().entry(at).or_default() += ir;
        Ok(())
    }

    fn inclusive_cost(&mut self, line: &str, count: u64) -> Result<()> {
        let (_, inclusive_ir) = self.cost(line)?;
        let caller = self.function.clone().ok_or_else(|| wrong("`fn=` before a call", line))?;
        let Callee { object, file, name } = std::mem::take(&mut self.callee);
        let name = name.context("`calls=` without `cfn=`")?;
        let callee = self.told(&name, file, object.as_ref())?;
        match self.calls.entry((caller, callee)) {
            Entry::Vacant(entry) => {
                entry.insert(Calls { count, inclusive_ir });
            }
            Entry::Occupied(mut entry) => {
                let of = entry.get_mut();
                let sums = (of.count.checked_add(count), of.inclusive_ir.checked_add(inclusive_ir));
                let (Some(count), Some(inclusive_ir)) = sums else {
                    return Err(wrong("calls and costs below 2^64 in all", line));
                };
                *of = Calls { count, inclusive_ir };
            }
        }
        Ok(())
    }

    /// Line of source and executed instructions of a cost line; costs that are left out are 0.
    fn cost(&mut self, line: &str) -> Result<(u64, u64)> {
        let mut words = line.split_whitespace();
        let at = self.positions.read(&mut words)?;
        Ok((at, self.part.ir(words)?))
    }

    /// The function `name`: in the current file and object unless others are named.
    fn told(
        &self,
        name: &Arc<str>,
        file: Option<Arc<str>>,
        object: Option<&Arc<str>>,
    ) -> Result<Function> {
        ensure!(!name.is_empty(), wrong("a function's name", name));
        let file = file.unwrap_or_else(|| self.current_file());
        let name = match object.or(self.object.as_ref()) {
            // Without a symbol only the object tells one address from another.
            Some(object) if name.starts_with("0x") => format!("{name} in {object}").into(),
            _ => Arc::clone(name),
        };
        Ok(Function { name, file })
    }

    fn current_file(&self) -> Arc<str> {
        self.file.clone().unwrap_or_else(|| "???".into())
    }

    fn finish(mut self) -> Result<Profile> {
        if self.due.is_some() {
            bail!("expected the cost line of the calls before it, found the end");
        }
        self.part.end()?;
        ensure!(self.part.is_any(), "expected `events:` with `{EVENT}`, found the end");
        Ok(Profile::of(self.self_costs, self.calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version: 1\ncreator: hand\npositions: line\nevents: Ir\n";

    fn read(body: &str) -> Result<Profile> {
        parse(format!("{HEAD}{body}").as_bytes())
    }

    fn function(name: &str, file: &str) -> Function {
        Function { name: name.into(), file: file.into() }
    }

    /// The example of the specification, with its numbers.
    #[test]
    fn names_by_number_relative_lines_and_calls_are_read() {
        let body = "summary: 820\n\nfl=(1) file1.c\nfn=(1) main\n16 20\ncfn=(2) func1\ncalls=1 50\n16 400\n\
                    cfi=(2) file2.c\ncfn=(3) func2\ncalls=3 20\n+0 400\n\nfn=(2)\n51 100\ncfi=(2)\ncfn=(3)\ncalls=2 20\n\
                    * 300\n\nfl=(2)\nfn=(3)\n20 700\ntotals: 820\n";
        let profile = read(body).unwrap();
        assert_eq!(profile.total_ir, 820);
        let main = &profile.functions[&function("main", "file1.c")];
        assert_eq!((main.self_ir, main.inclusive_ir, main.n_calls), (20, 820, 0));
        let func1 = &profile.functions[&function("func1", "file1.c")];
        assert_eq!((func1.self_ir, func1.inclusive_ir, func1.n_calls), (100, 400, 1));
        let func2 = &profile.functions[&function("func2", "file2.c")];
        assert_eq!((func2.self_ir, func2.inclusive_ir, func2.n_calls), (700, 700, 5));
        assert_eq!(func2.lines.values().sum::<u64>(), 700);
    }

    #[test]
    fn inlined_code_keeps_its_own_file() {
        let profile =
            read("fl=(1) a.c\nfn=(1) f\n3 1\nfi=(2) b.h\n+2 4\nfe=(1)\n-1 2\ntotals: 7\n").unwrap();
        let line = |file: &str, number| Line { file: file.into(), number };
        let want = BTreeMap::from([(line("a.c", 3), 1), (line("b.h", 5), 4), (line("a.c", 4), 2)]);
        assert_eq!(profile.functions[&function("f", "a.c")].lines, want);
    }

    #[test]
    fn instructions_may_stand_anywhere_and_trailing_costs_be_left_out() {
        let text = "positions: instr line\nevents: Dr Ir Dw\nsummary: 9 7 1\nob=/lib/x.so\nfn=0x10\n0x10 3 4 5\n+0x4 * 5 2 1\n\
                    +3 -1\njump=2 0x10 3\n0x20 3\ntotals: 9 7 1\n";
        let profile = parse(text.as_bytes()).unwrap();
        assert_eq!(profile.total_ir, 7);
        let costs = &profile.functions[&function("0x10 in /lib/x.so", "???")];
        assert_eq!(costs.lines.len(), 1, "both on line 3");
    }

    #[test]
    fn parts_are_added_up_and_each_is_checked() {
        let part = |n: u64| {
            format!(
                "part: {n}\nevents: Ir\nsummary: {n}\nfl=(1) a.c\nfn=(1) f\n1 {n}\ntotals: {n}\n\n"
            )
        };
        let text = format!("version: 1\n{}{}", part(3), part(4));
        assert_eq!(parse(text.as_bytes()).unwrap().total_ir, 7);
        let error =
            format!("{:#}", parse(text.replacen("1 3\n", "1 2\n", 1).as_bytes()).unwrap_err());
        assert!(error.contains("line 10;") && error.contains("expected a sum of 2"), "{error}");
    }

    #[test]
    fn each_fault_names_its_line_what_was_expected_and_what_was_found() {
        let whole =
            "fl=(1) a.c\nfn=(1) f\n1 5\ncfn=(2) g\ncalls=1 9\n1 6\nfn=(2)\n9 6\ntotals: 11\n";
        read(whole).unwrap();
        for (from, to, line, said) in [
            ("1 5", "1 5 6", 7, "at most 1 costs"),
            ("1 5", "1 -5", 7, "a whole number"),
            ("1 5", "1 18446744073709551616", 7, "a whole number"),
            ("1 5", "1 18446744073709551615", 7, "2^63"),
            ("1 5", "-1 5", 7, "a line number from 0"),
            ("1 5", "+ 5", 7, "a whole number"),
            ("1 5", "garbage", 7, "`name: …`"),
            ("1 5", "1 4", 14, "expected a sum of 10"),
            ("totals: 11", "totals: 12", 14, "expected a sum of 11"),
            ("totals: 11\n", "", 13, "expected `totals:`"),
            ("totals: 11", "totals: 11 0", 13, "at most 1 costs"),
            ("\nfn=(2)", "\nfn=(3)", 11, "a name that was written in full before"),
            ("\nfn=(2)", "\nfn=(2) h", 11, "`g`"),
            ("\nfn=(2)", "\nfn=(2", 11, "`)`"),
            ("\nfn=(2)", "\nfn=", 11, "a name"),
            ("cfn=(2) g\n", "", 8, "`cfn=` before `calls=`"),
            ("calls=1 9\n1 6", "calls=1 9", 10, "the cost line of the calls"),
            ("calls=1 9", "calls=1", 9, "a position"),
            ("calls=1 9", "calls=one 9", 9, "a whole number"),
            ("fn=(1) f\n1", "1", 6, "`fn=`"),
            ("fl=(1)", "events: Dr\nfl=(1)", 5, "`Ir`"),
            ("fl=(1)", "positions: column\nfl=(1)", 5, "`line`"),
            ("fl=(1)", "version: 2\nfl=(1)", 5, "version 1"),
        ] {
            let body = whole.replacen(from, to, 1);
            assert_ne!(body, whole, "{from}");
            let error = format!("{:#}", read(&body).expect_err(to));
            let found = error.contains(&format!("line {line};")) && error.contains(said);
            assert!(found, "{from:?} -> {to:?}: expected line {line}, {said:?}, found {error}");
        }
        let error = format!("{:#}", parse(b"version: 1\nfn=\xff\n").unwrap_err());
        assert!(error.contains("line 2") && error.contains("UTF-8"), "{error}");
        for nothing in ["", "\n\n", "version: 1\n", "fl=a.c\n", "events: Ir\n"] {
            assert!(parse(nothing.as_bytes()).is_err(), "{nothing:?}");
        }
        let error = format!("{:#}", read("fn=f\n1 2\ncfn=g\ncalls=1 1").unwrap_err());
        assert!(error.contains("found the end"), "{error}");
    }

    #[test]
    fn a_wrong_line_is_quoted_in_part() {
        let error = format!("{:#}", read(&"x".repeat(100_000)).unwrap_err());
        assert!(error.len() < 400, "{}", error.len());
    }
}
