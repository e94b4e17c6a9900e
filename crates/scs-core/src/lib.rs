//! What the Solution Control Server decides: hosts, pairs, procedures, alarms, timeline
