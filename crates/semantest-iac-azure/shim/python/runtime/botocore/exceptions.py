"""What AWS's clients raise."""


class ClientError(Exception):
    def __init__(self, error_response, operation_name):
        error = error_response.get("Error", {})
        text = "An error occurred (%s) when calling the %s operation: %s"
        super().__init__(text % (error.get("Code", "Unknown"), operation_name, error.get("Message", "Unknown")))
        self.response = error_response
        self.operation_name = operation_name
