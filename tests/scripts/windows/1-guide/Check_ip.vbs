On Error Resume Next
If WScript.Arguments.Count < 2 Then WScript.Quit -1
strComputer = WScript.Arguments(0)
strIP = WScript.Arguments(1)
Set objWMIService = GetObject("winmgmts:" _
    & "{impersonationLevel=impersonate}!\\" & strComputer & "\root\cimv2")
Set colAdapters = objWMIService.ExecQuery _
    ("Select * from Win32_NetworkAdapterConfiguration where IPEnabled=True")
For Each objAdapter in colAdapters
    If Not IsNull(objAdapter.IPAddress) Then
        For i = LBound(objAdapter.IPAddress) To UBound(objAdapter.IPAddress)
            If InStr(objAdapter.IPAddress(i), strIP) > 0 Then
                WScript.Quit 1
            End If
        Next
    End If
Next
WScript.Quit 0
