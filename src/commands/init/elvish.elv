# aws-mfa for Elvish, printed by `aws-mfa init elvish`. In ~/.config/elvish/rc.elv:
#
#     eval (aws-mfa init elvish | slurp)

use str

var __aws_mfa_hook = {
  if (has-external aws-mfa) {
    try {
      # Captured first: what a prompt that has failed printed is not used.
      var changes = [((external aws-mfa) prompt --format json @OPTIONS@ $pid </dev/null | from-json)]
      for change $changes {
        for name [(keys $change)] {
          if (eq $change[$name] $nil) {
            unset-env $name
          } else {
            set-env $name $change[$name]
          }
        }
      }
    } catch _ {
      # It was interrupted; the next prompt tries again.
    }
  }
}

fn __aws_mfa_is_hook {|function|
  try {
    str:contains $function[body] '(external aws-mfa) prompt'
  } catch _ {
    put $false
  }
}

if (not (or $false (each $__aws_mfa_is_hook~ $edit:before-readline))) {
  # Comes first, so that direnv reloads at the same prompt.
  set edit:before-readline = [$__aws_mfa_hook $@edit:before-readline]
}
