#!/bin/sh
# Takes the Virtual IP down on this host. The logical interface stays plumbed.
# Ends with 0 also when there was none. Whether the address is gone is for the LCA to see.
interface=${CHANGEOVER_LABEL:-{{interface}}:1}
PATH=$PATH:/usr/sbin

ifconfig "$interface" down 2>/dev/null
exit 0
