#!/bin/sh
VIP="10.10.11.103" ; IF=en0
echo "`date` VIP down" >> vip.log
ifconfig $IF inet ${VIP} delete >> vip.log 2>&1
exit $?
