#!/bin/sh
# The address comes from /etc/hostname.dmfe0:2 and /etc/hosts.
ifconfig dmfe0:2 up
