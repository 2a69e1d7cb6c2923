LAYER = "one"
