# bash splits words at `:` and `=`. An ARN is one word, and so is --profile=work. bash replaces only what is behind the last
# of them.
_aws_mfa_own() {
    local all=("${COMP_WORDS[@]:0:COMP_CWORD+1}") words=() word own is_open=
    # Behind such a character, $2 is empty. bash 3.2 splits $2 only.
    [[ ${BASH_VERSINFO[0]} -lt 4 || ${all[COMP_CWORD]-} == [:=]* ]] || all[COMP_CWORD]=$2
    for word in "${all[@]}"; do
        if [[ ${#words[@]} -gt 1 && ($is_open || $word == [:=]*) ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        is_open=
        [[ $word != *[:=] ]] || is_open=1
    done
    own=${words[${#words[@]} - 1]}
    local COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
    _clap_complete_aws_mfa "$1" "$own" "$3"
    COMPREPLY=("${COMPREPLY[@]#"${own%"$2"}"}")
}

# The command of `aws-mfa exec` is completed as if it stood alone.
_aws_mfa() {
    local IFS=$' \t\n' start=2
    # Options may come before the verb.
    if [[ ${COMP_WORDS[1]-} == -* ]]; then
        while ((start <= COMP_CWORD)) && [[ ${COMP_WORDS[start - 1]} != exec ]]; do
            ((start += 1))
        done
    fi
    if [[ ${COMP_WORDS[start - 1]-} != exec ]]; then
        start=$((COMP_CWORD + 1))
    elif [[ ${COMP_WORDS[start]-} == -* ]]; then
        while ((start <= COMP_CWORD)) && [[ ${COMP_WORDS[start - 1]} != -- ]]; do
            ((start += 1))
        done
    fi
    if ((start > COMP_CWORD)); then
        _aws_mfa_own "$@"
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
