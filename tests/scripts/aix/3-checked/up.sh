#!/bin/sh
ifconfig en0 | grep "inet 10.10.11.103 " > /dev/null && exit 0
ifconfig en0 alias 10.10.11.103 netmask 255.255.255.0 || exit 2
ifconfig -a | grep -w 10.10.11.103 > /dev/null || exit 3
