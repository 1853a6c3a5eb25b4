# aws-mfa for zsh, printed by `aws-mfa init zsh`. In ~/.zshrc:
#
#     eval "$(aws-mfa init zsh)"
#
# It works with any of zsh's options: no brace ends a line, and no array has an index.

if [[ -o interactive ]]; then
  __aws_mfa_hook() {
    # Tracing is off, because a trace would show the session's secrets.
    { emulate -L zsh; setopt no_xtrace no_verbose no_all_export; } 2>/dev/null
    whence -p \aws-mfa >/dev/null || return 0
    local script
    # exec avoids a second process and functions, the backslash an alias. powerlevel10k's instant prompt allows no output.
    # Output of a prompt that has failed is not evaluated.
    script="$(exec \aws-mfa prompt --format sh ${__p9k_instant_prompt_active:+--quiet} @OPTIONS@ "$$" </dev/null)" &&
      eval "$script"
    return 0
  }

  typeset -ga precmd_functions
  if [[ " ${precmd_functions[*]} " != *" __aws_mfa_hook "* ]]; then
    precmd_functions=(__aws_mfa_hook "${precmd_functions[@]}")
  fi
fi
