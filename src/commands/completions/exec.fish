# The command of `aws-mfa exec` is completed as if it stood alone.
function __aws_mfa_exec
    set -l line (commandline --current-process --cut-at-cursor)
    set -l own (string replace --regex --filter '^\s*\S+(?:\s+-.*?)?\s+exec\s+(?:(?:-.*?\s)?--\s+|(?!-))(.*)$' '$1' -- "$line")
    and complete --do-complete "$own"
end
complete --command aws-mfa --no-files --arguments '(__aws_mfa_exec)'
