# shellcheck shell=bash
# aws-mfa for direnv, printed by `aws-mfa init direnv`. In ~/.config/direnv/lib/ it lets an .envrc say
#
#     use aws_mfa
#
# What follows is passed on to `aws-mfa load`: use aws_mfa --profile work

# One process, whose output changes this shell: no temporary file and no second direnv, as direnv_load needs.
use_aws_mfa() {
  # Nothing is traced, because a trace would show the session's secrets.
  { local status=0 traced='' script; [[ $- != *x* ]] || { traced=1; set +x; }; } 2>/dev/null
  script="$(DIRENV_IN_ENVRC=1 aws-mfa load --format sh "$@")" || status=$?
  # What was cut off in the middle is not used.
  [[ $status != 0 ]] || eval "$script" || status=$?
  [[ -z $traced ]] || set -x
  return "$status"
}

use_aws-mfa() {
  use_aws_mfa "$@"
}
