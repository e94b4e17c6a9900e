@echo off
set VIPAddress=10.10.11.103
set VIPInterface="Local Area Connection"
@echo *************************** Takeover OFF **************>>Takeover.log
@echo %time%>>Takeover.log
netsh interface ip delete address name=%VIPInterface% addr=%VIPAddress%>>Takeover.log
netsh interface ip delete arpcache>>Takeover.log
ping.exe -n 1 -w 500 %VIPAddress%>>Takeover.log
@echo %time%>>Takeover.log
