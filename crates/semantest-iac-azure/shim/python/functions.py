"""The app for the Functions host: programming model v2 of Python."""
import asyncio
import concurrent.futures
import urllib.parse

import azure.functions as func

from .definition import read_definition
from .gateway import Gateway
from .text import Request

# Requests that wait for functions, at most: of all functions there are fewer processes.
WAITING = 512
# Calls of `@connections` do not stand in line with them: the functions that are waited for make these calls.
MANAGING = 32
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

definition = read_definition()
gateway = Gateway(definition)
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
waiting = concurrent.futures.ThreadPoolExecutor(WAITING, "semantest-waiting")
managing = concurrent.futures.ThreadPoolExecutor(MANAGING, "semantest-managing")


async def apart(threads, context, work):
    """Runs `work` in a thread of ours: the host's own are few (32 at most, where the user asks for no more), and each
    would be held by a request for as long as its function runs."""

    def attributed():
        # The host tells by this whose the lines of a thread are.
        context.thread_local_storage.invocation_id = context.invocation_id
        return work()

    return await asyncio.get_running_loop().run_in_executor(threads, attributed)


def read(request):
    url = urllib.parse.urlsplit(request.url)
    headers = [(name.lower(), plain(value)) for name, value in request.headers.items()]
    if not any(name == "host" for name, _ in headers):
        headers.append(("host", url.netloc))
    path = url.path or "/"
    return Request(request.method, path, url.query, headers, request.get_body() or b"", secure=url.scheme == "https")


def plain(value):
    """Where values are bytes, one a character, what they mean is UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


class Headers(type(func.HttpResponse().headers)):
    """An answer without content has no type; Microsoft's library would give it one."""

    def __contains__(self, name):
        return name.lower() == "content-type" or super().__contains__(name)


class Answer(func.HttpResponse):
    def __init__(self, body, status):
        super().__init__(body, status_code=status)
        self.__headers = Headers([])

    @property
    def headers(self):
        return self.__headers


def response(answer):
    sent = Answer(answer.body, answer.status)
    for name, value in answer.headers:
        sent.headers.add(name, value)
    return sent


def register(settings):
    role = settings["role"]

    async def invoke(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return response(await apart(waiting, context, lambda: gateway.invoke(role, read(req))))

    route = app.route(route="_semantest/invoke/" + role, methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
    app.function_name(settings["function_name"])(route(invoke))


async def answer(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    request = read(req)
    threads = managing if gateway.is_managing(request) else waiting
    return response(await apart(threads, context, lambda: gateway.answer(request)))


# The host takes functions in the order of their names, and the first that matches: the last of them takes the rest.
for each in definition["functions"]:
    register(each)
app.function_name(definition["gateway"])(app.route(route="{*path}", methods=METHODS)(answer))
