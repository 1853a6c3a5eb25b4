// The product's modules, as src/main.rs has them, and what is held against its parsers. Each target
// includes this, because `crate::` has to mean the same in it.

#[allow(dead_code)]
#[path = "../../src"]
mod product {
    pub mod aws;
    pub mod cli;
    pub mod environment;
    pub mod error;
    pub mod session;
    pub mod settings;
}
#[allow(unused_imports)]
use product::{aws, cli, environment, error, session, settings};

#[allow(dead_code)]
#[path = "../parsers.rs"]
mod parsers;
