# aws-mfa for tcsh, printed by `aws-mfa init tcsh`. In ~/.tcshrc, after direnv's hook, which would replace it:
#
#     eval "`aws-mfa init tcsh`"
#
# Comments are not printed, because tcsh evaluates everything as one line.
# unhash searches PATH anew, in the substitution only. Output of a prompt that has failed is not evaluated.
alias __aws_mfa_run 'set __aws_mfa_script = ( "`unhash; exec aws-mfa prompt --format tcsh @OPTIONS@ $$ < /dev/null`" ); if ( ! $status ) eval $__aws_mfa_script:q; unset __aws_mfa_script';
# Tracing is off, because a trace would show the session's secrets.
alias __aws_mfa_hook 'set __aws_mfa_traced = ( $?echo $?verbose ); unset echo verbose; if ( -X aws-mfa ) eval __aws_mfa_run; if ( $__aws_mfa_traced[1] ) set echo; if ( $__aws_mfa_traced[2] ) set verbose';
# Our hook comes first, so that direnv reloads at the same prompt.
if ( $?prompt && ! $?__aws_mfa_hooked ) alias __aws_mfa_precmd "`alias precmd`";
if ( $?prompt && ! $?__aws_mfa_hooked ) alias precmd '__aws_mfa_hook; __aws_mfa_precmd';
if ( $?prompt ) set __aws_mfa_hooked;
