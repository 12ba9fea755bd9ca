"""Recovery with a choice of addresses (`feature_flags.choose_recovery_address`). Run by check.py; `choose.json` holds what Kratos v26.2 answers."""
from checker import ADMIN, node, scenario

HOWS = ("api", "spa", "browser")


def make(w, emails, phone=None):
    traits = {"username": w.uniq("name"), "emails": emails, **({"phone": phone} if phone else {})}
    r = w.admin("POST", "/admin/identities", json={"schema_id": "customer", "traits": traits})
    if r.status_code != 201:
        raise RuntimeError(r.text[:300])
    return r.json()["id"]


def pick(form, addresses, address):
    """What stands for one of the addresses on a form: choices stand there in the order of their addresses."""
    choices = [n["attributes"]["value"] for n in form["ui"]["nodes"] if n["attributes"].get("name") == "recovery_select_address"]
    return dict(zip(sorted(addresses), choices, strict=True))[address]


def again(c, flow, label):
    """Fetches a form: a native one by a client of its own, since the fetch sets a cookie, and native forms are sent without."""
    c = c.wire.client() if flow["type"] == "api" else c
    return c.json(label, "GET", f"/self-service/recovery/flows?id={flow['id']}").body


@scenario("recovery-choose")
def choose_one_address(w):
    for how in HOWS:
        email = w.uniq(how)
        make(w, [email])
        c = w.client()
        flow = c.init("recovery", how)
        c.submit(flow, how, {"method": "code", "recovery_address": email}, f"{how}: address")
        again(c, flow, f"{how}: flow then")
        c.submit(flow, how, {"method": "code", "code": "000000"}, f"{how}: wrong code")
        again(c, flow, f"{how}: flow after a wrong code")
        c.submit(flow, how, {"method": "code", "code": w.code(email, "recovery_code_valid"), "recovery_address": email}, f"{how}: right code")
        c.json(f"{how}: whoami", "GET", "/sessions/whoami")
        c.json(f"{how}: flow in the end", "GET", f"/self-service/recovery/flows?id={flow['id']}")


@scenario("recovery-choose")
def choose_unknown_address(w):
    for how in HOWS:
        c = w.client()
        flow = c.init("recovery", how)
        for label, value in (("empty", ""), ("no address", "nope"), ("unknown phone", "+491700000000")):
            other = c.init("recovery", how, f"{how}: flow for {label}")
            c.submit(other, how, {"method": "code", "recovery_address": value}, f"{how}: {label}")
            again(c, other, f"{how}: flow after {label}")
        email = w.uniq(f"nobody-{how}")
        c.submit(flow, how, {"method": "code", "recovery_address": email}, f"{how}: unknown")
        again(c, flow, f"{how}: flow after unknown")
        w.note(f"{how}: mail", w.mail(email, "recovery_code_invalid")["template_type"])
        c.submit(flow, how, {"method": "code", "code": "000000", "recovery_address": email}, f"{how}: some code")
        again(c, flow, f"{how}: flow after some code")


def through(w, how, typed, picked, confirmed, code_at):
    emails, phone = [w.uniq(how), w.uniq(f"second-{how}")], {"api": "+491701234561", "spa": "+491701234562", "browser": "+491701234563"}[how] if code_at == "phone" else None
    known = {"first": emails[0], "second": emails[1], "phone": phone, "wrong": "wrong@example.org"}
    make(w, emails, phone)
    c = w.client()
    flow = c.init("recovery", how)
    c.submit(flow, how, {"method": "code", "recovery_address": known[typed]}, f"{how}: address")
    form, choices = again(c, flow, f"{how}: choice"), [a for a in (*emails, phone) if a]
    c.submit(flow, how, {"method": "code", "recovery_select_address": pick(form, choices, known[picked]), "recovery_address": known[typed]}, f"{how}: picked")
    again(c, flow, f"{how}: after the choice")
    if confirmed:
        c.submit(flow, how, {"method": "code", "recovery_confirm_address": known[confirmed], "recovery_address": known[typed]}, f"{how}: confirmed")
        again(c, flow, f"{how}: after confirming")
    if confirmed == "wrong":
        c.submit(flow, how, {"method": "code", "code": "000000"}, f"{how}: code")
        return
    to = known[code_at]
    code = w.code(to, "recovery_code_valid")
    c.submit(flow, how, {"method": "code", "recovery_confirm_address": to, "recovery_address": known[typed]}, f"{how}: resend")
    again(c, flow, f"{how}: after sending again")
    c.submit(flow, how, {"method": "code", "code": code}, f"{how}: earlier code")
    w.forget(to, "recovery_code_valid")
    c.submit(flow, how, {"method": "code", "code": w.code(to, "recovery_code_valid")}, f"{how}: code")


@scenario("recovery-choose")
def choose_the_typed_address(w):
    for how in HOWS:
        through(w, how, "first", "first", None, "first")


@scenario("recovery-choose")
def choose_the_other_address(w):
    for how in HOWS:
        through(w, how, "first", "second", "second", "second")


@scenario("recovery-choose")
def choose_a_phone(w):
    for how in HOWS:
        through(w, how, "first", "phone", "phone", "phone")


@scenario("recovery-choose")
def choose_and_confirm_wrongly(w):
    for how in HOWS:
        through(w, how, "first", "second", "wrong", "second")


@scenario("recovery-choose")
def choose_odd_input(w):
    for how in HOWS:
        emails = [w.uniq(how), w.uniq(f"second-{how}")]
        make(w, emails)
        c = w.client()
        flow = c.init("recovery", how)
        for label, payload in (("nothing", {}), ("v1 address", {"email": emails[0]}), ("a code too early", {"code": "123456"}), ("previous", {"screen": "previous"}), ("unknown method", {"method": "magic", "recovery_address": emails[0]})):
            other = c.json("", "GET", f"/self-service/recovery/{'api' if how == 'api' else 'browser'}", record=False).body
            c.submit(other, how, {"method": "code", **payload}, f"{how}: {label}")
            again(c, other, f"{how}: flow after {label}")
        c.submit(flow, how, {"method": "code", "recovery_address": emails[0]}, f"{how}: address")
        c.submit(flow, how, {"method": "code", "recovery_address": emails[0]}, f"{how}: nothing picked")
        again(c, flow, f"{how}: after nothing picked")
        c.submit(flow, how, {"method": "code", "recovery_select_address": "nope", "recovery_address": emails[0]}, f"{how}: picked nonsense")
        form = again(c, flow, f"{how}: after nonsense")
        c.submit(flow, how, {"method": "code", "recovery_select_address": pick(form, emails, emails[1]), "recovery_address": emails[0]}, f"{how}: picked the second")
        c.submit(flow, how, {"method": "code", "screen": "previous", "recovery_address": emails[0]}, f"{how}: back")
        again(c, flow, f"{how}: after going back")
        c.submit(flow, how, {"method": "code", "recovery_select_address": pick(form, emails, emails[0]), "recovery_address": emails[0]}, f"{how}: picked the first")
        c.submit(flow, how, {"method": "code", "screen": "previous", "recovery_address": emails[0]}, f"{how}: back from the code")
        again(c, flow, f"{how}: after going back from the code")
        c.submit(flow, how, {"method": "code", "recovery_select_address": pick(form, emails, emails[0]), "recovery_address": emails[0]}, f"{how}: picked again")
        for i in range(6):
            r = c.submit(flow, how, {"method": "code", "code": f"00000{i}"}, f"{how}: wrong {i}")


@scenario("recovery-choose")
def choose_operator(w):
    email = w.uniq()
    iid = make(w, [email])
    for flow_type in ("browser", "api"):
        made = w.admin("POST", "/admin/recovery/code", json={"identity_id": iid, "flow_type": flow_type}).json()
        c = w.client()
        flow = c.json(f"{flow_type}: the form", "GET", "/self-service/recovery/flows?id=" + made["recovery_link"].split("flow=")[1]).body
        c.submit(flow, "api" if flow_type == "api" else "spa", {"method": "code", "code": made["recovery_code"]}, f"{flow_type}: code")
