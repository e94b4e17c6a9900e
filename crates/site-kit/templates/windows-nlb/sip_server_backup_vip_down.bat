@title Disable the SIP port on host 2
@echo off
rem Runs on {{backup_host}}: no longer answers the SIP port. The two pings are a pause of a second.
set CLUSTER={{cluster}}
set PORT={{sip_port}}
set LOG=vip2.log

echo ---------------------------------------------------------------->> %LOG%
echo Port %PORT% of %CLUSTER% is to be disabled on host 2>> %LOG%
echo %date% %time%>> %LOG%
wlbs.exe disable %PORT% %CLUSTER%:2>> %LOG%
ping -n 2 localhost > nul
echo %time%>> %LOG%
exit
