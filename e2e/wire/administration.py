"""What operators do: identities, imports, sessions, messages. Run by check.py; `administration.json` holds what Kratos v26.2 answers."""
import base64
import time
from urllib.parse import parse_qs, urlsplit

from checker import ADMIN, scenario

PASS = "a-v3ry-g00d-Pass!"
NOBODY = "1f2f3f4f-0000-4000-8000-000000000000"
BASE = f"{ADMIN}/admin/identities"
SESSIONS = f"{ADMIN}/admin/sessions"


def make(w, email=None, **more):
    r = w.admin("POST", "/admin/identities", json={"schema_id": "member", "traits": {"email": email or w.uniq()}, **more})
    if r.status_code != 201:
        raise RuntimeError(f"could not make an identity: {r.status_code} {r.text[:300]}")
    return r.json()


def add_totp(w, c):
    import pyotp
    from checker import node
    flow = c.json("", "GET", "/self-service/settings/browser", record=False).body
    secret = node(flow, "totp_secret_key")["text"]["text"]
    c.submit(flow, "spa", {"method": "totp", "totp_code": pyotp.TOTP(secret).now()}, "", record=False)


def add_lookup_secrets(w, c):
    flow = c.json("", "GET", "/self-service/settings/browser", record=False).body
    flow = c.submit(flow, "spa", {"method": "lookup_secret", "lookup_secret_regenerate": True}, "", record=False).body
    c.submit(flow, "spa", {"method": "lookup_secret", "lookup_secret_confirm": True}, "", record=False)


# ------------------------------------------------------------------ creating
@scenario("administration")
def identity_create(w):
    c = w.client()
    email = w.uniq
    for label, body in [
            ("least", {"traits": {"email": email()}}),
            ("schema", {"schema_id": "member", "traits": {"email": email()}}),
            ("empty schema", {"schema_id": "", "traits": {"email": email()}}),
            ("other schema", {"schema_id": "customer", "traits": {"username": "Someone", "emails": [email(), email()], "phone": "+491701234567"}}),
            ("inactive", {"traits": {"email": email()}, "state": "inactive"}),
            ("unknown state", {"traits": {"email": email()}, "state": "gone"}),
            ("empty state", {"traits": {"email": email()}, "state": ""}),
            ("external id", {"traits": {"email": email()}, "external_id": "ext-1"}),
            ("same external id", {"traits": {"email": email()}, "external_id": "ext-1"}),
            ("empty external id", {"traits": {"email": email()}, "external_id": ""}),
            ("organization", {"traits": {"email": email()}, "organization_id": NOBODY}),
            ("bad organization", {"traits": {"email": email()}, "organization_id": "nope"}),
            ("null organization", {"traits": {"email": email()}, "organization_id": None}),
            ("metadata", {"traits": {"email": email()}, "metadata_public": {"a": [1, {"b": None}]}, "metadata_admin": "text"}),
            ("null metadata", {"traits": {"email": email()}, "metadata_public": None, "metadata_admin": None}),
            ("verified", {"traits": {"email": "v.create@example.org"}, "verifiable_addresses": [{"value": "v.create@example.org", "via": "email", "verified": True, "status": "completed", "verified_at": "1971-02-03T04:05:06Z"}]}),
            ("verified another address", {"traits": {"email": email()}, "verifiable_addresses": [{"value": "w.create@example.org", "via": "email", "verified": True}]}),
            ("recovery address", {"traits": {"email": "r.create@example.org"}, "recovery_addresses": [{"value": "r.create@example.org", "via": "email"}]}),
            ("unknown key", {"traits": {"email": email()}, "nope": 1}),
            ("traits null", {"traits": None}), ("traits list", {"traits": []}), ("traits text", {"traits": "x"}),
            ("bad trait", {"traits": {"email": "nope"}}), ("trait number", {"traits": {"email": 5}}),
            ("two bad traits", {"traits": {"email": "nope", "name": "x", "extra": 1}}),
            ("schema number", {"schema_id": 5, "traits": {"email": email()}}),
            ("list", []), ("null", None), ("text", "x"), ("empty", {})]:
        r = c.json(label, "POST", BASE, json_=body)
        if r.status_code == 201:
            w.note(f"{label}: place", r.headers.get("Location"))
            if label != "other schema":  # its addresses come in the order of their ids, which are random
                c.json(f"{label}: stored", "GET", f"{BASE}/{r.body['id']}")
    c.json("no body", "POST", BASE)
    c.json("malformed", "POST", BASE, data="{", headers={"Content-Type": "application/json"})
    c.json("as a form", "POST", BASE, form={"traits.email": "f.create@example.org"})
    c.json("plain text", "POST", BASE, data='{"traits":{"email":"p.create@example.org"}}', headers={"Content-Type": "text/plain"})
    c.json("without prefix", "POST", f"{ADMIN}/identities", json_={"traits": {"email": email()}})
    c.json("on the public port", "POST", "/admin/identities", json_={"traits": {"email": email()}})
    c.json("on the public port without prefix", "POST", "/identities", json_={"traits": {"email": email()}})


@scenario("administration")
def identity_imports(w):
    c = w.client()
    for label, credentials in [
            ("password", {"password": {"config": {"password": PASS}}}),
            ("weak password", {"password": {"config": {"password": "x"}}}),
            ("bcrypt", {"password": {"config": {"hashed_password": "$2a$10$ZsCsoVQ3xfBG/K2z2XpBf.tm90GZmtOqtqWcB5.pYd5Eq8y7RlDyq"}}}),
            ("argon2", {"password": {"config": {"hashed_password": "$argon2id$v=19$m=16,t=2,p=1$bVI1aE1SaTV6SGQ3bzdXdw$fnjCcZYmEPOUOjYXsT92Cg"}}}),
            ("pbkdf2", {"password": {"config": {"hashed_password": "$pbkdf2-sha256$i=1000,l=128$e8/arsEf4cvQihdNgqj0Nw$5xQQKNTyeTHx2Ld5/JDE7A"}}}),
            ("unknown hash", {"password": {"config": {"hashed_password": "plain"}}}),
            ("broken hash", {"password": {"config": {"hashed_password": "$argon2id$nope"}}}),
            ("migration hook", {"password": {"config": {"use_password_migration_hook": True}}}),
            ("empty password", {"password": {"config": {"password": ""}}}),
            ("empty config", {"password": {"config": {}}}),
            ("no config", {"password": {}}),
            ("unknown credential", {"magic": {"config": {}}}),
            ("totp", {"totp": {"config": {"totp_url": "otpauth://totp/x"}}}),
            ("oidc", {"oidc": {"config": {"providers": [{"subject": "s1", "provider": "local"}]}}}),
            ("same oidc", {"oidc": {"config": {"providers": [{"subject": "s1", "provider": "local"}]}}}),
            ("two oidc", {"oidc": {"config": {"providers": [{"subject": "S2", "provider": "local", "use_auto_link": True}, {"subject": "s3", "provider": "none", "organization": NOBODY}]}}}),
            ("oidc without a subject", {"oidc": {"config": {"providers": [{"provider": "local"}]}}}),
            ("oidc bad organization", {"oidc": {"config": {"providers": [{"subject": "s9", "provider": "local", "organization": "nope"}]}}}),
            ("saml", {"saml": {"config": {"providers": [{"subject": "s1", "provider": "idp", "organization": NOBODY}]}}}),
            ("both", {"password": {"config": {"password": PASS}}, "oidc": {"config": {"providers": [{"subject": "s4", "provider": "local"}]}}}),
            ("empty", {}), ("null", None)]:
        r = c.json(label, "POST", BASE, json_={"traits": {"email": w.uniq()}, "credentials": credentials})
        if r.status_code == 201:
            c.json(f"{label}: stored", "GET", f"{BASE}/{r.body['id']}?include_credential=password&include_credential=oidc&include_credential=saml")


@scenario("administration")
def identity_get(w):
    c = w.client()
    email = w.uniq()
    who = c.register(email, how="spa")
    add_totp(w, c)
    add_lookup_secrets(w, c)
    iid = who["identity"]["id"]
    d = w.client()
    for kind in ("password", "oidc", "totp", "lookup_secret", "code", "passkey", "saml", "link_recovery", "code_recovery", "profile", "magic", ""):
        r = d.json(kind or "none", "GET", f"{BASE}/{iid}?include_credential={kind}", record=kind not in ("totp", "lookup_secret"))
        if kind in ("totp", "lookup_secret"):
            w.note(kind, {k: sorted(v) for k, v in r.body["credentials"].items()})
    d.json("two", "GET", f"{BASE}/{iid}?include_credential=password&include_credential=code")
    d.json("commas", "GET", f"{BASE}/{iid}?include_credential=password,code")
    d.json("unknown with a bad kind", "GET", f"{BASE}/{NOBODY}?include_credential=magic")
    d.json("without prefix", "GET", f"{ADMIN}/identities/{iid}")
    d.json("on the public port", "GET", f"/admin/identities/{iid}")
    d.json("on the public port without prefix", "GET", f"/identities/{iid}")
    d.json("head", "HEAD", f"{BASE}/{iid}")
    d.json("trailing slash", "GET", f"{BASE}/{iid}/")
    d.json("post", "POST", f"{BASE}/{iid}", json_={})
    made = make(w, external_id="an/ext id")
    d.json("by external id", "GET", f"{BASE}/by/external/an%2Fext%20id")
    d.json("by external id with credentials", "GET", f"{BASE}/by/external/an%2Fext%20id?include_credential=password")
    d.json("by external id, bad kind", "GET", f"{BASE}/by/external/an%2Fext%20id?include_credential=magic")
    d.json("by unknown external id", "GET", f"{BASE}/by/external/none")
    d.json("by no external id", "GET", f"{BASE}/by/external/")
    d.json("by external id on the public port", "GET", "/admin/identities/by/external/x")


@scenario("administration")
def identity_patch(w):
    c = w.client()
    email = w.uniq()
    who = c.register(email)
    other = make(w)
    url = f"{BASE}/{who['identity']['id']}"
    op = lambda o, p, *v: [{"op": o, "path": p, **({"value": v[0]} if v else {})}]
    for label, patch in [
            ("nothing", []), ("metadata", op("add", "/metadata_public", {"a": 1})), ("deep", op("replace", "/metadata_public/a", 2)), ("deeper, missing", op("add", "/metadata_public/x/y", 1)),
            ("remove", op("remove", "/metadata_public/a")), ("remove missing", op("remove", "/metadata_public/nope")), ("remove metadata", op("remove", "/metadata_public")),
            ("admin metadata", op("replace", "/metadata_admin", {"a": [1, 2]})), ("array end", op("add", "/metadata_admin/a/-", 3)), ("array index", op("replace", "/metadata_admin/a/0", 9)), ("array beyond", op("replace", "/metadata_admin/a/9", 9)),
            ("trait", op("add", "/traits/name", "New")), ("bad trait", op("replace", "/traits/email", "nope")), ("unknown trait", op("add", "/traits/x", 1)), ("taken address", op("replace", "/traits/email", other["traits"]["email"])),
            ("remove needed trait", op("remove", "/traits/email")), ("all traits", op("replace", "/traits", {"email": email})),
            ("state", op("replace", "/state", "inactive")), ("same state", op("replace", "/state", "inactive")), ("active", op("replace", "/state", "active")), ("unknown state", op("replace", "/state", "gone")), ("state number", op("replace", "/state", 5)),
            ("external id", op("add", "/external_id", "patched")), ("remove external id", op("remove", "/external_id")), ("schema", op("replace", "/schema_id", "none")), ("organization", op("add", "/organization_id", NOBODY)), ("bad organization", op("add", "/organization_id", "x")),
            ("id", op("replace", "/id", NOBODY)), ("id, capitals", op("replace", "/ID", NOBODY)), ("credentials", op("replace", "/credentials", {})), ("oidc", op("add", "/credentials/oidc/config/providers", [])), ("password", op("replace", "/credentials/password/config/hashed_password", "$2a$04$ZsCsoVQ3xfBG/K2z2XpBf.tm90GZmtOqtqWcB5.pYd5Eq8y7RlDyq")),
            ("state_changed_at", op("replace", "/state_changed_at", "1971-01-01T00:00:00Z")), ("stateChangedAt", op("replace", "/stateChangedAt", "1971-01-01T00:00:00Z")),
            ("verified", op("replace", "/verifiable_addresses/0/verified", True)), ("unknown root", op("add", "/nope", 1)), ("root", op("replace", "", {})), 
            ("copy", [{"op": "copy", "from": "/traits/email", "path": "/metadata_public"}]), ("move", [{"op": "move", "from": "/traits/name", "path": "/metadata_public"}]), ("test", op("test", "/state", "active")), ("failing test", op("test", "/state", "x")),
            ("unknown op", op("jump", "/state", "x")), ("no op", [{"path": "/state", "value": "active"}]), ("no path", [{"op": "add", "value": 1}]), ("no value", op("add", "/metadata_public")), ("null value", op("add", "/metadata_public", None)),
            ("two, one fails", op("add", "/metadata_public", {"z": 1}) + op("replace", "/traits/email", 5)), ("escapes", op("add", "/metadata_public", {}) + op("add", "/metadata_public/a~1b", 1)), ("object", {"op": "add"}), ("null", None), ("text", "x")]:
        c.json(label, "PATCH", url, json_=patch)
    c.json("stored", "GET", url)
    c.json("malformed", "PATCH", url, data="[", headers={"Content-Type": "application/json"})
    c.json("json-patch type", "PATCH", url, data="[]", headers={"Content-Type": "application/json-patch+json"})
    c.json("no type", "PATCH", url, data=b"[]")
    c.json("no body", "PATCH", url, headers={"Content-Type": "application/json"})
    c.json("unknown", "PATCH", f"{BASE}/{NOBODY}", json_=[])
    c.json("malformed id", "PATCH", f"{BASE}/nope", json_=[])


@scenario("administration")
def identity_batch(w):
    c = w.client()
    one = lambda **more: {"create": {"schema_id": "member", "traits": {"email": w.uniq()}, **more}}
    taken = make(w)["traits"]["email"]
    pid = "0d0d0d0d-0000-4000-8000-000000000001"
    for label, body in [
            ("one", {"identities": [one()]}), ("two with ids", {"identities": [{**one(), "patch_id": pid}, one(credentials={"password": {"config": {"password": PASS}}})]}),
            ("one taken", {"identities": [{"create": {"traits": {"email": taken}}, "patch_id": pid}, one()]}), ("all bad", {"identities": [{"create": {"traits": {"email": "nope"}}}, {"create": {}}]}),
            ("mixed", {"identities": [one(), {"create": {"traits": {"email": "nope"}}, "patch_id": pid}, {"create": {"schema_id": "none", "traits": {}}}, {}, one()]}),
            ("same twice", {"identities": [{"create": {"traits": {"email": "twice.batch@example.org"}}}, {"create": {"traits": {"email": "twice.batch@example.org"}}}]}),
            ("bad state", {"identities": [one(), one(state="gone")]}), ("bad hash", {"identities": [one(), one(credentials={"password": {"config": {"hashed_password": "x"}}})]}),
            ("same external id", {"identities": [one(external_id="batch"), one(external_id="batch")]}), ("oidc", {"identities": [one(credentials={"oidc": {"config": {"providers": [{"subject": "b1", "provider": "local"}]}}})]}),
            ("none", {"identities": []}), ("null list", {"identities": None}), ("empty", {}), ("bad patch id", {"identities": [{**one(), "patch_id": "x"}]}), ("unknown key", {"identities": [], "nope": 1}),
            ("unknown key in create", {"identities": [one(nope=1)]}), ("list", []), ("too many", {"identities": [{"create": {"traits": {"email": "x"}}}] * 1001})]:
        c.json(label, "PATCH", BASE, json_=body)
    c.json("malformed", "PATCH", BASE, data="{", headers={"Content-Type": "application/json"})
    c.json("no body", "PATCH", BASE)
    c.json("on the public port", "PATCH", "/admin/identities", json_={"identities": []})


@scenario("administration")
def identity_delete(w):
    c = w.client()
    who = c.register(w.uniq())
    iid = who["identity"]["id"]
    c.json("delete", "DELETE", f"{BASE}/{iid}")
    c.json("whoami", "GET", "/sessions/whoami", headers={"X-Session-Token": who["session_token"]})
    c.json("session", "GET", f"{SESSIONS}/{who['session']['id']}")
    c.json("sessions", "GET", f"{BASE}/{iid}/sessions")
    c.json("again", "DELETE", f"{BASE}/{iid}")
    c.json("malformed", "DELETE", f"{BASE}/nope")
    c.json("all", "DELETE", BASE)
    c.json("on the public port", "DELETE", f"/admin/identities/{iid}")


@scenario("administration")
def credentials_delete(w):
    c = w.client()
    email = w.uniq()
    who = c.register(email, how="spa")
    add_totp(w, c)
    add_lookup_secrets(w, c)
    iid = who["identity"]["id"]
    url = f"{BASE}/{iid}/credentials"
    d = w.client()
    for kind in ("password", "totp", "totp", "lookup_secret", "lookup_secret", "webauthn", "passkey", "oidc", "saml", "code", "profile", "link_recovery", "code_recovery", "magic"):
        d.json(kind, "DELETE", f"{url}/{kind}")
    d.json("none", "DELETE", f"{url}/")
    d.json("get", "GET", f"{url}/password")
    c.json("whoami", "GET", "/sessions/whoami")
    two = make(w, credentials={"password": {"config": {"password": PASS}}, "oidc": {"config": {"providers": [{"subject": "d1", "provider": "local"}, {"subject": "d2", "provider": "local"}]}}})["id"]
    d.json("oidc without identifier", "DELETE", f"{BASE}/{two}/credentials/oidc")
    d.json("oidc, empty identifier", "DELETE", f"{BASE}/{two}/credentials/oidc?identifier=")
    d.json("oidc, unknown identifier", "DELETE", f"{BASE}/{two}/credentials/oidc?identifier=local:nope")
    d.json("oidc, odd identifier", "DELETE", f"{BASE}/{two}/credentials/oidc?identifier=nope")
    d.json("oidc, first", "DELETE", f"{BASE}/{two}/credentials/oidc?identifier=local:d1")
    d.json("oidc left", "GET", f"{BASE}/{two}?include_credential=oidc")
    d.json("password of two", "DELETE", f"{BASE}/{two}/credentials/password")
    d.json("password gone", "GET", f"{BASE}/{two}?include_credential=password")
    d.json("password again", "DELETE", f"{BASE}/{two}/credentials/password")
    d.json("oidc, last", "DELETE", f"{BASE}/{two}/credentials/oidc?identifier=local:d2")
    d.json("oidc left in the end", "GET", f"{BASE}/{two}?include_credential=oidc")
    d.json("unknown identity", "DELETE", f"{BASE}/{NOBODY}/credentials/totp")
    d.json("malformed identity", "DELETE", f"{BASE}/nope/credentials/totp")


# ------------------------------------------------------------------ sessions
def paged(w, c, label, url):
    """Notes status, count and links of a list, with its tokens left out."""
    r = c.json(label, "GET", url, record=False)
    links = []
    for part in filter(None, r.headers.get("Link", "").split(",<")):
        link, _, rel = part.strip("<").partition(">")
        query = {k: "…" if k == "page_token" else v[0] for k, v in parse_qs(urlsplit(link).query, keep_blank_values=True).items()}
        links.append([urlsplit(link).path, query, rel])
    w.note(label, {"status": r.status_code, "body": len(r.body) if isinstance(r.body, list) else r.body, "total": r.headers.get("X-Total-Count"), "links": links})
    return r


def next_page(r):
    part = next((p for p in r.headers.get("Link", "").split(",<") if 'rel="next"' in p), "")
    return parse_qs(urlsplit(part.strip("<").partition(">")[0]).query).get("page_token", [""])[0]


@scenario("listing")
def session_list_for_operators(w):
    c = w.client()
    email = w.uniq()
    first = c.register(email)
    for _ in range(3):
        last = c.login(email)
    c.json("", "DELETE", f"{SESSIONS}/{last['session']['id']}", record=False)
    for label, query in [("all", ""), ("active", "?active=true"), ("ended", "?active=false"), ("active x", "?active=x"), ("active empty", "?active="), ("active 1", "?active=1"), ("size 2", "?page_size=2"), ("size 4", "?page_size=4"), ("size 0", "?page_size=0"),
                         ("size -1", "?page_size=-1"), ("size x", "?page_size=x"), ("size 1001", "?page_size=1001"), ("token x", "?page_token=x"), ("token empty", "?page_token="), ("token of base64", "?page_token=" + base64.b64encode(b"x").decode()),
                         ("expand x", "?expand=x"), ("expand empty", "?expand="), ("ended, size 1", "?active=false&page_size=1"), ("per_page", "?per_page=2"), ("page", "?page=1&per_page=2")]:
        paged(w, c, label, SESSIONS + query)
    r = paged(w, c, "first page", f"{SESSIONS}?page_size=3")
    r = paged(w, c, "second page", f"{SESSIONS}?page_size=3&page_token={next_page(r)}")
    c.json("plain", "GET", f"{SESSIONS}?active=false")
    c.json("with identity", "GET", f"{SESSIONS}?active=false&expand=identity")
    c.json("with devices", "GET", f"{SESSIONS}?active=false&expand=devices")
    c.json("with both", "GET", f"{SESSIONS}?active=false&expand=devices&expand=identity")
    c.json("with commas", "GET", f"{SESSIONS}?active=false&expand=devices,identity")
    c.json("with capitals", "GET", f"{SESSIONS}?active=false&expand=Identity")
    base = f"{BASE}/{first['identity']['id']}/sessions"
    for label, query in [("of one", ""), ("of one, active", "?active=true"), ("of one, ended", "?active=false"), ("of one, active x", "?active=x"), ("of one, per_page 2", "?per_page=2"), ("of one, page 0", "?per_page=2&page=0"), ("of one, page 1", "?per_page=2&page=1"),
                         ("of one, page 2", "?per_page=2&page=2"), ("of one, page 9", "?per_page=2&page=9"), ("of one, page x", "?page=x"), ("of one, page -1", "?page=-1"), ("of one, per_page x", "?per_page=x"), ("of one, per_page 0", "?per_page=0"), ("of one, size", "?page_size=2"),
                         ("of one, token", "?page_token=x")]:
        paged(w, c, label, base + query)
    c.json("of one, ended in full", "GET", f"{base}?active=false")
    paged(w, c, "of nobody", f"{BASE}/{NOBODY}/sessions")
    paged(w, c, "of a malformed id", f"{BASE}/nope/sessions")
    c.json("delete all", "DELETE", base)
    paged(w, c, "then", base)
    c.json("delete of a malformed id", "DELETE", f"{BASE}/nope/sessions")
    c.json("delete of nobody", "DELETE", f"{BASE}/{NOBODY}/sessions")
    c.json("public delete", "DELETE", f"/identities/{NOBODY}/sessions")


@scenario("administration")
def session_for_operators(w):
    c = w.client()
    who = c.register(w.uniq())
    sid = who["session"]["id"]
    for label, query in [("plain", ""), ("identity", "?expand=identity"), ("devices", "?expand=devices"), ("both", "?expand=identity&expand=devices"), ("x", "?expand=x"), ("empty", "?expand="), ("capitals", "?expand=IDENTITY"), ("commas", "?expand=identity,devices")]:
        c.json(label, "GET", f"{SESSIONS}/{sid}{query}")
    c.json("unknown, x", "GET", f"{SESSIONS}/{NOBODY}?expand=x")
    c.json("whoami for operators", "GET", f"{SESSIONS}/whoami")
    c.json("whoami without prefix", "GET", f"{ADMIN}/sessions/whoami")
    c.json("without prefix", "GET", f"{ADMIN}/sessions/{sid}")
    c.json("on the public port", "GET", f"/admin/sessions/{sid}")
    c.json("list on the public port", "GET", "/admin/sessions")
    c.json("extend", "PATCH", f"{SESSIONS}/{sid}/extend")
    c.json("extend, with a body", "PATCH", f"{SESSIONS}/{sid}/extend", json_={"x": 1})
    c.json("extend unknown", "PATCH", f"{SESSIONS}/{NOBODY}/extend")
    c.json("extend malformed", "PATCH", f"{SESSIONS}/nope/extend")
    c.json("extend by POST", "POST", f"{SESSIONS}/{sid}/extend")
    c.json("extend on the public port", "PATCH", f"/admin/sessions/{sid}/extend")
    c.json("delete unknown", "DELETE", f"{SESSIONS}/{NOBODY}")
    c.json("delete malformed", "DELETE", f"{SESSIONS}/nope")
    c.json("delete", "DELETE", f"{SESSIONS}/{sid}")
    c.json("delete again", "DELETE", f"{SESSIONS}/{sid}")
    c.json("ended", "GET", f"{SESSIONS}/{sid}?expand=identity")
    c.json("delete all without prefix", "DELETE", f"{ADMIN}/sessions")
    c.json("put", "PUT", f"{SESSIONS}/{sid}")


@scenario("switched-off")
def session_extend_without_an_answer(w):
    c = w.client()
    made = make(w, w.uniq(), credentials={"password": {"config": {"password": PASS}}})
    who = c.login(made["traits"]["email"])
    c.json("extend", "PATCH", f"{SESSIONS}/{who['session']['id']}/extend")
    c.json("extend unknown", "PATCH", f"{SESSIONS}/{NOBODY}/extend")
    c.json("whoami", "GET", "/sessions/whoami", headers={"X-Session-Token": who["session_token"]})
    c.json("anonymous", "GET", "/sessions/whoami")
    d = w.client()
    d.login(made["traits"]["email"], how="spa")
    d.json("whoami in a browser", "GET", "/sessions/whoami")
    out = d.json("logout", "GET", "/self-service/logout/browser").body
    d.html("leave", "GET", out["logout_url"])


# ------------------------------------------------------------------ messages
@scenario("messages")
def courier_messages(w):
    c = w.client()
    emails = [w.uniq() for _ in range(3)]
    for email in emails:
        c.register(email)
        w.mail(email, "verification_code_valid")
    flow = c.json("", "GET", "/self-service/recovery/api", record=False).body
    c.submit(flow, "api", {"method": "code", "email": emails[0]}, "", record=False)
    w.mail(emails[0], "recovery_code_valid")
    time.sleep(1.5)
    base = f"{ADMIN}/admin/courier/messages"
    for label, query in [("all", ""), ("sent", "?status=sent"), ("queued", "?status=queued"), ("processing", "?status=processing"), ("abandoned", "?status=abandoned"), ("status x", "?status=x"), ("status empty", "?status="), ("status capitals", "?status=Sent"),
                         ("recipient", f"?recipient={emails[0]}"), ("recipient capitals", f"?recipient={emails[0].upper()}"), ("recipient none", "?recipient=none@example.org"), ("recipient empty", "?recipient="), ("both", f"?recipient={emails[0]}&status=sent"),
                         ("size 2", "?page_size=2"), ("size 4", "?page_size=4"), ("size 0", "?page_size=0"), ("size -1", "?page_size=-1"), ("size x", "?page_size=x"), ("size 501", "?page_size=501"), ("token empty", "?page_token="), ("token x", "?page_token=x"),
                         ("token long", "?page_token=" + "A" * 64), ("token not base64", "?page_token=!!!"), ("size and filter", "?page_size=1&status=sent"), ("page", "?page=1&per_page=2")]:
        paged(w, c, label, base + query)
    r = paged(w, c, "first page", f"{base}?page_size=3")
    paged(w, c, "second page", f"{base}?page_size=3&page_token={next_page(r)}")
    listed = c.json("of one", "GET", f"{base}?recipient={emails[0]}").body
    c.json("one", "GET", f"{base}/{listed[0]['id']}")
    c.json("unknown", "GET", f"{base}/{NOBODY}")
    c.json("malformed", "GET", f"{base}/nope")
    c.json("without prefix", "GET", f"{ADMIN}/courier/messages?page_size=1&recipient=none@example.org")
    c.json("on the public port", "GET", "/admin/courier/messages")
    c.json("on the public port without prefix", "GET", "/courier/messages")
    c.json("one on the public port", "GET", f"/admin/courier/messages/{NOBODY}")
    c.json("delete", "DELETE", f"{base}/{NOBODY}")
    c.json("post", "POST", base, json_={})
