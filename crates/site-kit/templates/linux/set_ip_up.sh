#!/bin/sh
# Brings the Virtual IP up on this host.
#
# The LCA says what it wants in CHANGEOVER_VIP, CHANGEOVER_PREFIX and CHANGEOVER_INTERFACE: lists of equal length,
# separated by blanks, one item for each VIP of the pair. Started by hand the values below count.
#
# Uses `ip`, and `ifconfig` where there is no `ip`. Starting it twice does no harm.
# Ends with 0 when every address is there, 1 when one could not be set, 2 when it cannot work at all.
vips=${CHANGEOVER_VIP:-{{vip}}}
prefixes=${CHANGEOVER_PREFIX:-{{prefix}}}
interfaces=${CHANGEOVER_INTERFACE:-{{interface}}}
# The first VIP goes on sub-interface :1, the next one on :2. A second pair on the same hosts needs numbers of its own.
number=1
PATH=$PATH:/usr/sbin:/sbin
export PATH

complain() {
    echo "set_ip_up.sh: $1" >&2
}

# Prefix length to dotted mask. ifconfig without a mask takes a whole class, /8 for 10.x, and a route for it.
netmask() {
    bits=$1
    mask=
    for _ in 1 2 3 4; do
        if [ "$bits" -ge 8 ]; then part=255; elif [ "$bits" -le 0 ]; then part=0; else part=$((256 - (1 << (8 - bits)))); fi
        mask=$mask${mask:+.}$part
        bits=$((bits - 8))
    done
    echo "$mask"
}

with_ip() {
    case $1 in
    # nodad: duplicate detection would keep the address silent for a second.
    *:*) ip address replace "$1/$2" dev "$3" nodad || return 1 ;;
    *) ip address replace "$1/$2" brd + dev "$3" label "$4" || return 1 ;;
    esac
    # An earlier hand may have set it with another mask: one address, one mask.
    ip -o address show dev "$3" to "$1" | while read -r _ _ _ there _; do
        if [ "$there" != "$1/$2" ]; then ip address delete "$there" dev "$3"; fi
    done
    return 0
}

with_ifconfig() {
    case $1 in
    *:*)
        ifconfig "$3" inet6 del "$1/$2" 2>/dev/null
        ifconfig "$3" inet6 add "$1/$2"
        ;;
    *) ifconfig "$4" "$1" netmask "$(netmask "$2")" up ;;
    esac
}

if command -v ip >/dev/null 2>&1; then
    set_address=with_ip
elif command -v ifconfig >/dev/null 2>&1; then
    set_address=with_ifconfig
else
    complain "this host has neither ip (package iproute2) nor ifconfig (package net-tools)"
    exit 2
fi

status=0
for vip in $vips; do
    prefix=${prefixes%% *}
    interface=${interfaces%% *}
    prefixes=${prefixes#* }
    interfaces=${interfaces#* }
    if ! $set_address "$vip" "$prefix" "$interface" "$interface:$number"; then
        complain "$vip/$prefix could not be set on $interface"
        status=1
    fi
    number=$((number + 1))
done
exit $status
