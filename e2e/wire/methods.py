"""Passwords, screens, `return_to` and anti-CSRF tokens: sign-up and sign-in. See ../README.md."""

from checker import ADMIN, csrf, flatten
from common import NOBODY, PASS, WAYS, header, in_every_way, kept, scenario


# ------------------------------------------------------------------ sign-up with a password
@in_every_way("passwordless")
def sign_up_screens(w, how):
    """Two screens: details first, then a password, and back again."""
    c = w.client()
    email = w.uniq(how)
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "profile", "traits": {"email": "nonsense"}}, f"{how}: bad address")
    c.submit(flow, how, {"method": "profile", "traits": {}}, f"{how}: no address")
    c.submit(flow, how, {"method": "profile", "traits": {"email": email, "name": {"first": "F"}}}, f"{how}: details")
    kept(c, how, "registration", flow, f"{how}: second screen")
    c.submit(flow, how, {"method": "password", "password": "x", "traits": {"email": email}}, f"{how}: short password")
    c.submit(flow, how, {"method": "profile", "screen": "previous", "traits": {"email": email}}, f"{how}: back")
    kept(c, how, "registration", flow, f"{how}: first screen again")
    c.submit(flow, how, {"method": "profile", "screen": "credential-selection", "traits": {"email": email}}, f"{how}: forward")
    kept(c, how, "registration", flow, f"{how}: second screen again")
    c.submit(flow, how, {"screen": "previous", "traits": {"email": email}}, f"{how}: back without a method")
    c.submit(flow, how, {"method": "profile", "screen": "nonsense", "traits": {"email": email}}, f"{how}: unknown screen")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: password")
    c.json(f"{how}: whoami", "GET", "/sessions/whoami")


@scenario("fresh")
def sign_up_objects_in_forms(w):
    """A trait that is an object, sent by a form as the text of its JSON."""
    for label, name in (("an object", '{"first": "F"}'), ("nothing", ""), ("a list", "[1]"), ("null", "null"), ("a wrong member", '{"first": 1}'),
                        ("an unknown member", '{"middle": "M"}'), ("a text", '"t"')):
        c = w.client()
        flow = c.init("registration", "browser")
        c.submit(flow, "browser", {"method": "password", "password": PASS, "traits.email": w.uniq(), "traits.name": name}, label)
        kept(c, "browser", "registration", flow, f"{label}: form")
        c.json(f"{label}: whoami", "GET", "/sessions/whoami")


@in_every_way("passwordless")
def sign_up_screens_of_somebody_known(w, how):
    email = w.uniq()
    c = w.client()
    flow = c.init("registration", "api")
    c.submit(flow, "api", {"method": "password", "password": PASS, "traits": {"email": email}}, "in one go")
    c = w.client()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "profile", "traits": {"email": email}}, f"{how}: details")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: password")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}}, f"{how}: code")
    kept(c, how, "registration", flow, f"{how}: form afterwards")


@in_every_way()
def sign_up_fields(w, how):
    c = w.client()
    flow = c.init("registration", how)
    for label, body in [
        ("no password", {"method": "password", "traits": {"email": w.uniq(how)}}),
        ("empty password", {"method": "password", "password": "", "traits": {"email": w.uniq(how)}}),
        ("empty address", {"method": "password", "password": PASS, "traits": {"email": ""}}),
        ("no traits", {"method": "password", "password": PASS}),
        ("short address", {"method": "password", "password": PASS, "traits": {"email": "a"}}),
        ("long name", {"method": "password", "password": PASS, "traits": {"email": w.uniq(how), "name": {"first": "x" * 41}}}),
        ("age below zero", {"method": "password", "password": PASS, "traits": {"email": w.uniq(how), "age": -1}}),
        ("age as a word", {"method": "password", "password": PASS, "traits": {"email": w.uniq(how), "age": "old"}}),
        ("newsletter as a word", {"method": "password", "password": PASS, "traits": {"email": w.uniq(how), "newsletter": "maybe"}}),
        ("several at once", {"method": "password", "password": "x", "traits": {"email": "a", "age": -1, "other": 1}}),
        ("similar password", {"method": "password", "password": "similar.person1", "traits": {"email": "similar.person@example.org"}}),
        ("long password", {"method": "password", "password": "p" * 80, "traits": {"email": w.uniq(how)}}),
    ]:
        c.submit(flow, how, body, f"{how}: {label}")
        if how == "browser":
            kept(c, how, "registration", flow, f"{how}: form after {label}")


@in_every_way()
def sign_up_all_fields(w, how):
    c = w.client()
    flow = c.init("registration", how)
    traits = {"email": w.uniq(how).upper(), "name": {"first": "Ada", "last": "L."}, "age": 36, "newsletter": True}
    if how == "browser":
        traits["newsletter"] = "true"
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": traits, "transient_payload": {"a": "b"}}, f"{how}: all")
    c.json(f"{how}: whoami", "GET", "/sessions/whoami")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": w.uniq(how)}}, f"{how}: the same form again")
    kept(c, how, "registration", flow, f"{how}: form afterwards")


@in_every_way("phone")
def sign_up_phone(w, how):
    """Another schema, whose identifiers are a phone number and a user name."""
    n = WAYS.index(how)
    c = w.client()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"phone": "12"}}, f"{how}: bad number")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {}}, f"{how}: no identifier")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"phone": f"+4930123456{n}", "username": f"Phone{how}"}}, f"{how}: good")
    for label, identifier in [("name", f"phone{how}"), ("number", f"+4930 123456{n}"), ("plain number", f"+4930123456{n}")]:
        d = w.client()
        flow = d.init("login", how, f"{how}: form for {label}")
        d.submit(flow, how, {"method": "password", "password": PASS, "identifier": identifier}, f"{how}: sign in by {label}")
    d = w.client()
    flow = d.init("login", how, f"{how}: form of the other schema", query="?identity_schema=person")
    d.submit(flow, how, {"method": "password", "password": PASS, "identifier": f"+4930123456{n}"}, f"{how}: sign in, schema named")
    d = w.client()
    flow = d.init("registration", how, f"{how}: sign-up form of the other schema", query="?identity_schema=person")
    d.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": w.uniq(how)}}, f"{how}: sign up, schema named")


@scenario("phone")
def schemas_that_cannot_be_chosen(w):
    for query in ("?identity_schema=none", "?identity_schema=", "?identity_schema=hidden"):
        for kind in ("login", "registration"):
            for how in WAYS:
                w.client().init(kind, how, f"{kind} {how} {query}", query=query)


@scenario()
def sign_up_return_to(w):
    for label, query in [("allowed", "return_to=http://127.0.0.1:4455/after"), ("wildcard", "return_to=https://b.wild.example.org/y"),
                         ("outside", "return_to=https://evil.example.org/"), ("relative", "return_to=/there"), ("script", "return_to=javascript:alert(1)"),
                         ("empty", "return_to="), ("self", "return_to=http://127.0.0.1:4433/self-service/login/browser"),
                         ("schemeless", "return_to=//127.0.0.1:4455/x"), ("garbage", "return_to=%25zz")]:
        for kind in ("registration", "login"):
            for how in ("spa", "browser"):
                c = w.client()
                flow = c.init(kind, how, f"{kind} {how} {label}", query=f"?{query}")
                if flow and "ui" in flow and kind == "registration":
                    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": w.uniq(how)}}, f"{how} {label}: submit")
    c = w.client()
    c.init("login", "browser", "after_verification", query="?return_to=http://127.0.0.1:4455/a&after_verification_return_to=http://127.0.0.1:4455/v")
    c.init("registration", "spa", "after_verification in registration", query="?after_verification_return_to=http://127.0.0.1:4455/v")
    c.json("api with return_to", "GET", "/self-service/registration/api?return_to=http://127.0.0.1:4455/a")
    c = w.client()
    c.json("registration with an exchange code", "GET", "/self-service/registration/api?return_session_token_exchange_code=true&return_to=http://127.0.0.1:4455/x")


# ------------------------------------------------------------------ sign-in with a password
@in_every_way()
def sign_in_fields(w, how):
    email = w.uniq()
    w.client().register(email)
    c = w.client()
    flow = c.init("login", how)
    for label, body in [
        ("no password", {"method": "password", "identifier": email}),
        ("empty password", {"method": "password", "identifier": email, "password": ""}),
        ("no identifier", {"method": "password", "password": PASS}),
        ("empty identifier", {"method": "password", "password": PASS, "identifier": ""}),
        ("nothing", {"method": "password"}),
        ("no method", {"password": PASS, "identifier": "nobody@example.org"}),
        ("unknown method", {"method": "magic", "password": PASS, "identifier": email}),
        ("method of another flow", {"method": "profile", "password": PASS, "identifier": email}),
        ("method that is off", {"method": "webauthn", "identifier": email}),
        ("totp as the first factor", {"method": "totp", "totp_code": "123456"}),
        ("lookup as the first factor", {"method": "lookup_secret", "lookup_secret": "abcdefgh"}),
        ("code that is off", {"method": "code", "identifier": email}),
        ("the old name of the identifier", {"method": "password", "password_identifier": "nobody@example.org", "password": PASS}),
        ("spaces around", {"method": "password", "identifier": f" {email} ", "password": "wrong"}),
        ("an unknown field", {"method": "password", "identifier": email, "password": "wrong", "extra": "x"}),
    ]:
        c.submit(flow, how, body, f"{how}: {label}")
        if how == "browser":
            kept(c, how, "login", flow, f"{how}: form after {label}")
    if how != "browser":
        c.json(f"{how}: types", "POST", flow["ui"]["action"], json_={"method": "password", "identifier": 1, "password": [], "csrf_token": csrf(flow)})
        c.json(f"{how}: a list", "POST", flow["ui"]["action"], json_=[])
        c.json(f"{how}: text", "POST", flow["ui"]["action"], data="{", headers={"Content-Type": "application/json"})
        c.json(f"{how}: nothing", "POST", flow["ui"]["action"])
        c.json(f"{how}: xml", "POST", flow["ui"]["action"], data="<a/>", headers={"Content-Type": "application/xml"})
    c.submit(flow, how, {"password": PASS, "identifier": f" {email} ", "method": "password", "transient_payload": {"a": "1"}}, f"{how}: spaces, good")
    c.submit(flow, how, {"password": PASS, "identifier": email, "method": "password"}, f"{how}: the same form again")


@scenario()
def sign_in_malformed(w):
    c = w.client()
    flow = c.init("login", "api")
    c.json("no flow id", "POST", "/self-service/login", json_={"method": "password"})
    c.json("unknown flow", "POST", f"/self-service/login?flow={NOBODY}", json_={"method": "password"})
    c.json("malformed flow id", "POST", "/self-service/login?flow=nope", json_={"method": "password"})
    c.html("unknown flow, html", "POST", f"/self-service/login?flow={NOBODY}", form={"method": "password"})
    c.html("no flow, html", "POST", "/self-service/login", form={"method": "password"})
    c.json("fetch without id", "GET", "/self-service/login/flows")
    c.json("fetch malformed", "GET", "/self-service/login/flows?id=nope")
    c.json("fetch unknown", "GET", f"/self-service/login/flows?id={NOBODY}")
    c.html("fetch unknown, html", "GET", f"/self-service/login/flows?id={NOBODY}")
    c.json("get on submit", "GET", f"/self-service/login?flow={flow['id']}")
    c.json("put on submit", "PUT", f"/self-service/login?flow={flow['id']}", json_={})
    c.json("post on init", "POST", "/self-service/login/browser")
    other = c.init("registration", "api")
    c.json("flow of another kind", "POST", f"/self-service/login?flow={other['id']}", json_={"method": "password", "identifier": "a", "password": "b"})
    c.json("fetch a flow of another kind", "GET", f"/self-service/login/flows?id={other['id']}")
    c.json("api flow with an origin", "GET", "/self-service/login/api", headers={"Origin": "http://127.0.0.1:4455"})
    c.json("api flow with a cookie", "GET", "/self-service/login/api", headers={"Cookie": "a=b"})
    c.json("refresh while signed out, api", "GET", "/self-service/login/api?refresh=true")
    c.json("refresh while signed out, browser", "GET", "/self-service/login/browser?refresh=true")
    c.json("aal2 while signed out, api", "GET", "/self-service/login/api?aal=aal2")
    c.json("aal2 while signed out, spa", "GET", "/self-service/login/browser?aal=aal2")
    c.html("aal2 while signed out, browser", "GET", "/self-service/login/browser?aal=aal2")
    c.json("aal1", "GET", "/self-service/login/api?aal=aal1")
    c.json("aal0", "GET", "/self-service/login/api?aal=aal0")
    c.json("refresh nonsense", "GET", "/self-service/login/api?refresh=maybe")
    c.json("login_challenge", "GET", "/self-service/login/browser?login_challenge=abc")
    c.html("login_challenge, html", "GET", "/self-service/login/browser?login_challenge=abc")
    c.json("login_challenge at sign-up", "GET", "/self-service/registration/browser?login_challenge=abc")
    c.html("login_challenge at sign-up, html", "GET", "/self-service/registration/browser?login_challenge=abc")
    c.json("organization", "GET", f"/self-service/login/api?organization={NOBODY}")
    c.json("organization, spa", "GET", f"/self-service/login/browser?organization={NOBODY}")
    c.json("organization nonsense", "GET", "/self-service/login/browser?organization=nope")
    c.json("organization at sign-up", "GET", f"/self-service/registration/api?organization={NOBODY}")
    c.json("organization at sign-up, spa", "GET", f"/self-service/registration/browser?organization={NOBODY}")
    c.json("via", "GET", "/self-service/login/api?via=email")


@scenario()
def sign_in_csrf(w):
    email = w.uniq()
    w.client().register(email)
    for kind, body in [("login", {"method": "password", "identifier": email, "password": PASS}),
                       ("registration", {"method": "password", "traits": {"email": w.uniq()}, "password": PASS})]:
        c, d = w.client(), w.client()
        flow = c.init(kind, "browser")
        c.html(f"{kind}: no token", "POST", flow["ui"]["action"], form={**flat(body)})
        c.html(f"{kind}: wrong token", "POST", flow["ui"]["action"], form={**flat(body), "csrf_token": "wrong"})
        d.html(f"{kind}: no cookie", "POST", flow["ui"]["action"], form={**flat(body), "csrf_token": csrf(flow)})
        theirs = d.init(kind, "browser", f"{kind}: another's form")
        c.html(f"{kind}: another's token", "POST", flow["ui"]["action"], form={**flat(body), "csrf_token": csrf(theirs)})
        c.html(f"{kind}: on another's form", "POST", theirs["ui"]["action"], form={**flat(body), "csrf_token": csrf(flow)})
        c.json(f"{kind}: another's form is not shown", "GET", f"/self-service/{kind}/flows?id={theirs['id']}")
        c.html(f"{kind}: another's form is not shown, html", "GET", f"/self-service/{kind}/flows?id={theirs['id']}")
        c.json(f"{kind}: script, empty token", "POST", flow["ui"]["action"], json_={**body, "csrf_token": ""})
        c.json(f"{kind}: script, token in a header", "POST", flow["ui"]["action"], json_=body, headers={"X-CSRF-Token": csrf(flow)})
        c = w.client()
        flow = c.init(kind, "api")
        c.json(f"{kind}: app with a cookie", "POST", flow["ui"]["action"], json_=body, headers={"Cookie": "a=b"})
        c.html(f"{kind}: app as a browser", "POST", flow["ui"]["action"], form=flat(body))


def flat(body):
    return dict(flatten(body))


@scenario()
def sign_in_already(w):
    """Submitting or opening forms while somebody is signed in."""
    email = w.uniq()
    for how in ("spa", "browser"):
        c = w.client()
        flow = c.init("login", how, f"{how}: login form")
        up = c.init("registration", how, f"{how}: registration form")
        c.register(w.uniq(how), how="browser")
        c.submit(flow, how, {"method": "password", "password": PASS, "identifier": email}, f"{how}: sign in to another")
        c.submit(up, how, {"method": "password", "password": PASS, "traits": {"email": w.uniq(how)}}, f"{how}: sign up again")
        c.init("login", how, f"{how}: open with return_to", query="?return_to=http://127.0.0.1:4455/here")
        c.init("login", how, f"{how}: open with a bad return_to", query="?return_to=http://evil.example.org/here")
        c.init("registration", how, f"{how}: open sign-up with return_to", query="?return_to=http://127.0.0.1:4455/here")
        c.init("login", how, f"{how}: open with a challenge", query="?login_challenge=abc")


@scenario()
def sign_in_already_app(w):
    d = w.client()
    token = d.register(w.uniq())["session_token"]
    h = {"X-Session-Token": token}
    d.json("api: open", "GET", "/self-service/login/api", headers=h)
    d.json("api: open sign-up", "GET", "/self-service/registration/api", headers=h)
    flow = w.client().init("login", "api", "api: form")
    d.json("api: submit", "POST", flow["ui"]["action"], json_={"method": "password", "password": PASS, "identifier": "x"}, headers=h)
    flow = w.client().init("registration", "api", "api: sign-up form")
    d.json("api: submit sign-up", "POST", flow["ui"]["action"], json_={"method": "password", "password": PASS, "traits": {"email": w.uniq()}}, headers=h)


@in_every_way()
def sign_in_again(w, how):
    """Refreshing a session."""
    email, other = w.uniq(), w.uniq()
    w.client().register(other)
    c = w.client()
    mail = w.uniq(how)
    who = c.register(mail, how=how)
    h = {"X-Session-Token": who["session_token"]} if how == "api" else {}
    flow = c.init("login", how, f"{how}: refresh", query="?refresh=true", headers=h)
    c.submit(flow, how, {"method": "password", "password": "wrong", "identifier": mail}, f"{how}: wrong password", headers=h)
    c.submit(flow, how, {"method": "password", "password": PASS, "identifier": other}, f"{how}: somebody else", headers=h)
    c.json(f"{how}: whoami", "GET", "/sessions/whoami", headers=h)
    flow = c.init("login", how, f"{how}: refresh again", query="?refresh=true&return_to=http://127.0.0.1:4455/z", headers=h)
    c.submit(flow, how, {"method": "password", "password": PASS, "identifier": mail}, f"{how}: good", headers=h)
    c.json(f"{how}: whoami again", "GET", "/sessions/whoami", headers=h)
    d = w.client()
    flow = c.init("login", how, f"{how}: refresh, third", query="?refresh=true", headers=h)
    d.cookies = {k: v for k, v in c.cookies.items() if "session" not in k}
    d.submit(flow, how, {"method": "password", "password": PASS, "identifier": mail}, f"{how}: submitted while signed out")


@in_every_way()
def sign_in_disabled(w, how):
    email = w.uniq()
    who = w.client().register(email)
    w.admin("PATCH", f"/admin/identities/{who['identity']['id']}", json=[{"op": "replace", "path": "/state", "value": "inactive"}])
    c = w.client()
    flow = c.init("login", how)
    c.submit(flow, how, {"method": "password", "password": PASS, "identifier": email}, f"{how}: submit")
    kept(c, how, "login", flow, f"{how}: form afterwards")


@scenario()
def sign_in_imported(w):
    """Accounts with password hashes of other systems."""
    hashes = {
        "bcrypt": "$2a$04$zRAOTBmGAuBJ0eJJUMKPGeSeyCBHkbT9H6oPtLcOJzP0ERRPEcqMG",
        "md5": "$md5$CY9rzUYh03PK3k6DJie09g==",
        "sha1": "$sha1$pf=e1NBTFR9e1BBU1NXT1JEfQ==$c2FsdA==$x",
        "ssha": "{SSHA}JFZFs0oHzxbMwkSJmYVeI8MnTDy/276a",
        "plain": "test",
    }
    for name, hashed in hashes.items():
        email = w.uniq(name)
        c = w.client()
        c.json(f"{name}: import", "POST", f"{ADMIN}/admin/identities",
               json_={"schema_id": "person", "traits": {"email": email}, "credentials": {"password": {"config": {"hashed_password": hashed}}}})
        flow = c.init("login", "api", f"{name}: form")
        c.submit(flow, "api", {"method": "password", "password": "test", "identifier": email}, f"{name}: sign in")
        c.submit(flow, "api", {"method": "password", "password": "wrong", "identifier": email}, f"{name}: wrong")


@in_every_way("passwordless")
def sign_in_identifier_first(w, how):
    """The identifier on the first screen; nobody learns who has an account."""
    email = w.uniq()
    c = w.client()
    flow = c.init("registration", "api", "sign up")
    c.submit(flow, "api", {"method": "password", "password": PASS, "traits": {"email": email}}, "signed up")
    for label, body in [("empty", {"method": "identifier_first", "identifier": ""}), ("absent", {"method": "identifier_first"}),
                        ("password on the first screen", {"method": "password", "password": "wrong", "identifier": email}),
                        ("no password on the first screen", {"method": "password", "identifier": email}),
                        ("no method", {"identifier": email}),
                        ("good password on the first screen", {"method": "password", "password": PASS, "identifier": email})]:
        c = w.client()
        flow = c.init("login", how, f"{how}: form for {label}")
        c.submit(flow, how, body, f"{how}: {label}")
        kept(c, how, "login", flow, f"{how}: form after {label}")
    c = w.client()
    flow = c.init("login", how, f"{how}: afresh")
    c.submit(flow, how, {"method": "identifier_first", "identifier": email, "transient_payload": {"a": "b"}}, f"{how}: identifier")
    kept(c, how, "login", flow, f"{how}: second screen")
    c.submit(flow, how, {"method": "password", "password": "wrong", "identifier": email}, f"{how}: wrong password")
    kept(c, how, "login", flow, f"{how}: form after a wrong password")
    c.submit(flow, how, {"method": "password", "password": "", "identifier": email}, f"{how}: no password")
    c.submit(flow, how, {"method": "password", "password": PASS, "identifier": email}, f"{how}: good")
    c = w.client()
    flow = c.init("login", how, f"{how}: for nobody", query="?return_to=http://127.0.0.1:4455/x")
    c.submit(flow, how, {"method": "password", "password": "wrong", "identifier": "nobody@example.org"}, f"{how}: nobody, password")
    kept(c, how, "login", flow, f"{how}: nobody, form")


@scenario("passwordless")
def sign_in_identifier_first_refresh(w):
    email = w.uniq()
    c = w.client()
    flow = c.init("registration", "api", "sign up")
    c.submit(flow, "api", {"method": "password", "password": PASS, "traits": {"email": email}}, "signed up")
    who = w.client()
    flow = who.init("login", "spa", "sign in to refresh")
    who.submit(flow, "spa", {"method": "password", "password": PASS, "identifier": email}, "signed in")
    for how in ("spa", "browser"):
        flow = who.init("login", how, f"{how}: refresh", query="?refresh=true")
        who.submit(flow, how, {"method": "password", "password": "wrong", "identifier": email}, f"{how}: refresh, wrong")
        who.submit(flow, how, {"method": "password", "password": PASS, "identifier": email}, f"{how}: refresh, good")


@in_every_way("identifier-first")
def sign_in_identifier_first_open(w, how):
    """The identifier on the first screen, where forms tell who has an account; one sign-up screen."""
    email, bare = w.uniq(), w.uniq("bare")
    c = w.client()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "profile", "traits": {"email": w.uniq(how)}}, f"{how}: details alone")
    c.submit(flow, how, {"method": "password", "password": "x", "traits": {"email": w.uniq(how)}}, f"{how}: short password")
    kept(c, how, "registration", flow, f"{how}: form afterwards")
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: sign up")
    w.admin("POST", "/admin/identities", json={"schema_id": "person", "traits": {"email": bare}})
    for label, identifier in [("nobody", "nobody@example.org"), ("empty", ""), ("somebody", email), ("upper case", email.upper()), ("no password", bare), ("spaces", f" {email} ")]:
        c = w.client()
        flow = c.init("login", how, f"{how}: form for {label}")
        c.submit(flow, how, {"method": "identifier_first", "identifier": identifier}, f"{how}: {label}")
        kept(c, how, "login", flow, f"{how}: form after {label}")
    c = w.client()
    flow = c.init("login", how, f"{how}: on")
    c.submit(flow, how, {"method": "identifier_first", "identifier": email}, f"{how}: identifier")
    c.submit(flow, how, {"method": "password", "password": PASS, "identifier": email}, f"{how}: password")
    c.json(f"{how}: whoami", "GET", "/sessions/whoami")


@in_every_way("identifier-first-secret")
def sign_in_identifier_first_secret(w, how):
    """As above, with passwords alone and accounts that must not be told apart."""
    email = w.uniq()
    w.client().register(email)
    for label, identifier in [("nobody", "nobody@example.org"), ("empty", ""), ("somebody", email)]:
        c = w.client()
        flow = c.init("login", how, f"{how}: form for {label}")
        c.submit(flow, how, {"method": "identifier_first", "identifier": identifier}, f"{how}: {label}")
        kept(c, how, "login", flow, f"{how}: form after {label}")
        c.submit(flow, how, {"method": "password", "password": "wrong", "identifier": identifier}, f"{how}: {label}, wrong password")
        c.submit(flow, how, {"method": "password", "password": PASS, "identifier": identifier}, f"{how}: {label}, password")
    c = w.client()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": email}}, f"{how}: sign up with the same address")
