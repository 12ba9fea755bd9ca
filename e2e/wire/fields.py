"""What the fields of forms mean, and in which order they stand. See ../README.md."""

from common import PASS, in_every_way, kept, scenario

SCHEMAS = ("conditional", "alternatives", "combined", "referenced")
WAYS = ("api", "browser")


def sign_up(w, label, fields, query="", form=True):
    """Signs up with these fields beside the usual ones: as a form, or as the members of a JSON object."""
    c = w.client()
    flow = c.json("", "GET", f"/self-service/registration/api{query}", record=False).body
    usual = [("method", "password"), ("password", PASS)]
    if form:
        answer = c.json(label, "POST", flow["ui"]["action"], form=usual + list(fields))
    else:
        answer = c.json(label, "POST", flow["ui"]["action"], json_=dict(usual, **fields))
    return answer.body


@scenario("fields")
def fields_with_dots_in_json(w):
    for label, fields in (
        ("texts", {"traits.age": "30", "traits.tos": "true", "traits.consent": ""}),
        ("others", {"traits.age": 30, "traits.tos": 1, "traits.tags": "x", "traits.consent": 5}),
        ("nothing", {"traits.age": None, "traits.tos": None, "traits.consent": None, "traits.name": None}),
        ("empty", {"traits.age": "", "traits.tos": "", "traits.name.first": "", "traits.unknown": "x"}),
        ("no number", {"traits.age": "thirty"}),
        ("a fraction", {"traits.age": 1.5}),
        ("no boolean", {"traits.tos": "maybe"}),
        ("below", {"traits.name.first": "F"}),
        ("an object", {"traits.name": {"first": "F"}}),
        ("an object as text", {"traits.name": '{"first":"F"}'}),
    ):
        sign_up(w, label, {"traits.email": w.uniq(), **fields}, form=False)
    for label, traits in (("nested", {"age": 30}), ("nested texts", {"age": "30"}), ("nested and unknown", {"unknown": 1})):
        sign_up(w, label, {"traits": {"email": w.uniq(), **traits}}, form=False)
    sign_up(w, "as text", {"traits": f'{{"email":"{w.uniq()}","age":30}}'}, form=False)
    sign_up(w, "no traits", {}, form=False)


@scenario("fields")
def fields_of_one_name(w):
    for label, fields in (
        ("the first, and the last of booleans", [("traits.consent", "a"), ("traits.consent", "b"), ("traits.age", "1"), ("traits.age", "2"),
                                                 ("traits.tos", "false"), ("traits.tos", "true"), ("password", "x"), ("method", "code")]),
        ("an empty one in front", [("traits.consent", ""), ("traits.consent", "b"), ("traits.age", ""), ("traits.age", "2"), ("traits.tos", "")]),
        ("an empty one behind", [("traits.consent", "a"), ("traits.consent", ""), ("traits.age", "1"), ("traits.age", ""),
                                 ("traits.tos", "true"), ("traits.tos", "")]),
        ("an object", [("traits.name", '{"first":"F"}'), ("traits.name", "{}"), ("traits.name.last", "L")]),
        ("texts of a list", [("traits.emails", "a@example.org"), ("traits.emails", "b@example.org"), ("traits.tags", "x")]),
        ("others of a list", [("traits.numbers", "1"), ("traits.numbers", "2"), ("traits.flags", "true"), ("traits.flags", "0")]),
        ("a wrong item", [("traits.numbers", "x")]),
        ("another address", [("traits.email", "x")]),
    ):
        sign_up(w, label, [("traits.email", w.uniq()), *fields])


@in_every_way("fields", WAYS)
def fields_of_a_list(w, how):
    """What is entered into lists, as settings show it, and changed there."""
    email = w.uniq(how)
    c = w.client()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email, "emails": ["a@example.org", "b@example.org"], "numbers": [3]}}
             if how == "api" else {"method": "password", "password": PASS, "traits.email": email, "traits.tags": "x", "traits.consent": "c"}, "sign-up")
    if how == "api":
        who = c.login(email)
        shown = c.json("settings", "GET", "/self-service/settings/api", headers={"X-Session-Token": who["session_token"]}).body
        c.json("saved", "POST", shown["ui"]["action"], json_={"method": "profile", "traits.email": email, "traits.age": "31", "traits.tags": "y"},
               headers={"X-Session-Token": who["session_token"]})
    else:
        flow = c.init("settings", how)
        c.submit(flow, how, {"method": "profile", "traits.email": email, "traits.tags": "y", "traits.consent": "", "traits.age": ""}, "saved")
        kept(c, how, "settings", flow, "settings afterwards")
        c.submit(flow, how, {"method": "profile"}, "nothing to save")
        kept(c, how, "settings", flow, "settings with nothing to save")
        c.json("whoami", "GET", "/sessions/whoami")


@scenario("fields")
def fields_in_order(w):
    """Schemas with `if`, `not`, `oneOf`, references and all kinds of types: which fields there are, and where they stand.

    They are few: what has no place in the schema's document stands anywhere at the end once there are more than twelve.
    """
    for schema in SCHEMAS:
        c = w.client()
        query = f"?identity_schema={schema}"
        flow = c.json(f"{schema}: sign-up", "GET", f"/self-service/registration/api{query}").body
        c.json(f"{schema}: refused", "POST", flow["ui"]["action"], json_={"method": "password", "password": PASS, "traits": {}})
        email = w.uniq(schema)
        traits = {"email": email, "kind": "company", "vat": "1", "company": "C"}
        done = sign_up(w, f"{schema}: signed up", {f"traits.{name}": value for name, value in traits.items()}, query, form=False)
        token = done.get("session_token") or sign_up(w, f"{schema}: signed up at last", {"traits": traits}, query, form=False)["session_token"]
        c.json(f"{schema}: settings", "GET", "/self-service/settings/api", headers={"X-Session-Token": token})


@scenario()
def fields_of_methods(w):
    """Several fields of one name, and empty ones, of sign-ins, settings and recovery."""
    email = w.uniq()
    w.client().register(email)
    for label, fields in (
        ("the first counts", [("method", "password"), ("method", "code"), ("identifier", email), ("identifier", "x"), ("password", PASS), ("password", "x")]),
        ("an empty identifier", [("method", "password"), ("identifier", ""), ("identifier", email), ("password", PASS)]),
        ("an empty password", [("method", "password"), ("identifier", email), ("password", ""), ("password", PASS)]),
        ("an empty method", [("method", ""), ("method", "password"), ("identifier", email), ("password", PASS)]),
        ("an empty payload", [("method", "password"), ("identifier", email), ("password", PASS), ("transient_payload", ""), ("transient_payload", "{")]),
        ("a field of a payload", [("method", "password"), ("identifier", email), ("password", "x"), ("transient_payload.a", "b")]),
    ):
        c = w.client()
        flow = c.json("", "GET", "/self-service/login/api", record=False).body
        c.json(label, "POST", flow["ui"]["action"], form=fields)
    for label, body in (("no payload", {"transient_payload": None}), ("dotted", {"transient_payload.a": "b", "identifier.x": "y"}), ("others", {"method": ["password"]})):
        c = w.client()
        flow = c.json("", "GET", "/self-service/login/api", record=False).body
        c.json(label, "POST", flow["ui"]["action"], json_={"method": "password", "identifier": email, "password": PASS, **body})
    who = w.client().login(email)
    head = {"X-Session-Token": who["session_token"]}
    for label, fields in (
        ("a box that is ticked", [("lookup_secret_regenerate", "false"), ("lookup_secret_regenerate", "true")]),
        ("one that is not", [("lookup_secret_regenerate", "true"), ("lookup_secret_regenerate", "false")]),
        ("one that is empty", [("lookup_secret_regenerate", "true"), ("lookup_secret_regenerate", "")]),
        ("a password", [("method", "password"), ("password", ""), ("password", PASS)]),
    ):
        c = w.client()
        flow = c.json("", "GET", "/self-service/settings/api", headers=head, record=False).body
        c.json(label, "POST", flow["ui"]["action"], form=fields, headers=head)
    for label, fields in (("two addresses", [("method", "code"), ("email", email), ("email", "x")]), ("an empty one", [("method", "code"), ("email", ""), ("email", email)])):
        for kind in ("recovery", "verification"):
            c = w.client()
            flow = c.json("", "GET", f"/self-service/{kind}/api", record=False).body
            c.json(f"{kind}: {label}", "POST", flow["ui"]["action"], form=fields)


@scenario()
def fields_of_the_address(w):
    """What stands in the query of the address that a form is sent to."""
    for kind in ("recovery", "verification"):
        for label, query, fields in (
            ("an address", "email=a@example.org", {"method": "code"}),
            ("a method", "method=code", {"email": "a@example.org"}),
            ("all", "email=a@example.org&method=code", {"x": "y"}),
            ("two", "email=a@example.org", {"method": "code", "email": "b@example.org"}),
            ("an empty one in front", "email=a@example.org", {"method": "code", "email": ""}),
            ("a code", "code=123456", {"method": "code"}),
        ):
            for form in (True, False):
                c = w.client()
                flow = c.json("", "GET", f"/self-service/{kind}/api", record=False).body
                address = f"{flow['ui']['action']}&{query}"
                c.json(f"{kind}: {label}, {'a form' if form else 'JSON'}", "POST", address, **({"form": fields} if form else {"json_": fields}))
    c = w.client()
    flow = c.json("", "GET", "/self-service/login/api", record=False).body
    c.json("not of a sign-in", "POST", f"{flow['ui']['action']}&identifier=a&password=b", form={"method": "password"})
