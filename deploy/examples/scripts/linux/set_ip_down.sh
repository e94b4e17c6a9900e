#!/bin/sh
# Takes the Virtual IPs of a pair down on this host.
#
# CHANGEOVER_VIP, CHANGEOVER_PREFIX and CHANGEOVER_INTERFACE come from the LCA: lists of equal length, separated
# by spaces, one item per VIP. Started by hand, the three values below are used instead.
# Ends with 0 also when an address was not there: a second "down" of a sub-interface is an error to ifconfig, but
# not to us. Whether the addresses are gone is for the LCA to see.
vips=${CHANGEOVER_VIP:-10.10.11.103}
prefixes=${CHANGEOVER_PREFIX:-24}
interfaces=${CHANGEOVER_INTERFACE:-eth0}
# Number of the first sub-interface: eth0:1, the next VIP on eth0:2. A second pair on the same host needs its own.
first=1
PATH=$PATH:/usr/sbin:/sbin

# Prints item number $1 of the list that follows.
item() {
    wanted=$1
    shift
    shift $((wanted - 1)) && echo "$1"
}

number=0
for vip in $vips; do
    number=$((number + 1))
    # shellcheck disable=SC2086 # the lists are split on purpose
    prefix=$(item $number $prefixes)
    # shellcheck disable=SC2086
    interface=$(item $number $interfaces)
    case $vip in
    *:*) ip -6 addr del "$vip/$prefix" dev "$interface" 2>/dev/null ;;
    *) ifconfig "$interface:$((first + number - 1))" down 2>/dev/null ;;
    esac
done
exit 0
