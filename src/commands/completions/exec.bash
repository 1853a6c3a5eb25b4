# The command of `aws-mfa exec` is completed as if it stood alone.
_aws_mfa() {
    local IFS=$' \t\n' start=2
    if [[ ${COMP_WORDS[1]-} != exec ]]; then
        start=$((COMP_CWORD + 1))
    elif [[ ${COMP_WORDS[2]-} == -* ]]; then
        while ((start <= COMP_CWORD)) && [[ ${COMP_WORDS[start - 1]} != -- ]]; do
            ((start += 1))
        done
    fi
    if ((start > COMP_CWORD)); then
        _clap_complete_aws_mfa "$@"
        return
    fi
    compopt +o nospace 2>/dev/null
    # The first two are bash-completion's, from version 2.12 on and before.
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$start"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$start"
    elif ((start == COMP_CWORD)); then
        IFS=$'\n'
        # shellcheck disable=SC2207 # bash 3.2 has no mapfile
        COMPREPLY=($(compgen -c -- "$2"))
    else
        # Files.
        COMPREPLY=()
        compopt -o default 2>/dev/null
    fi
}
if [[ ${BASH_VERSINFO[0]} -gt 4 || (${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4) ]]; then
    complete -o nospace -o bashdefault -o nosort -F _aws_mfa aws-mfa
else
    complete -o nospace -o bashdefault -F _aws_mfa aws-mfa
fi
