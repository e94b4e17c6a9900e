@echo off
set VIPAddress=10.10.11.103
set VIPMask=255.255.255.0
set VIPInterface="Local Area Connection"
@echo *************************** Takeover ON **************>>Takeover.log
@echo %time%>>Takeover.log
set COUNT=0
:PING1
cscript.exe Ping.vbs %VIPAddress% //NoLogo >>Takeover.log
if errorlevel 1 goto NEXT1
goto ADD
:NEXT1
if "%COUNT%"=="2" goto ADD
set /a COUNT=COUNT+1
goto PING1
:ADD
netsh interface ip delete arpcache>>Takeover.log
netsh interface ip add address name=%VIPInterface% addr=%VIPAddress% mask=%VIPMask%>>Takeover.log
cscript.exe Check_ip.vbs localhost %VIPAddress% //NoLogo
if errorlevel 1 goto GOOD
netsh interface ip delete address name=%VIPInterface% addr=%VIPAddress%>>Takeover.log
netsh interface ip add address name=%VIPInterface% addr=%VIPAddress% mask=%VIPMask%>>Takeover.log
cscript.exe Check_ip.vbs localhost %VIPAddress% //NoLogo
if errorlevel 1 goto GOOD
@echo Takeover failed>>Takeover.log
:GOOD
@echo %time%>>Takeover.log
