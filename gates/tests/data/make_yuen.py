"""Writes yuen.json: what scipy gives for the statistics of `gates`. Run: python make_yuen.py > yuen.json

scipy.stats.mstats.trimmed_mean_ci is Yuen's one-sample interval with the winsorised SD / (0.6 * sqrt(n)) and df = h - 1;
scipy.stats.ttest_ind(trim=.2, equal_var=False) is Yuen's two-sample test.
"""

import json

import numpy as np
import scipy
from scipy import stats
from scipy.stats import mstats

rng = np.random.default_rng(246)
LOG_1_01, LOG_1_05 = float(np.log(1.01)), float(np.log(1.05))


def one_sample(name, values):
    values = np.round(values, 6)
    low, high = mstats.trimmed_mean_ci(values, limits=(0.2, 0.2), alpha=0.05)
    error = float(mstats.trimmed_stde(values, limits=(0.2, 0.2)))
    estimate = float(stats.trim_mean(values, 0.2))
    df = len(values) - 2 * (len(values) // 5) - 1
    return {
        "name": name,
        "values": values.tolist(),
        "estimate": estimate,
        "standard_error": error,
        "df": df,
        "ci_low": float(low),
        "ci_high": float(high),
        "p_fail": float(stats.t.sf((estimate - LOG_1_01) / error, df)),
        "p_pass": float(stats.t.cdf((estimate - LOG_1_05) / error, df)),
    }


def two_samples(name, a, b):
    a, b = np.round(a, 6), np.round(b, 6)
    test = stats.ttest_ind(b, a, trim=0.2, equal_var=False)
    interval = test.confidence_interval(0.95)
    return {
        "name": name,
        "a": a.tolist(),
        "b": b.tolist(),
        "df": float(test.df),
        "ci_low": float(interval.low),
        "ci_high": float(interval.high),
    }


def wilson(successes, trials):
    test = stats.binomtest(successes, trials, alternative="greater")
    low = test.proportion_ci(0.95, "wilson").low
    return {"successes": successes, "trials": trials, "lower_95": float(low)}


print(
    json.dumps(
        {
            "maker": f"make_yuen.py, scipy {scipy.__version__}, numpy {np.__version__}",
            "one_sample": [
                one_sample("normal-16", rng.normal(0.0, 0.04, 16)),
                one_sample("slower-16", rng.normal(0.1, 0.04, 16)),
                one_sample("quiet-40", rng.normal(0.03, 0.002, 40)),
                one_sample("heavy-tails-24", 0.02 * rng.standard_t(2, 24)),
                one_sample("nineteen", rng.normal(-0.05, 0.03, 19)),
            ],
            "two_samples": [
                two_samples("equal-10-10", rng.normal(0, 0.03, 10), rng.normal(0, 0.03, 10)),
                two_samples("unequal-16-25", rng.normal(0, 0.01, 16), rng.normal(0.05, 0.06, 25)),
            ],
            "wilson": [wilson(6954, 7000), wilson(7000, 7000), wilson(1, 2), wilson(0, 9)],
        },
        indent=1,
    )
)
