# The command of `aws-mfa exec` is completed as if it stood alone.
function _aws_mfa() {
    local -i start=3
    [[ $words[2] == exec ]] || start=CURRENT+1
    [[ $words[3] != -* ]] || start=${words[(i)--]}+1
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
