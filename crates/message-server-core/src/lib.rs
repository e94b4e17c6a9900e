//! Detection of Alarm Conditions and both ends of log-event delivery
