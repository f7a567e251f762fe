//! From run records to verdicts: statistics, policy, evidence checks, gate documents and routes.
//!
//! [`derive()`] is the road: evidence checks ([`verify`]) → exact metrics ([`exact`]) → comparison of the two arms
//! ([`compare`], on [`stats`]) → budgets → verdict → gate documents, route and report. All of it is pure: no clock, no environment, no file, no
//! network, so that `bench verify` can derive the same bytes again from the same bundle.
//!
//! Gates made from the output of other commands ([`check`]) stand beside those of the measurement.
//!
//! Beside the road: [`stored`], one record against earlier sessions of its machine; [`history`], many records of one
//! machine, and where their level changed.
//!
//! [`github`] reads what a measuring run on GitHub left behind, and makes check runs of it; also pure, over a transport that is given
//! (feature `github` has one, over the network). `docs/github.md` says what is believed there.
//!
//! `docs/statistics.md` says which test, why, and what it cannot see; `docs/history.md` the same of history, stored baselines
//! and warm-up; `docs/evidence.md` lists the rules, `docs/checks.md` the kinds of checks; `docs/policy.md` says what a policy can
//! demand, and where work goes next.

#![forbid(unsafe_code)]

pub mod attestation;
pub mod budget;
pub mod calibration;
pub mod check;
pub mod compare;
pub mod decision;
mod derive;
pub mod design;
pub mod error;
pub mod exact;
mod facts;
pub mod gate;
pub mod github;
pub mod history;
mod inference;
pub mod markdown;
pub mod policy;
pub mod replay;
mod report;
pub mod roofline;
pub mod route;
pub mod stats;
pub mod stored;
mod text;
pub mod triage;
pub mod validate;
pub mod verdict;
pub mod verify;
mod waived;

pub use compare::{
    Comparison, Row, WarmUp, compare_arms, compare_records, goes_on, pair_log_ratios,
};
pub use derive::{Derived, Records, Tally, derive};
pub use error::{Error, ErrorKind, Result};
pub use exact::Exact;
pub use gate::GateReport;
pub use policy::{DEFAULT_POLICY, Policy, command_policy, schemas};
pub use route::Route;
pub use stored::{StoredComparison, StoredRow, judge_stored};
pub use text::{is_unseen, plain};
pub use verdict::{MetricVerdict, Outcome, Verdict};
pub use verify::{
    Class, RULES, Refusal, check_base_sha, check_evidence, check_head_sha, check_record,
};
pub use waived::{Waived, WaiverUse};
