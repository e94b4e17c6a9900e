' Does a host have an address?
'   cscript.exe Check_ip.vbs HOST ADDRESS //NoLogo        HOST is . for this one
' Ends with 1 if it has, 0 if not, -1 without host and address. The whole address is compared, so that
' 10.10.11.10 is not found in 10.10.11.103.
Option Explicit
Dim service, adapters, adapter, address, found

If WScript.Arguments.Count < 2 Then
    WScript.Echo "Check_ip.vbs: which host, which address?"
    WScript.Quit -1
End If

Set service = GetObject("winmgmts:\\" & WScript.Arguments(0) & "\root\cimv2")
Set adapters = service.ExecQuery( _
    "Select * From Win32_NetworkAdapterConfiguration Where IPEnabled = True")
found = False
For Each adapter In adapters
    If Not IsNull(adapter.IPAddress) Then
        For Each address In adapter.IPAddress
            If address = WScript.Arguments(1) Then found = True
        Next
    End If
Next

If found Then
    WScript.Echo WScript.Arguments(1) & " is there"
    WScript.Quit 1
End If
WScript.Echo WScript.Arguments(1) & " is not there"
WScript.Quit 0
