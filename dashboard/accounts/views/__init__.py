"""Pages of people: signing in, first steps, own account, tokens, users, audit trail."""
