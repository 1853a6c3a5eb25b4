//! AWS's side: STS, and the way there.

pub mod network;
pub mod refusal;
pub mod sts;
