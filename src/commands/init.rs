//! `aws-mfa init`: prints what another tool needs to know of aws-mfa.

mod aws_config;

use crate::cli::{Init, Tool};
use crate::environment::Environment;
use anyhow::Context;

/// Carries out `aws-mfa init`.
pub fn run(init: &Init, environment: &Environment) -> anyhow::Result<()> {
    match init.tool {
        Tool::Direnv => super::print(include_str!("init/direnv.sh")),
        Tool::AwsConfig => {
            let program =
                std::env::current_exe().context("cannot find the path of this program")?;
            let mut warn = |warning: &str| super::note(&format!("warning: {warning}"));
            super::print(&aws_config::stanzas(environment, &program, &mut warn)?)
        }
    }
}
