@echo off
rem worker.cmd add|delete ADDRESS
if "%~2"=="" goto usage
set LAN=Local Area Connection
if /i "%1"=="add" (
	call :add %2
) else if /i "%1"=="delete" (
	call :delete %2
) else goto usage
echo %1 %2 ended with %errorlevel% at %time%>>"%COMPUTERNAME%.log"
exit /b %errorlevel%

:add
netsh interface ip add address name="%LAN%" addr=%1 mask=255.255.255.0 >nul
if errorlevel 1 exit /b 11
goto :eof

:delete
netsh interface ip delete address name="%LAN%" addr=%1 >nul
if errorlevel 1 exit /b 12
goto :eof

:usage
echo usage: %~nx0 add^|delete ADDRESS
exit /b 10
