@wlbs disable 10.10.11.103:5060
@exit
