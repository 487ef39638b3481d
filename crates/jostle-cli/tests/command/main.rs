//! The command as its users meet it: what it prints, what it writes, and how it ends.

mod bad_input;
mod identity;
mod lab;
