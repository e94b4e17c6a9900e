@echo off
setlocal enabledelayedexpansion
set OK=no
for /l %%n in (1,1,3) do (
  if "!OK!"=="no" (
    netsh interface ip add address name="Local Area Connection" addr=10.10.11.103 mask=255.255.255.0 >> vip.log 2>&1
    netsh interface ip show addresses "Local Area Connection" | findstr /c:"10.10.11.103" > nul && set OK=yes
    if "!OK!"=="no" (echo attempt %%n failed >> vip.log) else (echo attempt %%n did it >> vip.log)
  )
)
if "%OK%"=="yes" (exit /b 0) else exit /b 1
