set "CL=10.10.11.103"
set "P=5060"
nlb disable %P% %CL%
nlb queryport %P% %CL% | find "disabled" && exit /b 0
exit /b 5
