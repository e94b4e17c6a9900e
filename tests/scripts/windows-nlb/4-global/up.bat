@echo off
rem everybody off, then this one on
wlbs start sipcluster GLOBAL
wlbs disable 5060 sipcluster global
wlbs enable 5060 sipcluster:1
