# aws-mfa for tcsh, printed by `aws-mfa init tcsh`. In ~/.tcshrc, after direnv's hook, which would replace it:
#
#     eval "`aws-mfa init tcsh`"
#
# Comments are not printed, because tcsh evaluates everything as one line.
alias __aws_mfa_run 'eval "`\aws-mfa prompt --format tcsh @OPTIONS@ $__aws_mfa_memory < /dev/null`"';
# Tracing is off, because a trace would show the session's secrets.
alias __aws_mfa_hook 'set __aws_mfa_traced = ( $?echo $?verbose ); unset echo verbose; if ( -X aws-mfa ) eval __aws_mfa_run; if ( $__aws_mfa_traced[1] ) set echo; if ( $__aws_mfa_traced[2] ) set verbose';
# Our hook comes first, so that direnv reloads at the same prompt.
if ( $?prompt && ! $?__aws_mfa_memory ) alias __aws_mfa_precmd "`alias precmd`";
if ( $?prompt && ! $?__aws_mfa_memory ) alias precmd '__aws_mfa_hook; __aws_mfa_precmd';
# Tells status and get that the hook is active in this shell.
if ( $?prompt ) alias aws-mfa 'env AWS_MFA_HOOK=1 aws-mfa \!*';
if ( $?prompt && ! $?__aws_mfa_memory ) set __aws_mfa_memory = '';
