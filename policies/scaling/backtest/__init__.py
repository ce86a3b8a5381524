"""What a scaling policy would have done with a recorded load: replayed step by step, many policies at once."""
