//! A store that lives in a branch of a git remote, written by any number of runners at once.
//!
//! In: a repository to run git in, a remote, a branch. Out: what was pushed or pulled, and what was left alone. No file is
//! checked out and no local branch is touched. docs/store.md has the layout, the protocol and its promises.

mod contents;
mod fold;
mod git;
mod incoming;
mod layout;
mod look;
mod objects;
mod pack;
mod place;
mod pull;
mod push;
#[cfg(test)]
mod tests;
mod write;

pub use place::{Branch, Skipped};
pub use pull::Pulled;
pub use push::{MAX_PAGE_BYTES, MAX_RETRIES, Push, Pushed};
