# Completion of nativestyle for PowerShell. To have it in every shell, in the file that $PROFILE names:
#   nativestyle completion pwsh | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName nativestyle -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words up to the cursor, as the program would get them.
    $words = @()
    $current = ''
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        $text = if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
            else { $element.Extent.Text }
        if ($element.Extent.EndOffset -ge $cursorPosition) {
            $cut = $element.Extent.EndOffset - $cursorPosition
            $current = if ($cut -gt 0 -and $cut -lt $text.Length) { $text.Substring(0, $text.Length - $cut) } else { $text }
        }
        else { $words += $text }
    }

    $program = $commandAst.CommandElements[0].Extent.Text.Trim('"', "'")
    if ($program.StartsWith('~/')) { $program = $HOME + $program.Substring(1) }
    if (-not (Get-Command $program -ErrorAction Ignore)) { $program = 'nativestyle' }
    # It starts in half the time if it is not compiled for speed.
    $tiered = $env:DOTNET_TieredCompilation
    $env:DOTNET_TieredCompilation = '1'
    try { $mode, $prefix, $candidates = @(& $program '[complete]' @words $current 2>$null) }
    finally { $env:DOTNET_TieredCompilation = $tiered }
    if ($null -eq $mode) { return }

    foreach ($line in $candidates) {
        $word, $meaning = $line -split "`t", 2
        if (-not $meaning) { $meaning = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $meaning)
    }
    if ($mode -notlike 'words*') {
        $name = $current.Substring($prefix.Length)
        foreach ($file in [System.Management.Automation.CompletionCompleters]::CompleteFilename($name)) {
            if ($mode -like 'folders*' -and $file.ResultType -ne 'ProviderContainer') { continue }
            $word = $prefix + $file.CompletionText
            if ($prefix -match '\s') { $word = "'" + $prefix.Replace("'", "''") + $file.CompletionText.Trim("'") + "'" }
            [System.Management.Automation.CompletionResult]::new(
                $word, $file.ListItemText, $file.ResultType, $file.ToolTip)
        }
    }
}
