"""What a person does by hand, without widgets: editing cells, pushing a file, drafting one contact."""
