# aws-mfa for PowerShell, printed by `aws-mfa init powershell`. In $PROFILE:
#
#     aws-mfa init powershell | Out-String | Invoke-Expression

function global:__AwsMfaHook {
    $program = Get-Command -Name aws-mfa -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    if ($program) {
        $memory = Get-Variable -Name __AwsMfaMemory -Scope Global -ValueOnly -ErrorAction Ignore
        # An older PowerShell drops empty arguments.
        $script = $null | & $program prompt --format powershell @OPTIONS@ "$(if ($memory) { $memory } else { ':' })"
        if ($script) { Invoke-Expression ($script -join "`n") }
    }
}

if (-not (Test-Path Variable:global:__AwsMfaPrompt)) {
    $global:__AwsMfaPrompt = $function:prompt
    function global:prompt {
        $succeeded = $?
        $status = $global:LASTEXITCODE
        __AwsMfaHook
        $global:LASTEXITCODE = $status
        # The original prompt sees the status of the user's command.
        if ($succeeded) { $null = 1 } else { Write-Error '' -ErrorAction Ignore }
        & $global:__AwsMfaPrompt
    }
}

# Tells status and get that the hook is active in this shell.
function global:aws-mfa {
    $program = Get-Command -Name aws-mfa -CommandType Application | Select-Object -First 1
    $env:AWS_MFA_HOOK = '1'
    try {
        if ($MyInvocation.ExpectingInput) { $input | & $program @args } else { & $program @args }
    } finally {
        $env:AWS_MFA_HOOK = $null
    }
}
