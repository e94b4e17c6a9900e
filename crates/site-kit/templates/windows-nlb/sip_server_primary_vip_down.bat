@title Disable the SIP port on host 1
@echo off
rem Runs on {{primary_host}}: no longer answers the SIP port. The two pings are a pause of a second.
set CLUSTER={{cluster}}
set PORT={{sip_port}}
set LOG=vip1.log

echo ---------------------------------------------------------------->> %LOG%
echo Port %PORT% of %CLUSTER% is to be disabled on host 1>> %LOG%
echo %date% %time%>> %LOG%
wlbs.exe disable %PORT% %CLUSTER%:1>> %LOG%
ping -n 2 localhost > nul
echo %time%>> %LOG%
exit
