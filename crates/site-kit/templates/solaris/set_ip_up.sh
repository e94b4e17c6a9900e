#!/bin/sh
# Brings the Virtual IP up on this host, on a logical interface that is plumbed first if need be. The host's
# /etc/hostname.{{interface}}:1 must have two lines: one of a single line would bring the VIP up at boot, on both hosts.
# The LCA passes its wish in CHANGEOVER_VIP and CHANGEOVER_LABEL; started by hand, the values below are used.
vip=${CHANGEOVER_VIP:-{{vip}}}
interface=${CHANGEOVER_LABEL:-{{interface}}:1}
mask={{netmask}}
PATH=$PATH:/usr/sbin

ifconfig "$interface" >/dev/null 2>&1 || ifconfig "$interface" plumb
ifconfig "$interface" "$vip" netmask "$mask" broadcast + up
