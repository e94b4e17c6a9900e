@echo off
rem Brings the Virtual IP up on this host: waits until the other host has let go of it, adds it to the
rem connection, and looks whether it is there. What happened goes to Takeover.log in this folder.
rem Set the three values for your site; both hosts of a pair have the same VIP.
set VIP={{vip}}
set MASK={{netmask}}
set CONNECTION={{interface}}
set LOG=Takeover.log
set TRIES=0

echo ---------------------------------------------------------------->> %LOG%
echo Virtual IP %VIP% is to come up on "%CONNECTION%">> %LOG%
echo %date% %time%>> %LOG%

:ASK
cscript.exe Ping.vbs %VIP% //NoLogo>> %LOG%
if not errorlevel 1 goto FREE
set /a TRIES=%TRIES%+1
if %TRIES% LSS 3 goto ASK
echo %VIP% is still answered; it is taken all the same>> %LOG%

:FREE
netsh interface ip delete arpcache > nul
netsh interface ip add address name="%CONNECTION%" addr=%VIP% mask=%MASK%>> %LOG%
cscript.exe Check_ip.vbs . %VIP% //NoLogo>> %LOG%
if errorlevel 1 goto DONE

echo %VIP% is not there; once more>> %LOG%
netsh interface ip delete address name="%CONNECTION%" addr=%VIP%>> %LOG%
netsh interface ip add address name="%CONNECTION%" addr=%VIP% mask=%MASK%>> %LOG%
cscript.exe Check_ip.vbs . %VIP% //NoLogo>> %LOG%
if errorlevel 1 goto DONE
echo FAILED: %VIP% did not come up on "%CONNECTION%">> %LOG%
echo %time%>> %LOG%
echo %VIP% did not come up on "%CONNECTION%"; see %LOG%
exit /b 1

:DONE
echo %time%>> %LOG%
exit /b 0
