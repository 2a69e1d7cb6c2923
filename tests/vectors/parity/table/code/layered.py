"""Tells what it finds in its layers."""
import subprocess


def handler(event, context):
    import own_first
    import replaced
    import site_module
    tool = subprocess.run(["layered-tool"], capture_output=True, text=True)
    return {
        "module": replaced.LAYER, "site": site_module.LAYER, "own": own_first.LAYER, "tool": tool.stdout.strip(),
    }
