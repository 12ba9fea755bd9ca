"""Takes PyPI's ory-kratos-client through its journeys, and prints one line for each way."""

import os
import re
import sys
import uuid
from importlib.metadata import version

import ory_kratos_client as ory
from ory_kratos_client.rest import ApiException

NAME = f"PyPI ory-kratos-client {version('ory-kratos-client')}"


def newcomer():
    return f"{uuid.uuid4()}@example.org", f"{uuid.uuid4()}-Aa1"


def registration(email, password, csrf_token=None):
    return ory.UpdateRegistrationFlowBody(
        ory.UpdateRegistrationFlowWithPasswordMethod(
            method="password", password=password, traits={"email": email}, csrf_token=csrf_token
        )
    )


def csrf_token(flow):
    nodes = (node.attributes.actual_instance for node in flow.ui.nodes)
    return next(node.value for node in nodes if getattr(node, "name", "") == "csrf_token")


def keep(cookies, headers):
    """Keeps the cookies that an answer sets, as a browser would."""
    # The SDK joins several Set-Cookie headers with a comma, which also stands within their dates.
    cookies.update(re.findall(r"(?:^|, )([^=;, ]+)=([^;]*)", headers["Set-Cookie"]))
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def refused(call):
    try:
        call()
    except ApiException as error:
        assert error.status == 401, f"answered {error.status} in place of 401"
    else:
        raise AssertionError("still signed in")


def native_token(api):
    email, password = newcomer()
    flow = api.create_native_registration_flow()
    token = api.update_registration_flow(flow.id, registration(email, password)).session_token
    assert api.to_session(x_session_token=token).identity.traits["email"] == email
    api.perform_native_logout(ory.PerformNativeLogoutBody(session_token=token))
    refused(lambda: api.to_session(x_session_token=token))


def forwarded_cookie(api):
    """What a Python web app does for its visitor."""
    email, password = newcomer()
    cookies = {}
    opened = api.create_browser_registration_flow_with_http_info()
    cookie = keep(cookies, opened.headers)
    body = registration(email, password, csrf_token(opened.data))
    cookie = keep(cookies, api.update_registration_flow_with_http_info(opened.data.id, body, cookie=cookie).headers)
    assert api.to_session(cookie=cookie).identity.traits["email"] == email
    logout = api.create_browser_logout_flow(cookie=cookie)
    api.update_logout_flow(token=logout.logout_token, cookie=cookie)
    refused(lambda: api.to_session(cookie=cookie))


def main():
    configuration = ory.Configuration(host=os.environ["ZELUS_PUBLIC_URL"])
    failed = 0
    for way, journey in {"native token": native_token, "forwarded cookie": forwarded_cookie}.items():
        with ory.ApiClient(configuration) as client:
            try:
                journey(ory.FrontendApi(client))
                print(f"ok - {NAME}, {way}")
            except Exception as error:
                failed += 1
                print(f"not ok - {NAME}, {way}: {type(error).__name__} {' '.join(str(error).split())}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
