// A handler in Go, with AWS's own client, for the tests of `provided` runtimes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type teapot struct{}

func (teapot) Error() string { return "short and stout" }

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &request); err == nil && request.RawPath != "" {
		answer := events.APIGatewayV2HTTPResponse{StatusCode: 201, Body: request.RequestContext.HTTP.Method + " " + request.RawPath}
		answer.Cookies = []string{"a=1", "b=2"}
		return answer, nil
	}
	var word string
	_ = json.Unmarshal(event, &word)
	switch word {
	case "context":
		told, _ := lambdacontext.FromContext(ctx)
		_, deadline := ctx.Deadline()
		return map[string]any{
			"request_id": told.AwsRequestID, "arn": told.InvokedFunctionArn, "deadline": deadline,
			"name": lambdacontext.FunctionName, "memory": lambdacontext.MemoryLimitInMB, "variable": os.Getenv("GREETING"),
		}, nil
	case "error":
		return nil, errors.New("failed on purpose")
	case "typed":
		return nil, teapot{}
	case "panic":
		panic("panicked on purpose")
	case "print":
		fmt.Println("printed by the program")
	}
	return map[string]any{"got": event}, nil
}

func main() {
	lambda.Start(handle)
}
