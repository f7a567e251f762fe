//! The table of requirements as rows: id, state, line.
//! In: `ci/requirements.md`. Out: its rows, and a finding for each line that is none, says an id again, or names an issue
//! that the page does not list.

use std::collections::BTreeSet;
use std::fmt;

use crate::tidy::{Finding, Tree};

/// The page that holds the table.
pub(super) const PAGE: &str = "ci/requirements.md";

/// The cells of a row: id, state, the seed's line, what it is for real.
const COLUMNS: usize = 4;

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    /// As written: `S2`, or `T1–T3` for a row of several.
    pub(super) id: String,
    pub(super) state: State,
    /// 1-based.
    pub(super) line: usize,
    /// `T1`, `T2`, `T3`; the id itself where it is one.
    members: Vec<String>,
}

impl Row {
    /// True for the row's id and, in a row of several, for each of them.
    pub(super) fn is_called(&self, id: &str) -> bool {
        self.id == id || self.members.iter().any(|member| member == id)
    }
}

/// How far a row is built.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All of it works today.
    Built,
    /// Some of it works; what is open, each with its issue.
    Partly(String),
    /// The issue that will build it.
    Issue(u32),
}

impl State {
    /// The state without what is open.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Partly(_) => "partly".to_owned(),
            Self::Built | Self::Issue(_) => self.to_string(),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built => f.write_str("built"),
            Self::Partly(open) => write!(f, "partly: {open}"),
            Self::Issue(number) => write!(f, "issue {number}"),
        }
    }
}

/// The rows of the page, and what is wrong with it.
pub(super) fn read(tree: &Tree) -> (Vec<Row>, Vec<Finding>) {
    let text = tree.text(PAGE).unwrap_or_default();
    let issues: BTreeSet<u32> = lines_below(text, "| issue |")
        .filter_map(|(_, line)| cells(line).first()?.parse().ok())
        .collect();
    let (mut rows, mut findings) = (Vec::<Row>::new(), Vec::new());
    for (line, content) in lines_below(text, "| ID |") {
        let fault = |reason: String, fix: &str| Finding::of_file(PAGE, reason, fix).at(line);
        match row(content, line, &issues) {
            Err(Fault { reason, fix }) => findings.push(fault(reason, fix)),
            Ok(row) => {
                let known = |id: &&String| rows.iter().any(|earlier| earlier.is_called(id));
                if let Some(id) = row.members.iter().find(known) {
                    findings
                        .push(fault(format!("`{id}` stands twice"), "give one of them another id"));
                }
                rows.push(row);
            }
        }
    }
    if rows.is_empty() {
        let fix =
            "write the table: `| ID | state | seed line | for real |`, and a row per requirement";
        findings.push(Finding::of_file(PAGE, "no requirement in it", fix));
    }
    (rows, findings)
}

/// What is wrong with a line, and the way out.
struct Fault {
    reason: String,
    fix: &'static str,
}

/// The lines of the table with this header, below its rule, with their 1-based numbers.
fn lines_below<'a>(text: &'a str, header: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let lines = text.lines().enumerate().map(|(idx, line)| (idx + 1, line));
    let table = lines.skip_while(move |(_, line)| !line.starts_with(header));
    table.take_while(|(_, line)| line.starts_with('|')).skip(2)
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(str::trim).collect()
}

fn row(content: &str, line: usize, issues: &BTreeSet<u32>) -> Result<Row, Fault> {
    let cells = cells(content);
    if cells.len() != COLUMNS || cells.iter().any(|cell| cell.is_empty()) {
        let reason = format!("expected {COLUMNS} cells with text, found `{content}`");
        return Err(Fault { reason, fix: "write `| ID | state | seed line | for real |`" });
    }
    let (id, said) = (cells[0], cells[1]);
    let members = members(id).ok_or_else(|| Fault {
        reason: format!("`{id}` is no id"),
        fix: "write a capital, a number and perhaps a small letter (`G2b`), or a range (`T1–T3`)",
    })?;
    let state = state(said, issues).ok_or_else(|| Fault {
        reason: format!("`{id}`: `{said}` is no state"),
        fix: "write `built`, `issue 5`, or `partly: what is open, issue 5; more, issue 6`, with issues of the page",
    })?;
    Ok(Row { id: id.to_owned(), state, line, members })
}

/// The ids that an id cell stands for.
fn members(cell: &str) -> Option<Vec<String>> {
    let Some((first, last)) = cell.split_once('–') else {
        let digits = cell.strip_prefix(|c: char| c.is_ascii_uppercase())?;
        let digits = digits.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(digits);
        return number(digits).map(|_| vec![cell.to_owned()]);
    };
    let letter = first.chars().next().filter(char::is_ascii_uppercase)?;
    let (from, to) = (number(first.strip_prefix(letter)?)?, number(last.strip_prefix(letter)?)?);
    (from < to).then(|| (from..=to).map(|n| format!("{letter}{n}")).collect())
}

/// A number of one or two digits.
fn number(digits: &str) -> Option<u32> {
    let is_number = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

fn state(cell: &str, issues: &BTreeSet<u32>) -> Option<State> {
    let issue =
        |text: &str| number(text.strip_prefix("issue ")?).filter(|number| issues.contains(number));
    if let Some(open) = cell.strip_prefix("partly: ") {
        let has_issue = |part: &str| {
            part.rsplit_once(", ").is_some_and(|(what, at)| !what.is_empty() && issue(at).is_some())
        };
        return open.split("; ").all(has_issue).then(|| State::Partly(open.to_owned()));
    }
    if cell == "built" { Some(State::Built) } else { issue(cell).map(State::Issue) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: &[&str]) -> Tree {
        let head = "# Page\n\n| issue | what |\n|---|---|\n| 5 | a |\n| 6 | b |\n\nText.\n\n\
                    | ID | state | seed line | for real |\n|---|---|---|---|\n";
        Tree::of(&[(
            PAGE,
            &format!("{head}{}\n\n| X1 | outside | the | table |\n", rows.join("\n")),
        )])
    }

    #[test]
    fn rows_are_read_with_id_state_members_and_line() {
        let (rows, findings) = read(&page(&[
            "| S1 | built | a | b |",
            "| G2b | partly: this, that, issue 5; more, issue 6 | a | b |",
            "| K9–K11 | issue 6 | a | b |",
        ]));
        assert!(findings.is_empty(), "{findings:?}");
        let states: Vec<String> = rows.iter().map(|row| row.state.to_string()).collect();
        assert_eq!(states, ["built", "partly: this, that, issue 5; more, issue 6", "issue 6"]);
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [12, 13, 14]);
        assert_eq!(rows[2].members, ["K9", "K10", "K11"]);
        assert!(
            rows[2].is_called("K9–K11") && rows[2].is_called("K10") && !rows[2].is_called("K1")
        );
    }

    #[test]
    fn a_line_that_is_no_row_is_found_with_its_number() {
        for (line, reason) in [
            ("| S1 | built | a |", "expected 4 cells"),
            ("| S1 |  | a | b |", "expected 4 cells"),
            ("| S1 | built | a | b | c |", "expected 4 cells"),
            ("| s1 | built | a | b |", "`s1` is no id"),
            ("| S | built | a | b |", "`S` is no id"),
            ("| S1bc | built | a | b |", "`S1bc` is no id"),
            ("| S1-S3 | built | a | b |", "`S1-S3` is no id"),
            ("| S3–S1 | built | a | b |", "`S3–S1` is no id"),
            ("| S1–T3 | built | a | b |", "`S1–T3` is no id"),
            ("| S1 | done | a | b |", "`done` is no state"),
            ("| S1 | issue 7 | a | b |", "`issue 7` is no state"),
            ("| S1 | partly | a | b |", "`partly` is no state"),
            ("| S1 | partly: TL1 | a | b |", "`partly: TL1` is no state"),
            ("| S1 | partly: TL1, issue 5; TL2 | a | b |", "is no state"),
            ("| S1 | partly: , issue 5 | a | b |", "is no state"),
        ] {
            let (rows, findings) = read(&page(&["| A1 | built | a | b |", line]));
            assert_eq!((rows.len(), findings.len()), (1, 1), "{line}: {findings:?}");
            let text = findings[0].to_string();
            assert!(text.starts_with("ci/requirements.md:13: ") && text.contains(reason), "{text}");
        }
    }

    #[test]
    fn an_id_that_stands_twice_is_found_also_inside_a_row_of_several() {
        let a = "| T2 | built | a | b |";
        for b in [a, "| T1–T3 | built | a | b |"] {
            for rows in [[a, b], [b, a]] {
                let (_, findings) = read(&page(&rows));
                assert_eq!(findings.len(), 1, "{rows:?}: {findings:?}");
                assert!(
                    findings[0].to_string().contains(":13: `T2` stands twice"),
                    "{}",
                    findings[0]
                );
            }
        }
    }

    #[test]
    fn a_page_that_is_missing_or_holds_no_table_is_found() {
        for tree in [Tree::default(), Tree::of(&[(PAGE, "# Page\n\n| S1 | built | a | b |\n")])] {
            let (rows, findings) = read(&tree);
            assert!(rows.is_empty());
            assert!(findings[0].to_string().contains("no requirement in it"), "{}", findings[0]);
        }
    }
}
