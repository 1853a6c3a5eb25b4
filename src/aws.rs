//! AWS's side: the master keys, the MFA device, its codes, the profiles in `~/.aws`, and STS.

pub mod code;
pub mod device;
pub mod duration;
pub mod keys;
pub mod network;
pub mod process;
pub mod profile;
pub mod refusal;
pub mod sts;
