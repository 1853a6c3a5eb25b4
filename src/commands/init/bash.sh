# shellcheck shell=bash
# aws-mfa for bash, printed by `aws-mfa init bash`. In ~/.bashrc, before the line of a prompt such as starship:
#
#     eval "$(aws-mfa init bash)"

if [[ $- == *i* ]]; then
  __aws_mfa_hook() {
    # Tracing is off, because a trace would show the session's secrets.
    { local previous=$? traced='' script; [[ $- != *x* ]] || { traced=1; set +x; }; } 2>/dev/null
    # hash searches PATH anew, and takes no file that cannot be run. exec avoids a second process, aliases and functions.
    # Output of a prompt that has failed is not evaluated.
    if script="$({ set -h; hash aws-mfa; } 2>/dev/null && exec aws-mfa prompt --format sh @OPTIONS@ "$$" </dev/null)"; then
      eval "$script"
    fi
    [[ -z $traced ]] || set -x
    # With `set -e`, a failure status would end the shell.
    [[ $- == *e* ]] || return "$previous"
  }

  # At the start of the first element: VS Code wraps that one only, and other tools append to it.
  if [[ ${PROMPT_COMMAND[*]-} != *__aws_mfa_hook* ]]; then
    # shellcheck disable=SC2030,SC2031,SC2178,SC2128 # the first element, which may be readonly
    if (PROMPT_COMMAND=) 2>/dev/null; then
      PROMPT_COMMAND="__aws_mfa_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
    else
      echo "aws-mfa: PROMPT_COMMAND is readonly, so this shell has no hook" >&2
    fi
  fi
fi
