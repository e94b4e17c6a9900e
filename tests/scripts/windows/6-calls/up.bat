@call "%~dp0worker.cmd" add 10.10.11.103
@exit /b %errorlevel%
