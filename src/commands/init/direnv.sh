# shellcheck shell=bash
# aws-mfa for direnv, printed by `aws-mfa init direnv`. In ~/.config/direnv/lib/, it adds this line to .envrc files:
#
#     use aws_mfa
#
# Options are passed on to `aws-mfa load`: use aws_mfa --profile work

# This shell evaluates the output of one process. direnv_load needs a temporary file and a second direnv.
use_aws_mfa() {
  # Tracing is off, because a trace would show the session's secrets.
  { local status=0 traced='' script; [[ $- != *x* ]] || { traced=1; set +x; }; } 2>/dev/null
  script="$(DIRENV_IN_ENVRC=1 aws-mfa load --format sh "$@")" || status=$?
  # Truncated output is not used.
  [[ $status != 0 ]] || eval "$script" || status=$?
  [[ -z $traced ]] || set -x
  return "$status"
}

use_aws-mfa() {
  use_aws_mfa "$@"
}
