@ECHO off
sEt ViP=10.10.11.103
NETSH INTERFACE IP DELETE ADDRESS NAME="local area connection" ADDR=%vip% >>TAKEOVER.log
cscript.EXE check.vbs %VIP% //NOLOGO
iF eRRORLEVEL 1 eXIT /b 3
eCHO gone >> Takeover.log
