"""Archives: export a study from one tracking store and import it into another."""
