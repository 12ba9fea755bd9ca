"""What is told to whoever signs up with what an account has already, where `login_hints` is on. See ../README.md."""
from common import PASS, follow, in_every_way, kept, scenario
from social import there


@in_every_way("hints")
def hints_of_a_password(w, how):
    """An account with a password, which is also called by its address in another spelling."""
    email = w.uniq(how)
    w.client().register(email)
    for label, taken in (("the same", email), ("in capitals", f" {email.upper()}")):
        c = w.client()
        flow = c.init("registration", how)
        c.submit(flow, how, {"method": "password", "password": PASS, "traits": {"email": taken}}, label)
        kept(c, how, "registration", flow, f"{label}: form")
    c = w.client()
    flow = c.init("registration", how)
    c.submit(flow, how, {"method": "code", "traits": {"email": email}}, "with a code")
    kept(c, how, "registration", flow, "with a code: form")
    code = w.code(email, "registration_code_valid")
    c.submit(flow, how, {"method": "code", "traits": {"email": email}, "code": code}, "the code")
    kept(c, how, "registration", flow, "the code: form")


@scenario("hints")
def hints_of_a_provider(w):
    w.sink.claims = {"sub": "hinted", "email": w.uniq()}
    c = w.client()
    flow = c.init("registration", "browser")
    c.html("signed up", "GET", there(c, c.submit(flow, "browser", {"provider": "local", "method": "oidc"}, "to the provider")))
    d = w.client()
    flow = d.init("registration", "browser", "again")
    d.submit(flow, "browser", {"method": "password", "password": PASS, "traits": {"email": w.sink.claims["email"]}}, "with a password")
    kept(d, "browser", "registration", flow, "with a password: form")


@scenario("hints")
def hints_for_a_provider(w):
    """A sign-up, and a sign-in, with a provider that tells the address of an account with a password."""
    email = w.uniq()
    w.client().register(email)
    w.sink.claims = {"sub": "other", "email": email}
    for kind in ("registration", "login"):
        c = w.client()
        flow = c.init(kind, "browser")
        r = c.html("back", "GET", there(c, c.submit(flow, "browser", {"provider": "local", "method": "oidc"}, "to the provider")))
        follow(c, r, f"{kind}: form")


@scenario("hints")
def hints_of_what_an_operator_made(w):
    """Accounts without a way to sign in, and with an address that is no identifier of a password."""
    for label, credentials in (("nothing", None), ("a password", {"password": {"config": {"password": PASS}}})):
        email = w.uniq()
        w.admin("POST", "/admin/identities", json={"schema_id": "person", "traits": {"email": email}, "credentials": credentials})
        c = w.client()
        flow = c.init("registration", "api")
        c.submit(flow, "api", {"method": "password", "password": PASS, "traits": {"email": email}}, label)


@scenario("hints")
def hints_in_settings(w):
    """None: a change to an address that somebody else has."""
    taken, email = w.uniq(), w.uniq()
    w.client().register(taken)
    who = w.client().register(email)
    c = w.client()
    head = {"X-Session-Token": who["session_token"]}
    flow = c.json("settings", "GET", "/self-service/settings/api", headers=head).body
    c.json("taken", "POST", flow["ui"]["action"], json_={"method": "profile", "traits": {"email": taken}}, headers=head)
