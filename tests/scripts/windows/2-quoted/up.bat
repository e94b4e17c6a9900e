@setlocal
@set "NIC=Local Area Connection"
@set "VIP=10.10.11.103"
@netsh interface ip add address "%NIC%" %VIP% 255.255.255.0 > nul 2>&1
@ipconfig | find "%VIP%" > nul
@if not errorlevel 1 goto there
@echo %date% %time% %VIP% missing >> "%~dp0vip errors.log"
@exit /b 2
:there
@echo %date% %time% %VIP% up >> "%~dp0vip.log"
@exit /b 0
