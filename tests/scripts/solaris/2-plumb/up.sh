#!/bin/sh
ifconfig dmfe0:1 plumb
ifconfig dmfe0:1 10.10.11.103 netmask 255.255.255.0 broadcast 10.10.11.255 up
