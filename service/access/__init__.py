"""Who may do what: roles, the caller of a request, and the one table of what each route asks for."""
