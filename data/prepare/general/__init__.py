"""General questions with right answers from tables, where a small language model errs."""
