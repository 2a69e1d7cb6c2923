//! Tests of the plugin with a real `pulumi`; all of them are ignored unless asked for.
//!
//! One program: crates are linked once, and what waits in one file does so beside another.

mod examples;
mod failures;
mod killed;
mod real;
mod refresh;
mod rename;
mod sdks;
mod stack;
mod stack_broken_off;
mod stacked;
mod up;
