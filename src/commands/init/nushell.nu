# aws-mfa for Nushell, printed by `aws-mfa init nushell`. In config.nu:
#
#     source ~/.aws-mfa.nu
#
# and once: aws-mfa init nushell | save --force ~/.aws-mfa.nu

# A record is not exported to programs.
if $nu.is-interactive and ($env.__aws_mfa? == null) {
    $env.__aws_mfa = {memory: ""}
    $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | prepend {||
        if (which --all aws-mfa | any {|found| $found.type == "external" }) {
            let answer = (try { ^aws-mfa prompt --format json @OPTIONS@ $env.__aws_mfa.memory | from json } catch { null })
            if $answer != null {
                $env.__aws_mfa = {memory: $answer.memory}
                $answer.environment | load-env
            }
        }
    })
}

# Tells status and get that the hook is active in this shell.
def --wrapped aws-mfa [...arguments] {
    with-env {AWS_MFA_HOOK: "1"} { ^aws-mfa ...$arguments }
}
