' Does a host answer? Two requests, a second each.
'   cscript.exe Ping.vbs TARGET //NoLogo
' Ends with 1 if it answered, 0 if not, -1 without a target. A line that says "unreachable" is no answer.
Option Explicit
Dim shell, program, line, answered

If WScript.Arguments.Count < 1 Then
    WScript.Echo "Ping.vbs: which host?"
    WScript.Quit -1
End If

Set shell = CreateObject("WScript.Shell")
Set program = shell.Exec("ping.exe -n 2 -w 1000 " & WScript.Arguments(0))
answered = False
Do Until program.StdOut.AtEndOfStream
    line = LCase(program.StdOut.ReadLine())
    If InStr(line, "reply from") > 0 And _
       InStr(line, "unreachable") = 0 Then
        answered = True
    End If
Loop

If answered Then
    WScript.Echo WScript.Arguments(0) & " is answered"
    WScript.Quit 1
End If
WScript.Echo WScript.Arguments(0) & " is not answered"
WScript.Quit 0
