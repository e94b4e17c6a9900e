#!/bin/sh
exec >> vip.log 2>&1
date
ping 10.10.11.103 1 && echo "still answered"
ifconfig dmfe0:3 plumb
ifconfig dmfe0:3 sipvip netmask 255.255.255.0 up
ifconfig -a
