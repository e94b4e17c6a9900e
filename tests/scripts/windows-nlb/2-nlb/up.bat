set "CL=10.10.11.103"
set "P=5060"
nlb start %CL%
nlb enable %P% %CL%
nlb queryport %P% %CL% | find "enabled" && exit /b 0
exit /b 5
