@call "%~dp0worker.cmd" delete 10.10.11.103
@exit /b %errorlevel%
