//! Subjects: what is measured. So far one kind, our own engine in a worker process of this or another build.

pub(crate) mod device;
pub(crate) mod engine;
pub(crate) mod lane;
mod program;
pub(crate) mod synthetic;

pub(crate) use engine::Binary;
pub(crate) use program::Program;
