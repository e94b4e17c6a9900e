#!/bin/sh
# Brings the Virtual IP up on this host: one more address (alias) on the interface.
# The LCA passes its wish in CHANGEOVER_VIP and CHANGEOVER_INTERFACE; started by hand, the values below are used.
vip=${CHANGEOVER_VIP:-10.10.11.103}
interface=${CHANGEOVER_INTERFACE:-en0}
mask=255.255.255.0
PATH=$PATH:/usr/sbin

ifconfig "$interface" "$vip" netmask "$mask" alias
