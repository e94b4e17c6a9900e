@rem no cluster named: the only one of this host
@wlbs start
@wlbs enable ALL:5060
@if errorlevel 1 exit /b 1
@exit /b 0
