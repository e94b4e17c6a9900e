//! Reactions of a pair: order, joining, retries, deadlines, outcomes
