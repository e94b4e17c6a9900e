#!/bin/sh
exec >> vip.log 2>&1
date
ifconfig dmfe0:3 0.0.0.0 down
ifconfig -a
