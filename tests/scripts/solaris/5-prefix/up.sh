#!/bin/sh
ifconfig dmfe0:1 plumb 10.10.11.103/24 up
