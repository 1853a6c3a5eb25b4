# shellcheck shell=bash
# aws-mfa for bash, printed by `aws-mfa init bash`. In ~/.bashrc:
#
#     eval "$(aws-mfa init bash)"

if [[ $- == *i* ]]; then
  __aws_mfa_hook() {
    # Tracing is off, because a trace would show the session's secrets.
    { local previous=$? traced= script; [[ $- != *x* ]] || { traced=1; set +x; }; } 2>/dev/null
    if type -P aws-mfa >/dev/null; then
      # exec avoids a second process, and the function below.
      script="$(exec aws-mfa prompt --format sh @OPTIONS@ "${__aws_mfa_memory-}" </dev/null)" || script=
      [[ -z $script ]] || eval "$script"
      # Not exported, even with `set -a`.
      export -n __aws_mfa_memory
    fi
    [[ -z $traced ]] || set -x
    # With `set -e`, a failure status would end the shell.
    [[ $- == *e* ]] || return "$previous"
  }

  # Tells status and get that the hook is active in this shell.
  if [[ :$SHELLOPTS: != *:posix:* ]]; then
    eval 'aws-mfa() { AWS_MFA_HOOK=1 command aws-mfa "$@"; }'
  fi

  if [[ ${PROMPT_COMMAND[*]-} != *__aws_mfa_hook* ]]; then
    if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1))); then
      # A separate element after the first one, to which other tools append: each element sees the status and the pipe
      # status of the command before the prompt.
      PROMPT_COMMAND=("${PROMPT_COMMAND[@]-}" __aws_mfa_hook)
    else
      # shellcheck disable=SC2178,SC2128 # not an array before 5.1
      PROMPT_COMMAND="${PROMPT_COMMAND-}"$'\n'__aws_mfa_hook
    fi
  fi
fi
