# The command of `aws-mfa exec` is completed as if it stood alone.
function _aws_mfa() {
    local -i start=3
    # Options may come before the verb.
    [[ $words[2] != -* ]] || start=${words[(i)exec]}+1
    if [[ $words[start-1] != exec ]]; then
        start=CURRENT+1
    elif [[ $words[start] == -* ]]; then
        start=${words[(i)--]}+1
    fi
    if (( start > CURRENT )); then
        _clap_dynamic_completer_aws_mfa "$@"
    else
        shift $(( start - 1 )) words
        (( CURRENT -= start - 1 ))
        _normal
    fi
}
compdef _aws_mfa aws-mfa
# In a directory of $fpath, zsh loads this file at the first completion, which has to be answered too.
if [[ ${funcstack[1]} = _aws-mfa ]]; then
    _aws_mfa "$@"
fi
