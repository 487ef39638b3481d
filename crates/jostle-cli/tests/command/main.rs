//! The command as its users meet it: what it prints, what it writes, and how it ends.

mod bad_input;
mod check;
mod checkpoints;
mod damaged;
mod destination;
mod device;
mod extremes;
mod flow;
mod identity;
mod images;
mod interrupt;
mod lab;
mod measure;
mod output;
mod predict;
mod predicted_lasso;
mod reproduce;
mod run_folder;
mod tables;
mod wanted_lasso;
