//! Vocabulary of Changeover: ids, time, the Core trait, the validated environment, messages
