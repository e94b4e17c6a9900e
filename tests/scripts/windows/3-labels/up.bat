@ECHO OFF
:: waits for the other host, at most five times
TITLE VIP up
	SET TRY=5
:WAIT
	ping -n 1 -w 100 10.10.11.103 | findstr /i "TTL=" > NUL
	IF ERRORLEVEL 1 GOTO FREE
	SET /A TRY-=1
	IF %TRY% GTR 0 GOTO WAIT
:FREE
	netsh int ip add address name = "Local Area Connection" addr = 10.10.11.103 mask = 255.255.255.0
	REM netsh does not take spaces around the signs on old systems
	IF ERRORLEVEL 1 netsh int ip add address name="Local Area Connection" addr=10.10.11.103 mask=255.255.255.0
	ECHO.>> vip.log
	ECHO up %TIME% >> vip.log
