# aws-mfa for tcsh, printed by `aws-mfa init tcsh`. In ~/.tcshrc, after direnv's hook:
#
#     eval "`aws-mfa init tcsh`"
#
# These comments are left out there: tcsh would take all that follows for a part of them.
if ( ! $?__aws_mfa_memory ) set __aws_mfa_memory = '';
set __aws_mfa_options = ( @OPTIONS@ );
alias __aws_mfa_run 'eval "`\aws-mfa prompt --format tcsh $__aws_mfa_options:q $__aws_mfa_memory < /dev/null`"';
alias __aws_mfa_hook 'set __aws_mfa_traced = ( $?echo $?verbose ); unset echo verbose; if ( -X aws-mfa ) eval __aws_mfa_run; if ( $__aws_mfa_traced[1] ) set echo; if ( $__aws_mfa_traced[2] ) set verbose';
