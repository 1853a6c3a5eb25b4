# aws-mfa for fish, printed by `aws-mfa init fish`. In ~/.config/fish/config.fish:
#
#     aws-mfa init fish | source

if status is-interactive
    function __aws_mfa_hook --on-event fish_prompt
        # Tracing is off, because a trace would show the session's secrets.
        set -l fish_trace
        command -q aws-mfa; or return
        set -l script (command aws-mfa prompt --format fish @OPTIONS@ "$__aws_mfa_memory" </dev/null | string collect)
        test -z "$script"; or eval $script
    end

    # Tells status and get that the hook is active in this shell.
    function aws-mfa --wraps aws-mfa
        AWS_MFA_HOOK=1 command aws-mfa $argv
    end
end
