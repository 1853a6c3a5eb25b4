# shellcheck shell=bash
# aws-mfa for direnv, printed by `aws-mfa init direnv`. In ~/.config/direnv/lib/ it lets an .envrc say
#
#     use aws_mfa
#
# What follows is handed on to `aws-mfa load`: use aws_mfa --profile work

use_aws_mfa() {
  direnv_load aws-mfa load "$@"
}

use_aws-mfa() {
  use_aws_mfa "$@"
}
