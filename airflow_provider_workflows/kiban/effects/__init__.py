"""What operators do exactly once in Kiban: start an execution, answer a step."""
