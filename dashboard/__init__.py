"""What people and clients see: the Django project, accounts, query APIs and pages. The composition root."""
