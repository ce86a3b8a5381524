"""LogQL: parse, plan what the engine does, evaluate the rest."""
