#!/bin/sh
ifconfig dmfe0 removeif 10.10.11.103
