#!/bin/sh
# Takes the Virtual IP down on this host.
# Ends with 0 also when it was not there: a second delete is an error to ifconfig, but not to us. Whether the address
# is gone is for the LCA to see.
vip=${CHANGEOVER_VIP:-{{vip}}}
interface=${CHANGEOVER_INTERFACE:-{{interface}}}
PATH=$PATH:/usr/sbin

ifconfig "$interface" "$vip" delete 2>/dev/null
exit 0
