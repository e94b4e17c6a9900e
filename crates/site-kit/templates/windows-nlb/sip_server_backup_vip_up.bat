@title Enable the SIP port on host 2
@echo off
rem Runs on {{backup_host}}: takes part in the cluster, answers the SIP port, and asks the other host to leave it.
rem What happened goes to vip2.log in this folder. The exit code proves nothing; look with: wlbs queryport {{sip_port}} {{cluster}}
set CLUSTER={{cluster}}
set PORT={{sip_port}}
set LOG=vip2.log

echo ---------------------------------------------------------------->> %LOG%
echo Port %PORT% of %CLUSTER% is to be enabled on host 2>> %LOG%
echo %date% %time%>> %LOG%
wlbs.exe start %CLUSTER%:2>> %LOG%
wlbs.exe enable %PORT% %CLUSTER%:2>> %LOG%
wlbs.exe disable %PORT% %CLUSTER%:1>> %LOG%
echo %time%>> %LOG%
exit
