//! `cargo xtask requirements`: what is promised, and the tests that show it.
//! In: the tree: the table of `ci/requirements.md`, and the citations on tests. Out: id → state → tests, and a finding
//! for each promise that no test shows, each citation of nothing, and each state that the tests have overtaken.

mod citations;
mod table;

use citations::Test;
use table::{PAGE, Row, State};

use crate::tidy::{Finding, Tree};
use crate::workspace::Workspace;

/// Checks the workspace and prints the table and every finding. True if there is no finding.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<bool> {
    let tree = Tree::load(&workspace.root)?;
    let (text, findings) = trace(&tree);
    println!("{text}");
    for finding in &findings {
        println!("{finding}");
    }
    println!("requirements: {} finding(s)", findings.len());
    Ok(findings.is_empty())
}

/// The table for people, and the findings.
fn trace(tree: &Tree) -> (String, Vec<Finding>) {
    let (rows, mut findings) = table::read(tree);
    let (tests, misplaced) = citations::read(tree);
    findings.extend(rows.iter().filter_map(|row| unlike_its_state(row, &tests)));
    findings.extend(misplaced);
    for test in &tests {
        for id in test.cites.iter().filter(|id| !rows.iter().any(|row| row.is_called(id))) {
            let reason = format!("`{}` cites `{id}`, which {PAGE} does not have", test.name);
            let finding = Finding::of_file(&test.path, reason, "cite an id of the table");
            findings.push(finding.at(test.line));
        }
    }
    (text(&rows, &tests), findings)
}

/// A row that is built and not shown, or shown and not said to be built.
fn unlike_its_state(row: &Row, tests: &[Test]) -> Option<Finding> {
    let shown: Vec<String> = citing(row, tests).filter(|test| !test.ignored).map(name).collect();
    let (reason, fix) = match &row.state {
        State::Built | State::Partly(_) if shown.is_empty() => {
            let ignored =
                if citing(row, tests).next().is_some() { " but ignored ones" } else { "" };
            let reason = format!("`{}` is `{}`, and no test cites it{ignored}", row.id, row.state);
            let fix = format!(
                "write `/// Requirement: {}.` on the #[test] that shows it, or state the issue that will",
                row.id
            );
            (reason, fix)
        }
        State::Issue(_) if !shown.is_empty() => {
            let by = shown.join(", ");
            let reason = format!("`{}` is `{}`, and cited by {by}: stale", row.id, row.state);
            (reason, "say `built` or `partly: …`, or take the citation back".to_owned())
        }
        State::Built | State::Partly(_) | State::Issue(_) => return None,
    };
    Some(Finding::of_file(PAGE, reason, fix).at(row.line))
}

fn citing<'a>(row: &'a Row, tests: &'a [Test]) -> impl Iterator<Item = &'a Test> {
    tests.iter().filter(|test| test.cites.iter().any(|id| row.is_called(id)))
}

fn name(test: &Test) -> String {
    format!("{}::{}", test.path, test.name)
}

/// One line per row and test; what is open of a row below its tests.
fn text(rows: &[Row], tests: &[Test]) -> String {
    let mut lines = vec![format!("{:<7} {:<8} tests", "ID", "state")];
    for row in rows {
        let mut cells: Vec<String> = citing(row, tests)
            .map(|test| {
                format!("{}{}", name(test), if test.ignored { " (ignored: no proof)" } else { "" })
            })
            .collect();
        if let State::Partly(open) = &row.state {
            cells.push(format!("open: {open}"));
        }
        if cells.is_empty() {
            cells.push("–".to_owned());
        }
        for (idx, cell) in cells.iter().enumerate() {
            let (id, word) =
                if idx == 0 { (row.id.as_str(), row.state.word()) } else { Default::default() };
            lines.push(format!("{id:<7} {word:<8} {cell}"));
        }
    }
    let n = |of: fn(&State) -> bool| rows.iter().filter(|row| of(&row.state)).count();
    lines.push(format!(
        "{} rows: {} built, {} partly, {} in later issues",
        rows.len(),
        n(|state| matches!(state, State::Built)),
        n(|state| matches!(state, State::Partly(_))),
        n(|state| matches!(state, State::Issue(_))),
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| issue | what |\n|---|---|\n| 5 | engine |\n\n\
        | ID | state | seed line | for real |\n|---|---|---|---|\n\
        | S2 | built | a | b |\n| Q2 | partly: TL1, issue 5 | a | b |\n| T1–T3 | built | a | b |\n\
        | P2 | issue 5 | a | b |\n";

    /// A test of this name that cites `ids`, with more attributes.
    fn cited(name: &str, attribute: &str, ids: &str) -> String {
        format!("/// Requirement: {ids}.\n#[test]\n{attribute}\nfn {name}() {{}}\n")
    }

    fn green() -> Tree {
        let tests = format!("//! Door.\n{}{}", cited("a", "", "S2, Q2"), cited("b", "", "T2"));
        Tree::of(&[(PAGE, TABLE), ("gates/tests/a.rs", &tests)])
    }

    /// Where and why.
    fn found(tree: &Tree) -> Vec<String> {
        let first_line = |finding: &Finding| finding.to_string().lines().next().unwrap().to_owned();
        trace(tree).1.iter().map(first_line).collect()
    }

    #[test]
    fn a_table_whose_rows_are_shown_has_no_finding_and_reads_as_id_state_tests() {
        let (text, findings) = trace(&green());
        assert_eq!(findings, []);
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "ID      state    tests",
                "S2      built    gates/tests/a.rs::a",
                "Q2      partly   gates/tests/a.rs::a",
                "                 open: TL1, issue 5",
                "T1–T3   built    gates/tests/a.rs::b",
                "P2      issue 5  –",
                "4 rows: 2 built, 1 partly, 1 in later issues",
            ]
        );
    }

    #[test]
    fn a_row_that_no_test_cites_is_found_whether_built_or_partly_built() {
        let one = format!("//! Door.\n{}", cited("b", "", "T1–T3"));
        assert_eq!(
            found(&green().with("gates/tests/a.rs", &one)),
            [
                "ci/requirements.md:7: `S2` is `built`, and no test cites it",
                "ci/requirements.md:8: `Q2` is `partly: TL1, issue 5`, and no test cites it",
            ]
        );
    }

    #[test]
    fn a_test_that_is_ignored_shows_nothing() {
        for attribute in
            ["#[ignore]", "#[ignore = \"slow\"]", "#[cfg_attr(debug_assertions, ignore)]"]
        {
            let tests = format!("{}{}", cited("a", attribute, "T1–T3"), cited("b", "", "S2, Q2"));
            let tree = green().with("gates/tests/a.rs", &tests);
            assert_eq!(
                found(&tree),
                ["ci/requirements.md:9: `T1–T3` is `built`, and no test cites it but ignored ones"],
                "{attribute}"
            );
            assert!(trace(&tree).0.contains("gates/tests/a.rs::a (ignored: no proof)"));
        }
    }

    #[test]
    fn an_unknown_id_is_found_where_it_is_cited() {
        let tree = green().with("gates/src/b.rs", &cited("c", "", "S2, S9"));
        assert_eq!(
            found(&tree),
            ["gates/src/b.rs:4: `c` cites `S9`, which ci/requirements.md does not have"]
        );
    }

    #[test]
    fn a_row_of_a_later_issue_that_is_cited_is_stale() {
        let tree = green().with("gates/src/b.rs", &cited("c", "", "P2"));
        assert_eq!(
            found(&tree),
            ["ci/requirements.md:10: `P2` is `issue 5`, and cited by gates/src/b.rs::c: stale"]
        );
    }

    #[test]
    fn an_id_twice_a_citation_of_no_test_and_no_page_are_found_from_here_too() {
        let twice = format!("{TABLE}| T2 | issue 5 | a | b |\n");
        assert!(found(&green().with(PAGE, &twice))[0].contains("`T2` stands twice"));
        let helper = "/// Requirement: S2.\nfn helper() {}\n";
        assert_eq!(found(&green().with("gates/src/b.rs", helper)).len(), 1);
        assert!(!found(&green().without(PAGE)).is_empty());
    }
}
