#!/bin/sh
# sipvip is in /etc/hosts
ifconfig en0 sipvip netmask 255.255.255.0 alias
