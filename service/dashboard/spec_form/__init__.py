"""The specification as a form: its fields, what a browser sends of them, and YAML."""
