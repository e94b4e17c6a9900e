#!/bin/sh
# Brings the Virtual IP up on this host, on a logical interface that is plumbed first if need be. The host's
# /etc/hostname.dmfe0:1 must have two lines: one of a single line would bring the VIP up at boot, on both hosts.
# The LCA passes its wish in CHANGEOVER_VIP and CHANGEOVER_LABEL; started by hand, the values below are used.
vip=${CHANGEOVER_VIP:-10.10.11.103}
interface=${CHANGEOVER_LABEL:-dmfe0:1}
mask=255.255.255.0
PATH=$PATH:/usr/sbin

ifconfig "$interface" >/dev/null 2>&1 || ifconfig "$interface" plumb
ifconfig "$interface" "$vip" netmask "$mask" broadcast + up
