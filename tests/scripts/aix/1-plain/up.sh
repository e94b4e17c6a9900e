#!/bin/sh
ifconfig en0 10.10.11.103 netmask 255.255.255.0 alias
