// Records which texts each format of Kratos' validator takes. It needs the modules of Kratos:
//
//	cp formats.go <kratos>/x/record/main.go && cd <kratos> && go run ./x/record > formats.json
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/ory/jsonschema/v3"
)

var texts = []string{
	"", " ", "a", "A", "ü", "x y", "\x00", "\x7f", "\n", "#", "?", "/", "//", "///", "*", "%", "%2", "%20", "%zz", ":", "a:", ":a", "1:a", "a:b", "a:%zz", "a1+-.:b", "ä:b", "a/b:c", "a:b:c", "./a:b", "a?b:c", "a#b:c", "a#%zz", "a#%20", "a?%zz", "a\\b", "a\tb", "a\x7fb", "a b",
	"https://example.org/über-uns", "https://example.org/a b", "https://example.org/a%20b", "https://example.org/%", "https://example.org", "http://", "http:", "http:/a", "http:///a", "https://über.example/", "https://user:pass@example.org/", "https://us er@example.org/", "https://ü@example.org/", "https://a@b@example.org/", "https://a%zz@example.org/", "https://a%40@example.org/", "https://%41.example/", "https://%c3%bc.example/", "https://exa mple.org/", "https://a<b>c\"d/", "https://a{b/", "https://a|b/", "https://a^b/", "https://a`b/", "https://a\\b/", "https://a'b(c)/", "//example.org", "//a b", "///a b", "////a", "http://example.org:80", "http://example.org:", "http://example.org:a", "http://example.org:8o", "http://a:1:2", "ftp://a:1:2", "ftp://a:b:2", "ftp://a:1:b", "http://[::1]", "http://[::1]:80", "http://[::1]:a", "http://[::1", "http://::1]", "http://[::1]a", "http://a[::1]", "http://[1.2.3.4]", "http://[::ffff:1.2.3.4]", "http://[fe80::1%25en0]", "http://[fe80::1%en0]", "http://[fe80::1%25e%20n]", "http://[fe80::1%25%41]", "http://[fe80::1%25]", "http://[fe80::1%25e n]", "http://[x]", "http://[]", "http://[::1%2525a]", "http://[[::1]]", "http://[::1]]", "http://[::1]%41", "http://[::1]:8%30",
	"mailto:anna@example.org", "mailto:ä ö", "urn:isbn:0451450523", "tel:+49", "javascript:alert(1)", "data:,a%zz", "HTTP://A", "h%74tp://a", "cache_object:foo/bar", "cache_object/foo:bar", "foo bar:baz", "a@b:c", "-a:b", "+a:b", "a,b:c", "example.org", "example.org:80", "/a?b#c", "?#", "#a#b", "/a//b", "..", "a;b", "a=b&c", "[", "]", "{", "}", "{a}", "{a", "a}", "/{a}/{b}", "/{a/{b}", "/{{a}}", "/}a{", "/{a}{b}", "/{}", "/{a}?{b", "/a#{b", "mailto:{", "//h/{a", "//h{/a", "https://example.org/{a}/b", "https://example.org/{a/b}", "/{a}%2f", "/{a}%zz", "/{ü}", "x/{a}/{", "/a%7b",
	"2024-02-29", "2023-02-29", "2024-02-30", "2024-13-01", "2024-00-01", "2024-01-00", "2024-1-01", "2024-01-1", "24-01-01", "02024-01-01", "0000-01-01", "9999-12-31", "10000-01-01", "-001-01-01", "2024-01-01 ", " 2024-01-01", "2024/01/01", "20240101", "2024-01-011", "1900-02-29", "2000-02-29", "0000-02-29", "2024-06-31", "2024-01-01Z",
	"2024-01-01T00:00:00Z", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00z", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T23:59:60Z", "2024-01-01T23:59:59Z", "2024-01-01T23:60:00Z", "2024-01-01T1:00:00Z", "2024-01-01T01:0:00Z", "2024-01-01T01:00:0Z", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.123456789012Z", "2024-01-01T00:00:00.5", "2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+25:00", "2024-01-01T00:00:00+23:60", "2024-01-01T00:00:00+23:61", "2024-01-01T00:00:00-12:34", "2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00+01", "2024-01-01T00:00:00+01:00:00", "2024-01-01T00:00:00\u221201:00", "2024-01-01T00:00:00Z ", "2024-01-01T00:00:00ZZ", "2024-02-30T00:00:00Z", "2024-01-01T00:00Z", "2024-01-01T00:00:00.5.5Z", "2024-01-01T00:00:00 +01:00", "2024-01-01T1:00:00+01:00", "2024-01-01T00:00:00+1a:00", "2024-01-01T00:00:00*01:00",
	"00:00:00Z", "1:00:00Z", "01:00:00", "24:00:00Z", "23:59:60Z", "23:59:59.5+01:00", "23:59:59,5-01:00", "23:59:59.Z", "23:59:59+24:60", "23:59:59+24:61", "23:59:59+25:00", "12:00Z", "1:2:3Z", "01:02:3Z", "+1:00:00Z", "01:02:03z", "01:02:03.1234567890123456789Z", "T01:02:03Z",
	"1.2.3.4", "01.2.3.4", "001.002.003.004", "+1.2.3.4", "-0.2.3.4", "-1.2.3.4", "256.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.", "1.2.3.a", "1.2.3.4 ", "0000000000000000000000001.1.1.1", "99999999999999999999.1.1.1", "1_0.2.3.4", "0x1.2.3.4", "+.1.1.1", "٣.1.1.1", "...", "255.255.255.255",
	"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1::2::3", "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::01.2.3.4", "::1.2.3", "::256.1.1.1", "fe80::1%eth0", "12345::", "0001::", "00001::", "g::", ":1", "1:", ":::", "::1 ", "[::1]", "1.2.3.4::", "ABCD::abcd", "1:2:3:4:5:6:7", "1::3:4:5:6:7:8", "::1.2.3.4:1", "1:2:3:4::5:6:7:8",
	"localhost", "a.b", "a..b", ".a", "a.", "a..", ".", "-a", "a-", "a.-b", "a-.b", "a_b", "xn--a", "A.B", "1.2", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 127) + "a", "a b.c", "ex\u00e4mple.org",
	"(", "(?i)^a", "(?=a)", "[[:alpha:]]", `\pL`, `\Q(\E`, `\1`, `^[a-z]+$`, "a**", `\u0041`, `(?<a>b)`,
	"/a", "/a/b", "/~0", "/~1", "/~2", "/~", "/~~", "/~~0", "/~0~", "/~~1a", "/a~b", "//", "/ü", "#/a", "/~01", "/a/~", "~0", "/~~~0",
	"0", "1", "00", "01", "0#", "1#", "10#", "1#a", "0/a", "1/a/~0", "1/~", "12", "1a", "-1", "0a", "1/", "a/b", "0##", "999999999999999999999/a", "1 ", "0~0", "#0",
	"anna@example.org", "Anna <anna@example.org>", "anna@localhost", "anna@ex\u00e4mple.org", "\u00e4nna@example.org", "anna@", "@example.org", "a@b@c", "\"a b\"@example.org", "a b@example.org", " a@example.org", "a@example.org ", "(c)a@example.org", "a(c)@example.org", "a@example.org(c)", "a @example.org", "a@ example.org", "a..b@example.org", ".a@example.org", "a.@example.org", "\"\"@example.org", "\"a\"b@example.org", "a,b@example.org", "a;b@example.org", "<a@example.org>", "=?utf-8?q?a?=@example.org", strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 65) + "@example.org", "a@[1.2.3.4]", "a@1.2.3.4", "a\t@example.org", "\ta@example.org", "a@example.org.", "a@-example.org", "\"a\\\"b\"@example.org", "\"a\nb\"@example.org", "a\u00a0b@example.org", "a\x00@example.org", "\x01@example.org", "a@example..org", "a+b@example.org", "!#$%&'*+-/=?^_`{|}~@example.org", "a[@example.org", "a\\b@example.org", "\r\na@example.org", "\"\u00e4\"@example.org", "\"\x01\"@example.org", "\"\t\"@example.org", "\" \"@example.org",
	"2f6c5a0e-5a0a-4b43-8a4f-0f8f5b8f5b8f", "P1D", "P1Y2M", "not-a-uuid", "user@\u4f8b\u3048.jp", "\u4f8b\u3048.jp", "#fff", "steelblue",
}

func main() {
	names := []string{}
	for name := range jsonschema.Formats {
		// Libraries of phone numbers differ with their tables.
		if name != "tel" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	line := func(value any) string {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			panic(err)
		}
		return strings.TrimSpace(text.String())
	}
	fmt.Fprintf(out, "{\"formats\": %s,\n\"texts\": [\n", line(names))
	for i, text := range texts {
		var taken strings.Builder
		for _, name := range names {
			if jsonschema.Formats[name](text) {
				taken.WriteByte('1')
			} else {
				taken.WriteByte('0')
			}
		}
		end := ","
		if i == len(texts)-1 {
			end = "\n]}"
		}
		fmt.Fprintf(out, "%s%s\n", line([]any{text, taken.String()}), end)
	}
}
