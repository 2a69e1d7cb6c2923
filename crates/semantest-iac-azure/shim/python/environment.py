"""The environment of a function's process: what Lambda documents, the user's variables, and what Azure's SDKs need to
find the app's identity. Other settings of the app (keys of its storage, for one) are none of the function's."""
import os
import sys

from .definition import FOLDER

# Of this process, as they are.
KEPT = (
    "PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "WEBSITE_HOSTNAME", "WEBSITE_SITE_NAME",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
)


def variables(definition, settings, own, runtime_api, credentials):
    found = dict(credentials)
    found.update((name, own[name]) for name in KEPT if name in own)
    found.update({"LANG": "en_US.UTF-8", "TZ": ":UTC"})
    found.update(of_layers(settings, found))
    # Functions of one app may want different things of one name: settings are called as each is told.
    wanted = settings.get("environment_variables") or {}
    found.update((name, own[setting]) for name, setting in wanted.items() if setting in own)
    if settings.get("layers") and "PYTHONPATH" not in found:
        # The bootstrap puts them after the function's own code; folders of the user's take their place, as on Lambda.
        python = os.path.join(settings["layers"], "python")
        site = os.path.join(python, "lib", definition["runtime"], "site-packages")
        found["SEMANTEST_PYTHON_FOLDERS"] = os.pathsep.join((site, python))
    # After the function's own code and the user's folders, and before what else there is.
    folders = [found.get("PYTHONPATH"), os.path.join(FOLDER, "runtime")]
    found["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if folder)
    # What follows is the runtime's own: the user's variables cannot change it.
    found.update({
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "_HANDLER": settings["handler"],
        "LAMBDA_TASK_ROOT": settings["code"],
        "LAMBDA_RUNTIME_DIR": settings["code"],
        "AWS_REGION": definition["region"],
        "AWS_DEFAULT_REGION": definition["region"],
        "AWS_EXECUTION_ENV": "AWS_Lambda_" + definition["runtime"],
        "AWS_LAMBDA_FUNCTION_NAME": settings["function_name"],
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings["memory_mb"]),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + settings["function_name"],
        "AWS_LAMBDA_LOG_STREAM_NAME": "azure/[$LATEST]" + instance(own),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    })
    return found


def of_layers(settings, found):
    """By what programs find the files of layers, which are at /opt on Lambda."""
    code, layers = settings["code"], settings.get("layers")
    if not layers:
        return {}
    path = [found.get("PATH"), os.path.join(layers, "bin")]
    libraries = [code, os.path.join(code, "lib"), os.path.join(layers, "lib"), found.get("LD_LIBRARY_PATH")]
    joined = {"PATH": path, "LD_LIBRARY_PATH": libraries}
    found = {name: os.pathsep.join(folder for folder in folders if folder) for name, folders in joined.items()}
    return {**found, "SEMANTEST_OPT": layers}


def instance(own):
    return own.get("WEBSITE_INSTANCE_ID") or own.get("CONTAINER_NAME") or str(os.getpid())


def command(folder):
    """What runs a function: Python with the bootstrap beside this file."""
    return [sys.executable or "python3", os.path.join(folder, "bootstrap", "python.py")]


def function_id(settings, own):
    """The id of a function in Azure Resource Manager, where the platform tells what it is made of."""
    subscription = own.get("WEBSITE_OWNER_NAME", "").split("+")[0]
    group, site = own.get("WEBSITE_RESOURCE_GROUP"), own.get("WEBSITE_SITE_NAME")
    if not (subscription and group and site):
        return settings["function_name"]
    web = "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Web" % (subscription, group)
    return "%s/sites/%s/functions/%s" % (web, site, settings["function_name"])
