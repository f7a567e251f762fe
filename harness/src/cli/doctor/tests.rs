//! Whole outputs for scripted machines: what people, programs and Markdown get to see.

use serde_json::Value;

use super::{human, json_text, markdown};
use crate::doctor::{CHECKS, State, scripted::Scripted};

fn machines() -> Vec<Scripted> {
    let hostile = Scripted::hostile();
    hostile.hold(b"\xff\x1b[31m\t|<b>`\n");
    vec![
        Scripted::healthy_server(),
        Scripted::laptop(),
        Scripted::container(1),
        Scripted::container(2),
        Scripted::robbed_guest(),
        Scripted::empty(),
        hostile,
    ]
}

#[test]
fn no_line_is_longer_than_80_columns_and_a_command_is_never_broken() {
    for machine in machines() {
        let found = machine.findings();
        for all in [false, true] {
            let said = human(&found, all);
            for line in said.lines().filter(|line| !line.starts_with("    $ ")) {
                // A colour takes no column.
                let plain = line.replace("\u{1b}[1;31m", "").replace("\u{1b}[1;33m", "");
                let plain = plain.replace("\u{1b}[0m", "");
                assert!(plain.chars().count() <= 80, "{line:?}");
                assert!(!plain.contains(|c: char| c.is_control()), "{line:?}");
            }
            for (_, finding) in &found {
                let explained = all || matches!(finding.state, State::Bad | State::Warn);
                let Some(command) = finding.command.as_ref().filter(|_| explained) else {
                    continue;
                };
                assert!(said.contains(&format!("    $ {command}\n")), "{command}\n{said}");
            }
        }
    }
}

#[test]
fn the_state_is_a_sign_and_a_word_and_colour_comes_on_top() {
    let said = human(&Scripted::laptop().findings(), false);
    assert!(said.contains("✘ bad   BAT0 is discharging at 38 %"), "{said}");
    assert!(said.contains("! warn  powersave (driver intel_pstate)"), "{said}");
    assert!(said.ends_with("mend battery, swap, thermal first\u{1b}[0m\n"), "{said}");
    let said = human(&Scripted::healthy_server().findings(), false);
    assert!(said.ends_with("18 checks: 2 info, 16 ok\n✔ fit to measure\n"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    let said = human(&Scripted::empty().findings(), false);
    assert!(said.ends_with("? unknown: this system says too little of itself\n"), "{said}");
}

#[test]
fn what_is_bad_is_explained_before_what_is_worth_a_warning() {
    let said = human(&Scripted::robbed_guest().findings(), false);
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("no {text:?} in\n{said}"));
    assert!(at("\n✘ steal-time: 20.0 %") < at("\n! clock-source: hpet"), "{said}");
    assert!(
        at("  effect: work takes about 25 % longer") < at("  mend: nothing to do inside a guest")
    );
}

#[test]
fn the_document_has_stable_keys() {
    for machine in machines() {
        let document: Value = serde_json::from_str(&json_text(&machine.findings())).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&document), ["checks", "counts", "fitness"]);
        assert_eq!(keys(&document["counts"]), ["bad", "info", "ok", "unknown", "warn"]);
        let checks = document["checks"].as_array().unwrap();
        assert_eq!(checks.len(), CHECKS.len());
        for check in checks {
            let expected =
                ["about", "command", "effect", "found", "mend", "name", "state", "values"];
            assert_eq!(keys(check), expected);
        }
    }
    let document = json_text(&Scripted::robbed_guest().findings());
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["fitness"], "unfit");
    let steal = document["checks"].as_array().unwrap().iter().find(|c| c["name"] == "steal-time");
    assert_eq!(steal.unwrap()["values"]["stolen_share"], 0.2);
}

#[test]
fn the_name_of_a_program_ends_no_cell_of_the_markdown_table() {
    let said = markdown(&Scripted::laptop().findings());
    let rows: Vec<&str> = said.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), CHECKS.len() + 2);
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    }
    assert!(said.contains("Web \\| Content"), "{said}");
    assert!(said.ends_with("✘ unfit to measure, as it is: mend battery, swap, thermal first\n"));
}
