@title Port on
@echo off
echo ***********************>> vip1.log
echo port goes on at host 1 >> vip1.log
echo %time% >> vip1.log
wlbs.exe start sipcluster:1 >> vip1.log
wlbs.exe enable 5060 sipcluster:1 >> vip1.log
wlbs.exe disable 5060 sipcluster:2 >> vip1.log
exit
