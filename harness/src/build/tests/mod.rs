//! Builds of a toy workspace in a repository of its own: no network, no dependencies, no git user.

mod cache;
mod errors;
mod linkers;
mod revisions;
mod toy;
