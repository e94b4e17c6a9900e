#!/bin/sh
if ifconfig en0 | grep -w 10.10.11.103 > /dev/null
then
	ifconfig en0 delete 10.10.11.103 || exit 2
fi
ifconfig en0 | grep -w 10.10.11.103 > /dev/null && exit 3
exit 0
