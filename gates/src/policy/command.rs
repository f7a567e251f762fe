//! The policy of a session of external commands: text that ships, and one gated entry for each workload and metric.
//! In: the names. Out: TOML text, which travels in the evidence as any policy does.

const TEXT: &str = include_str!("command.toml");

/// The policy that gates each `(workload, metric)`, at the margins of the policy that ships.
#[must_use]
pub fn command_policy(gated: &[(&str, &str)]) -> String {
    let mut text = TEXT.to_owned();
    for (workload, metric) in gated {
        // As TOML writes a string: a name from the command line may hold quotes.
        let (workload, metric) = (toml::Value::from(*workload), toml::Value::from(*metric));
        text.push_str(&format!(
            "[[gated]]\nworkload = {workload}\nmetric = {metric}\nmargin_negligible = 1.01\n\
             margin_unacceptable = 1.05\n\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::command_policy;
    use crate::policy::{DEFAULT_POLICY, Policy};

    #[test]
    fn it_is_the_shipped_policy_but_for_budgets_exact_metrics_and_what_is_gated() {
        let commands =
            Policy::parse(&command_policy(&[("n=\"1\"\n[x]", "wall_ns"), ("b", "cpu_ns")]))
                .unwrap();
        let shipped = Policy::parse(DEFAULT_POLICY).unwrap();
        assert_eq!(commands.gated[0].workload, "n=\"1\"\n[x]");
        assert_eq!(commands.gated.len(), 2);
        for gated in &commands.gated {
            assert_eq!(
                (gated.margin_negligible, gated.margin_unacceptable),
                (shipped.gated[0].margin_negligible, shipped.gated[0].margin_unacceptable)
            );
        }
        assert_eq!((commands.budgets.accuracy, commands.budgets.load.len()), (None, 0));
        assert_eq!(commands.exact, []);
        assert_eq!(commands.pairs, shipped.pairs);
        assert_eq!(commands.levels, shipped.levels);
        assert_eq!(commands.verdict, shipped.verdict);
        assert_eq!(commands.gates, shipped.gates);
        assert_eq!(commands.routes, shipped.routes);
    }

    #[test]
    fn a_metric_of_a_suites_own_is_known_to_its_policy_alone() {
        let own = baselines::record::MetricDef {
            name: "ops_count".to_owned(),
            pointer: "/ops".to_owned(),
            unit: baselines::unit::Unit::Count,
            better: baselines::metric::Better::Higher,
        };
        let text = command_policy(&[("command", "ops_count")]);
        assert!(Policy::parse_with(&text, &[own]).is_ok());
        let error = Policy::parse(&text).unwrap_err().to_string();
        assert!(error.contains("gated.metric") && error.contains("ops_count"), "{error}");
    }
}
