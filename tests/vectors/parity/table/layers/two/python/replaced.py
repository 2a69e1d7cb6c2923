LAYER = "two"
