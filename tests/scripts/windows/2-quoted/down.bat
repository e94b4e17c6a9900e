@setlocal
@set "NIC=Local Area Connection"
@set "VIP=10.10.11.103"
@netsh interface ip delete address "%NIC%" %VIP% > nul 2>&1
@arp -d * > nul
@ipconfig | find "%VIP%" > nul
@if not errorlevel 1 exit /b 2
@echo %date% %time% %VIP% down >> "%~dp0vip.log"
@exit /b 0
