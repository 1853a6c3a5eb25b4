//! Requests to AWS: values in, values or typed errors out. It knows neither settings nor the words
//! for people; those are in `explain.rs`.

pub mod client;
pub mod endpoint;
pub mod error;
pub mod http;
pub mod iam;
pub mod proxy;
mod query;
pub mod sts;
pub mod trust;
