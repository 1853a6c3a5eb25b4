# aws-mfa for Nushell, printed by `aws-mfa init nushell`. In config.nu:
#
#     source ~/.aws-mfa.nu
#
# and once: aws-mfa init nushell | save --force ~/.aws-mfa.nu

# A record is not exported to programs.
if $nu.is-interactive and ($env.__aws_mfa? == null) {
    $env.__aws_mfa = {hook: true}
    $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | prepend {||
        if (which --all aws-mfa | any {|found| $found.type == "external" }) {
            # What a prompt that has failed printed is not used.
            let change = (try {
                let text = (^aws-mfa prompt --format json @OPTIONS@ $nu.pid)
                if $env.LAST_EXIT_CODE == 0 and $text != "" { $text | from json }
            } catch { null })
            if $change != null { $change | load-env }
        }
    })
}
