#!/bin/sh
# Brings the Virtual IPs of a pair up on this host, each on a logical sub-interface.
#
# The LCA passes what it wants in CHANGEOVER_VIP, CHANGEOVER_PREFIX and CHANGEOVER_INTERFACE: lists of equal
# length, separated by spaces, one item per VIP. Started by hand, the three values below are used instead.
# Ends with 0 only if every address could be set.
vips=${CHANGEOVER_VIP:-10.10.11.103}
prefixes=${CHANGEOVER_PREFIX:-24}
interfaces=${CHANGEOVER_INTERFACE:-eth0}
# Number of the first sub-interface: eth0:1, the next VIP on eth0:2. A second pair on the same host needs its own.
first=1
PATH=$PATH:/usr/sbin:/sbin

# Prints the dotted netmask of a prefix length. Without a netmask ifconfig would take a classful one, /8 for 10.x.
netmask() {
    left=$1
    mask=
    for _ in 1 2 3 4; do
        if [ "$left" -ge 8 ]; then
            byte=255
        elif [ "$left" -le 0 ]; then
            byte=0
        else
            byte=$((256 - (1 << (8 - left))))
        fi
        mask=$mask${mask:+.}$byte
        left=$((left - 8))
    done
    echo "$mask"
}

# Prints item number $1 of the list that follows.
item() {
    wanted=$1
    shift
    shift $((wanted - 1)) && echo "$1"
}

status=0
number=0
for vip in $vips; do
    number=$((number + 1))
    # shellcheck disable=SC2086 # the lists are split on purpose
    prefix=$(item $number $prefixes)
    # shellcheck disable=SC2086
    interface=$(item $number $interfaces)
    case $vip in
    *:*)
        # IPv6 needs no sub-interface. nodad: duplicate detection would keep the address silent for a second.
        ip -6 addr replace "$vip/$prefix" dev "$interface" nodad || status=1
        ;;
    *)
        ifconfig "$interface:$((first + number - 1))" "$vip" netmask "$(netmask "$prefix")" up || status=1
        ;;
    esac
done
exit $status
