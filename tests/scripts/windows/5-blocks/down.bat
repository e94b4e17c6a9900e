@echo off
(
  echo ==== %date% %time%
  netsh interface ip delete address name="Local Area Connection" addr=10.10.11.103
  arp -d 10.10.11.103
) >> vip.log 2>&1
netsh interface ip show config name="Local Area Connection" | find /c "10.10.11.103" > nul && exit /b 1
exit /b 0
