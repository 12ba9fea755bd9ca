"""Placeholders."""

import unittest
from datetime import UTC, datetime

from checker.normal import Normaliser, cookie

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()
ONE, OTHER = "6b8a4c1e-0000-4000-8000-000000000001", "6b8a4c1e-0000-4000-8000-000000000002"


def normaliser() -> Normaliser:
    return Normaliser(now=lambda: NOON)


class Ids(unittest.TestCase):
    def test_are_numbered_as_they_first_appear(self) -> None:
        found = normaliser().value([ONE, OTHER, ONE])
        self.assertEqual(found, ["<uuid1>", "<uuid2>", "<uuid1>"])

    def test_are_numbered_by_the_order_of_names_and_not_of_members(self) -> None:
        self.assertEqual(normaliser().value({"b": ONE, "a": OTHER}), {"a": "<uuid1>", "b": "<uuid2>"})

    def test_keep_their_number_from_one_exchange_to_the_next(self) -> None:
        scenario = normaliser()
        scenario.text(ONE)
        self.assertEqual(scenario.url(f"http://x/flows?id={OTHER}&of={ONE}"), "http://x/flows?id=<uuid2>&of=<uuid1>")

    def test_tokens_are_numbered_by_kind(self) -> None:
        found = normaliser().value(["ory_st_abc", "ory_lo_abc", "ory_st_def", "f" * 64])
        self.assertEqual(found, ["<ory_st1>", "<ory_lo1>", "<ory_st2>", "<hex1>"])


class Times(unittest.TestCase):
    def check(self, time: str, shown: str) -> None:
        self.assertEqual(normaliser().text(time), shown)

    def test_are_told_from_now(self) -> None:
        self.check("2026-01-02T12:00:20.123456Z", "<now>")
        self.check("2026-01-02T13:00:02Z", "<now+60m>")
        self.check("2026-01-02T11:59:00Z", "<now-1m>")

    def test_keep_their_zone(self) -> None:
        self.check("2026-01-02T14:00:00+02:00", "<now+02:00>")

    def test_that_stand_for_never_are_kept(self) -> None:
        self.check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")


class Members(unittest.TestCase):
    def check(self, value: object, shown: object) -> None:
        self.assertEqual(normaliser().value(value), shown)

    def test_sentences_are_not_compared_but_for_the_title_of_a_trait(self) -> None:
        self.check({"id": 4000006, "text": "No."}, {"id": 4000006, "text": "<text>"})
        self.check({"id": 1070002, "text": "E-Mail"}, {"id": 1070002, "text": "E-Mail"})
        self.check({"reason": ""}, {"reason": ""})

    def test_a_status_is_compared_and_a_secret_is_not(self) -> None:
        self.check({"code": 404}, {"code": 404})
        self.check({"code": "123456", "expires_at_unix": 12}, {"code": "<v>", "expires_at_unix": "<n>"})
        self.check({"secrets": ["a", "b"]}, {"secrets": "<2 secrets>"})

    def test_a_token_of_a_form_is_there_or_not(self) -> None:
        self.check({"name": "csrf_token", "value": "abc"}, {"name": "csrf_token", "value": "<csrf>"})
        self.check({"name": "csrf_token", "value": ""}, {"name": "csrf_token", "value": ""})

    def test_what_stands_for_an_address_is_there_or_not(self) -> None:
        choice = {"name": "recovery_select_address", "value": "A" * 43 + "="}
        self.check(choice, {"name": "recovery_select_address", "value": "<choice>"})
        plain = {"name": "recovery_select_address", "value": "a@example.org"}
        self.check(plain, plain)

    def test_json_in_a_text_is_read(self) -> None:
        self.check(
            {"value": '{"challenge":"AAAAAAAAAAAAAAAAAAAA","rp":{"id":"localhost"}}'},
            {"value": {"<json>": {"challenge": "<v>", "rp": {"id": "localhost"}}}},
        )
        self.check({"value": "{nonsense"}, {"value": "{nonsense"})

    def test_other_values_are_kept(self) -> None:
        self.check([None, True, 1, 1.5, "word"], [None, True, 1, 1.5, "word"])


class Texts(unittest.TestCase):
    def check(self, text: str, shown: str) -> None:
        self.assertEqual(normaliser().text(text), shown)

    def test_hashes_images_scripts_and_addresses(self) -> None:
        self.check("$2a$04$abcdefghijklmnopqrstuu", "$2a$04$<hash>")
        self.check("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=8,t=1,p=1$<hash>")
        self.check("data:image/png;base64,AAAA", "data:image/png;base64,<image>")
        self.check("window.sign({})", "window.sign(…)")
        self.check("127.0.0.1:54321", "<addr>")

    def test_random_parameters_of_urls(self) -> None:
        self.check("http://x/?state=abc&scope=email", "http://x/?state=<v>&scope=email")
        self.check("http://x/?token=abc", "http://x/?token=<v>")
        self.check("http://x/?token=ory_lo_abc", "http://x/?token=<ory_lo1>")

    def test_parameters_are_sorted(self) -> None:
        self.assertEqual(normaliser().url("http://x/?b=1&a=2#end"), "http://x/?a=2&b=1#end")


class Cookies(unittest.TestCase):
    def test_values_are_hidden_and_attributes_sorted(self) -> None:
        found = cookie("s=abc; Path=/; Expires=Fri, 02 Jan 2026 12:00:00 GMT; HttpOnly")
        self.assertEqual(found, "s=<v>; Expires=<time>; HttpOnly; Path=/")

    def test_ages_are_whole_minutes_where_seconds_went_by(self) -> None:
        self.assertEqual(cookie("s=abc; Max-Age=3597"), "s=<v>; Max-Age=3600")
        self.assertEqual(cookie("s=abc; Max-Age=3600"), "s=<v>; Max-Age=3600")
        self.assertEqual(cookie("s=abc; Max-Age=3650"), "s=<v>; Max-Age=3650")

    def test_a_cookie_that_ends_is_gone(self) -> None:
        self.assertEqual(cookie("s=; Max-Age=0"), "s=<gone>; Max-Age=0")
