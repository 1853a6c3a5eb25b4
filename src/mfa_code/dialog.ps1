$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Windows.Forms
$form = New-Object System.Windows.Forms.Form
$form.Text = 'aws-mfa'
$form.TopMost = $true
$form.StartPosition = 'CenterScreen'
$form.FormBorderStyle = 'FixedDialog'
$form.MaximizeBox = $false
$form.MinimizeBox = $false
$form.AutoSize = $true
$form.AutoSizeMode = 'GrowAndShrink'
$rows = New-Object System.Windows.Forms.FlowLayoutPanel
$rows.FlowDirection = 'TopDown'
$rows.AutoSize = $true
$rows.Padding = 12
$question = New-Object System.Windows.Forms.Label
$question.UseMnemonic = $false
$question.AutoSize = $true
$question.Text = $env:AWS_MFA_DIALOG_QUESTION
$code = New-Object System.Windows.Forms.TextBox
$code.Width = 320
$ok = New-Object System.Windows.Forms.Button
$ok.Text = 'OK'
$ok.DialogResult = 'OK'
$cancel = New-Object System.Windows.Forms.Button
$cancel.Text = 'Cancel'
$cancel.DialogResult = 'Cancel'
$rows.Controls.AddRange(@($question, $code, $ok, $cancel))
$form.Controls.Add($rows)
$form.AcceptButton = $ok
$form.CancelButton = $cancel
$form.Add_Shown({ $form.Activate(); $code.Select() })
$timer = New-Object System.Windows.Forms.Timer
$timer.Interval = 65000
$timer.Add_Tick({ $form.Close() })
$timer.Start()
if ($form.ShowDialog() -ne 'OK') { exit 2 }
[Console]::Out.WriteLine($code.Text)
