# aws-mfa for PowerShell, printed by `aws-mfa init powershell`. In $PROFILE:
#
#     aws-mfa init powershell | Out-String | Invoke-Expression

function global:__AwsMfaHook {
    # Not a function or an alias of this name.
    $program = Get-Command -Name aws-mfa -CommandType Application -ErrorAction Ignore | Select-Object -First 1
    if ($program) {
        $script = $null | & $program prompt --format powershell @OPTIONS@ $PID
        # What a prompt that has failed printed is not evaluated.
        if ($LASTEXITCODE -eq 0 -and $script) { Invoke-Expression ($script -join "`n") }
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
