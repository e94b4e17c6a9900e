@ECHO OFF
TITLE VIP down
	SET TRY=0
:AGAIN
	netsh int ip delete address name="Local Area Connection" addr=10.10.11.103 >> vip.log
	IF NOT ERRORLEVEL 1 GOTO :EOF
	SET /A TRY+=1
	IF NOT "%TRY%"=="3" GOTO AGAIN
	ECHO gave up >> vip.log
	EXIT 1
