"""The random test of rights: a world that it acts in, a model of what may be seen, and the steps that it draws."""
