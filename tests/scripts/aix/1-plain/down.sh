#!/bin/sh
ifconfig en0 10.10.11.103 delete
