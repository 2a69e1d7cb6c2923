"""What this app is made of: `definition.json`, written when it was packaged."""
import json
import os

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(FOLDER)


def read_definition(path=os.path.join(FOLDER, "definition.json")):
    """`code` and `layers` become the folders of a function's files."""
    with open(path, encoding="utf-8") as file:
        definition = json.load(file)
    for settings in definition["functions"]:
        settings["code"] = os.path.join(ROOT, settings["code"])
        if settings.get("layers"):
            settings["layers"] = os.path.join(ROOT, settings["layers"])
    return definition
