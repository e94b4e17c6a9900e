//! Sites up and down, workflows, probe, judge, report
