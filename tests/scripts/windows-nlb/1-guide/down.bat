@title Port off
@echo off
echo ***********************>> vip1.log
echo %time% >> vip1.log
wlbs.exe disable 5060 sipcluster:1 >> vip1.log
ping -n 1 localhost > nul
exit
