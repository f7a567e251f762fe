//! The whole road: profiles that callgrind wrote, checked in and fresh ones; and bytes that it never wrote.

mod golden;
mod hostile;
mod live;
