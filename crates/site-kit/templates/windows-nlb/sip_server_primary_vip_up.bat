@title Enable the SIP port on host 1
@echo off
rem Runs on {{primary_host}}: takes part in the cluster, answers the SIP port, and asks the other host to leave it.
rem What happened goes to vip1.log in this folder. The exit code proves nothing; look with: wlbs queryport {{sip_port}} {{cluster}}
set CLUSTER={{cluster}}
set PORT={{sip_port}}
set LOG=vip1.log

echo ---------------------------------------------------------------->> %LOG%
echo Port %PORT% of %CLUSTER% is to be enabled on host 1>> %LOG%
echo %date% %time%>> %LOG%
wlbs.exe start %CLUSTER%:1>> %LOG%
wlbs.exe enable %PORT% %CLUSTER%:1>> %LOG%
wlbs.exe disable %PORT% %CLUSTER%:2>> %LOG%
echo %time%>> %LOG%
exit
