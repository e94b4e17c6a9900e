#!/bin/sh
VIP="10.10.11.103" ; MASK=0xffffff00 ; IF=en0
echo "`date` VIP up" >> vip.log
ifconfig $IF inet ${VIP} netmask ${MASK} alias up >> vip.log 2>&1
exit $?
