"""A script without asyncio."""

from typing import assert_type

from semantest_iac import ApplicationEvent, DeployAnswer, FunctionDeployed, InfrastructureEvent
from semantest_iac.answers import StatusAnswer
from semantest_iac.blocking import Iac, Subscription
from semantest_iac.errors import Error

with Iac.open(".", lease_wait=60) as iac:
    assert_type(iac.project, str)
    assert_type(iac.subscribe(print, FunctionDeployed), Subscription)
    try:
        answer = iac.deploy("rest-api", environment="dev", configuration={"memory_mb": 256})
        assert_type(answer, DeployAnswer)
        print(answer.endpoint)
    except Error as error:
        print(error.kind)
    assert_type(iac.status(), StatusAnswer)
    for deployment in iac.status("rest-api", environment="dev").deployments:
        print(deployment.status, deployment.version)
    for event in iac.events(follow=True):
        assert_type(event, InfrastructureEvent | ApplicationEvent)
        break
    print(iac.invoke("rest-api", {"a": 1}).payload)
    iac.rollback("rest-api", version=1)
    iac.destroy("rest-api")
