# aws-mfa for Elvish, printed by `aws-mfa init elvish`. In ~/.config/elvish/rc.elv:
#
#     eval (aws-mfa init elvish | slurp)

use str

var __aws_mfa_memory = ''

var __aws_mfa_hook = {
  if (has-external aws-mfa) {
    try {
      (external aws-mfa) prompt --format json @OPTIONS@ $__aws_mfa_memory </dev/null | from-json | each {|answer|
        set __aws_mfa_memory = $answer[memory]
        for name [(keys $answer[environment])] {
          var value = $answer[environment][$name]
          if (eq $value $nil) {
            unset-env $name
          } else {
            set-env $name $value
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
    str:contains $function[body] __aws_mfa_memory
  } catch _ {
    put $false
  }
}

if (not (or $false (each $__aws_mfa_is_hook~ $edit:before-readline))) {
  # Comes first, so that direnv reloads at the same prompt.
  set edit:before-readline = [$__aws_mfa_hook $@edit:before-readline]
  # Tells status and get that the hook is active in this shell.
  edit:add-var aws-mfa~ {|@arguments|
    tmp E:AWS_MFA_HOOK = 1
    (external aws-mfa) $@arguments
  }
}
