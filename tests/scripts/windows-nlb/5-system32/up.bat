@echo off
setlocal
set WLBS=%SystemRoot%\system32\wlbs.exe
for %%v in (start "enable 5060") do %WLBS% %%~v sipcluster:1 >> "port %COMPUTERNAME%.log"
(
  echo state at %date% %time%
  %WLBS% query sipcluster
) >> "port %COMPUTERNAME%.log"
endlocal
exit /b 0
