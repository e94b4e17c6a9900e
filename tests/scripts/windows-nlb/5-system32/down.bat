@echo off
call :order disable 5060
exit /b %ERRORLEVEL%

:order
%SystemRoot%\system32\wlbs.exe %1 %2 sipcluster:1 > nul
goto :eof
