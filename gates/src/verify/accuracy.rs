//! Counted accuracy: agreement cannot exceed the positions scored, and likelihoods are finite sums.

use baselines::{RunRecord, format, record::Accuracy};

use super::{Check, Class, Fault, Rule};
use crate::policy::Policy;

pub(super) const RULE: Rule = Rule {
    name: "accuracy",
    class: Class::Invalid,
    demand: "Agreement is counted over the positions scored, on a format that the model has.",
    way_out: "run the session again: accuracy is counted once per session, never filled in",
    check: Check::Record(check),
};

fn check(record: &RunRecord, _: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(accuracy) = &record.accuracy {
        faults.extend(counted("accuracy", accuracy));
        // Of a command there is none to count: the business of the rule `command`.
        let engine = record.subject.engine();
        if engine.is_some_and(|engine| {
            !engine.model.linears.iter().any(|linear| linear.format == accuracy.format)
        }) {
            faults.push(Fault::new(
                "accuracy.format",
                "a format of one of the model's linears",
                accuracy.format.clone(),
            ));
        }
    }
    for (i, accuracy) in record.format_accuracy.iter().enumerate() {
        let field = format!("format_accuracy[{i}]");
        faults.extend(counted(&field, accuracy));
        let others = record.accuracy.iter().chain(&record.format_accuracy[..i]);
        let twice = others.clone().any(|other| other.format == accuracy.format);
        let ternary = format::find(&accuracy.format).is_some_and(|format| format.ternary);
        if twice || !ternary {
            let field = format!("{field}.format");
            let expected = "a ternary format, once, and not that of `accuracy`";
            faults.push(Fault::new(field, expected, accuracy.format.clone()));
        }
        // The converted model has the same float run over the same text.
        for model in record.accuracy.iter() {
            let same = model.ids_digest == accuracy.ids_digest
                && model.positions == accuracy.positions
                && model.nll_float.to_bits() == accuracy.nll_float.to_bits();
            if !same {
                let expected = "the text, positions and `nll_float` of `accuracy`";
                faults.push(Fault::new(field.clone(), expected, "others"));
            }
        }
    }
    faults
}

fn counted(field: &str, accuracy: &Accuracy) -> Vec<Fault> {
    let mut faults = Vec::new();
    if accuracy.positions == 0 || accuracy.top1_equal > accuracy.positions {
        let expected = format!("at most {} of at least 1", accuracy.positions);
        let found = accuracy.top1_equal.to_string();
        faults.push(Fault::new(format!("{field}.top1_equal"), expected, found));
    }
    for (what, nll) in [("nll_int8", accuracy.nll_int8), ("nll_float", accuracy.nll_float)] {
        if !(nll.is_finite() && nll > 0.0) {
            let field = format!("{field}.{what}");
            faults.push(Fault::new(field, "a finite sum above 0", nll.to_string()));
        }
    }
    faults
}
