# aws-mfa for zsh, printed by `aws-mfa init zsh`. In ~/.zshrc:
#
#     eval "$(aws-mfa init zsh)"

if [[ -o interactive ]]; then
  __aws_mfa_hook() {
    # Tracing is off, because a trace would show the session's secrets.
    { emulate -L zsh; setopt no_xtrace no_verbose no_all_export } 2>/dev/null
    whence -p aws-mfa >/dev/null || return 0
    local script
    # exec avoids a second process, and the function below.
    script="$(exec aws-mfa prompt --format sh @OPTIONS@ "${__aws_mfa_memory-}" </dev/null)" || return 0
    [[ -z $script ]] || eval "$script"
    return 0
  }

  # Tells status and get that the hook is active in this shell.
  aws-mfa() { AWS_MFA_HOOK=1 command aws-mfa "$@" }

  typeset -ga precmd_functions
  if (( ! ${precmd_functions[(I)__aws_mfa_hook]} )); then
    precmd_functions+=(__aws_mfa_hook)
  fi
fi
