@Echo OFF
Set vip=10.10.11.103
NetSh.EXE Interface IP Add Address Name="LOCAL AREA CONNECTION" Addr=%VIP% Mask=255.255.255.0 >>TakeOver.Log
If ErrorLevel 1 GoTo bad
CScript.exe CHECK.VBS %Vip% //nologo
If Not ErrorLevel 1 GoTo BAD
Echo ok >> takeover.LOG
Exit /B 0
:Bad
Echo failed >> takeover.log
Exit /B 3
