Dim objShell, objExec, strTarget, strPingResults
If WScript.Arguments.Count = 0 Then
	WScript.Quit(-1)
End If
strTarget = WScript.Arguments(0)
Set objShell = CreateObject("WScript.Shell")
Set objExec = objShell.Exec("ping -n 2 -w 200 " & strTarget)
strPingResults = LCase(objExec.StdOut.ReadAll)
If InStr(strPingResults, "reply from") Then
	WScript.Echo strTarget & " responded to ping."
	WScript.Quit 1
Else
	WScript.Echo strTarget & " did not respond to ping."
	WScript.Quit 0
End If
