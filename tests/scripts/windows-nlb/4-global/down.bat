@echo off
wlbs disable 5060 sipcluster global
