LAYER = None
