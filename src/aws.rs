//! Calls to AWS: values in, values or typed errors out. Settings are resolved elsewhere; `caller.rs` has the messages.

pub mod client;
pub mod endpoint;
pub mod error;
pub mod federation;
pub mod http;
pub mod iam;
pub mod legal;
pub mod partition;
pub mod proxy;
mod query;
pub mod sts;
pub mod trust;
