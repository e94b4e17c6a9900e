#!/bin/sh
# Brings the Virtual IP up on this host: one more address (alias) on the interface.
# The LCA passes its wish in CHANGEOVER_VIP and CHANGEOVER_INTERFACE; started by hand, the values below are used.
vip=${CHANGEOVER_VIP:-{{vip}}}
interface=${CHANGEOVER_INTERFACE:-{{interface}}}
mask={{netmask}}
PATH=$PATH:/usr/sbin

ifconfig "$interface" "$vip" netmask "$mask" alias
