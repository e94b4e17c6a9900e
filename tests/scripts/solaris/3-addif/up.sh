#!/bin/sh
ifconfig dmfe0 addif 10.10.11.103/24 up
