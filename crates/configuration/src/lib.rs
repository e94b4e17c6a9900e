//! From the text of an environment file to the validated environment, and the rules that check it
