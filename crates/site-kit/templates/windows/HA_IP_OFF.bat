@echo off
rem Takes the Virtual IP down on this host. What happened goes to Takeover.log in this folder.
rem Ends with 0 also when the address was not there. Whether it is gone is for the LCA to see.
set VIP={{vip}}
set CONNECTION={{interface}}
set LOG=Takeover.log

echo ---------------------------------------------------------------->> %LOG%
echo Virtual IP %VIP% is to leave "%CONNECTION%">> %LOG%
echo %date% %time%>> %LOG%
netsh interface ip delete address name="%CONNECTION%" addr=%VIP%>> %LOG%
netsh interface ip delete arpcache > nul
cscript.exe Ping.vbs %VIP% //NoLogo>> %LOG%
echo %time%>> %LOG%
exit /b 0
