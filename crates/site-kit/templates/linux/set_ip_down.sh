#!/bin/sh
# Takes the Virtual IP off this host.
#
# The LCA says what it wants in CHANGEOVER_VIP, CHANGEOVER_PREFIX and CHANGEOVER_INTERFACE: lists of equal length,
# separated by blanks, one item for each VIP of the pair. Started by hand the values below count.
#
# Uses `ip`, and `ifconfig` where there is no `ip`. An address that is not here is as good as taken away.
# Ends with 0 when no address is left, 1 when one is, 2 when it cannot work at all.
vips=${CHANGEOVER_VIP:-{{vip}}}
prefixes=${CHANGEOVER_PREFIX:-{{prefix}}}
interfaces=${CHANGEOVER_INTERFACE:-{{interface}}}
# As in set_ip_up.sh.
number=1
PATH=$PATH:/usr/sbin:/sbin
export PATH

complain() {
    echo "set_ip_down.sh: $1" >&2
}

with_ip() {
    # First what is expected, by the shortest way. What may be left has another mask, or none of our labels.
    ip address delete "$1/$2" dev "$3" 2>/dev/null
    ip -o address show dev "$3" to "$1" | while read -r _ _ _ there _; do
        ip address delete "$there" dev "$3"
    done
    [ -z "$(ip -o address show dev "$3" to "$1")" ]
}

# Whether ifconfig shows the address anywhere on this host.
shown() {
    ifconfig -a | grep -E "inet6? (addr:)? ?$1([ /]|\$)" >/dev/null
}

with_ifconfig() {
    shown "$1" || return 0
    case $1 in
    *:*) ifconfig "$3" inet6 del "$1/$2" ;;
    *) ifconfig "$4" down ;;
    esac
    if shown "$1"; then
        complain "$1 stands on another interface or without the label $4; ifconfig cannot take it away there"
        return 1
    fi
}

if command -v ip >/dev/null 2>&1; then
    drop_address=with_ip
elif command -v ifconfig >/dev/null 2>&1; then
    drop_address=with_ifconfig
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
    if ! $drop_address "$vip" "$prefix" "$interface" "$interface:$number"; then
        complain "$vip is still on $interface"
        status=1
    fi
    number=$((number + 1))
done
exit $status
