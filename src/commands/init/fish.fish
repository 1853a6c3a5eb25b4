# aws-mfa for fish, printed by `aws-mfa init fish`. In ~/.config/fish/config.fish:
#
#     aws-mfa init fish | source

if status is-interactive
    function __aws_mfa_hook --on-event fish_prompt
        # Tracing is off, because a trace would show the session's secrets.
        set -l fish_trace
        command -q aws-mfa; or return
        # Output of a prompt that has failed is not evaluated.
        set -l script (command aws-mfa prompt --format fish @OPTIONS@ $fish_pid </dev/null)
        and eval (string join \n -- $script | string collect)
    end
end
