<#
.SYNOPSIS
Submits minidumps to a chs server.

.DESCRIPTION
Sends each dump as it is to /submit, and the annotations in the query. Works with Windows PowerShell 5.1 and with
PowerShell 7. The key is taken from the environment variable CHS_API_KEY: a token that may only submit is enough
(`chs token create --name machines --scope submit`).

Gives one object for each file: its path, the ID of the stored crash, whether the server will never take it
(Discarded), and what went wrong. What failed without being discarded may be sent again later.

.EXAMPLE
$env:CHS_API_KEY = Get-Content key.txt
.\Send-Crash.ps1 -Server http://127.0.0.1:3000 -Path C:\Dumps\*.dmp -Annotation @{ prod = 'Game'; ver = '1.2.3' }
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Server,
    [Parameter(Mandatory = $true)] [string[]] $Path,
    [hashtable] $Annotation = @{},
    [int] $TimeoutSec = 300
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

if ($PSVersionTable.PSVersion.Major -lt 6) {
    # Windows PowerShell may still begin with protocols that servers no longer speak.
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
}

$query = @(
    foreach ($name in $Annotation.Keys) {
        [uri]::EscapeDataString([string] $name) + '=' + [uri]::EscapeDataString([string] $Annotation[$name])
    }
) -join '&'
$uri = $Server.TrimEnd('/') + '/submit'
if ($query -ne '') { $uri = $uri + '?' + $query }

$headers = @{}
if ($env:CHS_API_KEY) { $headers['X-API-Key'] = $env:CHS_API_KEY }

function Get-ReplyText($failure) {
    # Both editions keep the body of a reply that is an error here; there is none where nothing answered.
    if ($failure.ErrorDetails -and $failure.ErrorDetails.Message) { return [string] $failure.ErrorDetails.Message }
    return ''
}

function Get-Line([string] $text, [string] $name) {
    foreach ($line in ($text -split "`r?`n")) {
        if ($line.StartsWith("$name=")) { return $line.Substring($name.Length + 1) }
    }
    return $null
}

foreach ($file in (Get-Item -Path $Path)) {
    $result = [ordered] @{ Path = $file.FullName; CrashId = $null; Discarded = $false; Error = $null }
    try {
        $reply = Invoke-WebRequest -Uri $uri -Method Post -InFile $file.FullName -ContentType 'application/octet-stream' `
            -Headers $headers -TimeoutSec $TimeoutSec -UseBasicParsing
        $result.CrashId = Get-Line ([string] $reply.Content) 'CrashID'
        if (-not $result.CrashId) { $result.Error = 'the answer holds no CrashID: is it a chs server?' }
    }
    catch {
        $text = Get-ReplyText $_
        $result.Discarded = $null -ne (Get-Line $text 'Discarded')
        $result.Error = Get-Line $text 'Error'
        if (-not $result.Error) { $result.Error = $_.Exception.Message }
    }
    New-Object -TypeName PSObject -Property $result
}
