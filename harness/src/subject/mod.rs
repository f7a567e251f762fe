//! Subjects: what is measured. So far one kind, our own engine in a worker process of this or another build.

pub(crate) mod engine;

pub(crate) use engine::Binary;
