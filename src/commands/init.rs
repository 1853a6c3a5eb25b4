//! `aws-mfa init`: prints what another tool needs to know of aws-mfa.

use crate::cli::{Init, Tool};

/// Carries out `aws-mfa init`.
pub fn run(init: &Init) -> anyhow::Result<()> {
    super::print(match init.tool {
        Tool::Direnv => include_str!("init/direnv.sh"),
    })
}
