// Records what Go's regexp says of patterns: go run patterns.go > patterns.json
//
// One line for each pattern: the pattern, and a digit for each of the texts (1 where it matches), or null where it is
// refused.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"strings"
)

var texts = []string{
	"", "a", "b", "A", "ab", "ba", "abc", "ABC", "aab", "aaaa", "a1", "1", "42", "_", "-", ".", " ", "\t", "\n", "\v", "a\n", "\na", "a\nb",
	"a b", "a.b", "a-b", "é", "É", "aé", "ü", "ß", "ẞ", "ſ", "s", "S", "k", "K", "\u212a", "İ", "i", "ı", "I", "σ", "ς", "Σ", "я", "Ж", "漢", "٣",
	"\u00a0", "\u2028", "\u0085", "😀", "e\u0301", "\x00", "\x7f", "\u00ff", "\ufffd", "\U0010ffff", "[", "]", "{", "}", "a{,2}", "a{01}", "(", ")", "\\", "^", "$",
	"|", "*", "+", "&&", "~~", "#", "a#b", "xyz", "x-y", "anna@example.org", "+49 30 1234", "Zoë", "O'Neill", "z", "Z", "0", "9", "ǅ", "\uf900",
}

var chosen = []string{
	``, `(?i)^abc$`, `^\pL+$`, `\x{e9}`, `[[:alpha:]]`, `\Aabc\z`, `\Q.+\E`, `^\s$`, `^\S$`, `^\d+$`, `^\w+$`, `^\W+$`, `\b`, `\B`, `^\B$`, `a\b`, `\bé`, `é\b`, `\Bé`,
	`(?P<a>b)`, `(?<a>b)`, `(?P<1>b)`, `(?P<a>b)(?P<a>c)`, `(?P<>b)`, `(?P<a-b>b)`, `(?'a'b)`, `(?=a)`, `(?!a)`, `(?<=a)b`, `(?<!a)b`, `(?>a)`, `(?#a)`,
	`(?i)k`, `(?i)s`, `(?i)ß`, `(?i)σ`, `(?i)[a-z]`, `(?i)[^a-z]`, `(?i)\w`, `(?i)\W`, `(?i)[[:lower:]]`, `(?i)[[:^upper:]]`, `(?i)\p{Lu}`, `(?i)\P{Lu}`, `(?i)\p{Ll}`, `(?i)^\p{Greek}$`,
	`(?i:a)b`, `(?i)a(?-i)b`, `((?i)a)b`, `(?i)a|b`, `(?s).`, `(?-s).`, `.`, `(?m)^a$`, `^a$`, `(?m)a$`, `a$`, `(?U)a+`, `(?x)a b`, `(?u)a`, `(?ii)a`, `(?)a`, `(?-)a`, `(?i-)a`, `(?i-s:a.)`, `(?i-s-m)a`, `(?`, `(?i`, `(?i:`, `(?P<a`, `(?<`,
	`*`, `a**`, `a*?`, `a*??`, `a+*`, `a{2}{3}`, `a{2}*`, `(?:a*)*`, `^*`, `$*`, `\b*`, `|*`, `(*)`, `(|*)`, `(?i)*`, `a(?i)*`, `a*(?i)*`, `()*`, `(?:)*`, `a|*`, `\Q\E*`, `\Qab\E*$`, `^\Qab\E+$`,
	`a{,2}`, `a{2`, `a{2,`, `a{2,1}`, `a{1001}`, `a{1000}`, `a{0,1001}`, `a{1001,}`, `a{01}`, `a{0}`, `a{1,2}?`, `a{}`, `a{ 1}`, `a{1, 2}`, `{`, `}`, `{1}`, `x{1}{`, `a{99999999999}`, `a{2,99999999999}`, `a{+1}`,
	`(a{10}){100}`, `(a{11}){100}`, `(a{1000}){1}`, `(a{1000}){0}`, `((a{1000}){0}){1000}`, `((a{0,}){1000}){1}`, `(a*){1000}`, `((a{2,})+){501}`, `((a{2,})+){500}`, `(a{500}|b{3}){2}`, `(a{500}|b{3}){3}`,
	`[`, `[]`, `[]]`, `[^]]`, `[^]`, `[a`, `[a-`, `[a-]`, `[-a]`, `[a-b-c]`, `[a\-c]`, `[b-a]`, `[a-\d]`, `[\d-z]`, `[\d-]`, `[a&&b]`, `[a~~b]`, `[a--b]`, `[[a]`, `[[a]]`, `[[:foo:]]`, `[[:alpha:`, `[[:alpha]]`, `[:alpha:]`, `[[:^alpha:]]`, `[^[:alpha:]]`, `[[:word:]]`, `[[:space:]]`, `[[.a.]]`, `[[=a=]]`, `[\pL\d]`, `[^\pL\d]`, `[\b]`, `[\n]`, `[^\n]`, `[^a]`, `[\Qa\E]`, `[\A]`, `[\x41-\x43]`, `[\101-\103]`, `[^\x00-\x{10FFFF}]`, `[\x{d800}-\x{dfff}]`, `[\x{d000}-\x{e000}]`, `[\w-]`, `[.]`, `[$^]`, `[^^]`,
	`\pN`, `\PN`, `\p{L}`, `\p{^L}`, `\P{^L}`, `\p{Letter}`, `\p{letter}`, `\p{Uppercase_Letter}`, `\p{uppercase letter}`, `\p{Greek}`, `\p{greek}`, `\pZ`, `\p{Zl}`, `\p{Zp}`, `\p{Any}`, `\p{any}`, `\p{ASCII}`, `\p{Assigned}`, `\p{Cn}`, `\p{LC}`, `\p{Cs}`, `\p{Co}`, `\p{Han}`, `\p{Foo}`, `\p{}`, `\p{`, `\p`, `\pé`, `\p^L`, `\p{IsGreek}`, `\p{sc=Greek}`, `\p{Script=Greek}`, `\p{Alphabetic}`, `\p{Emoji}`, `\p{Lu}`, `\p{M}`, `\pC`, `\pS`, `\pP`, `\p{digit}`, `\p{punct}`, `\p{cntrl}`, `\p{Common}`, `\p{Inherited}`, `\p{Latin}`, `\p{Cyrillic}`, `\p{Arabic}`, `\p{Old_Italic}`, `\p{OldItalic}`, `\p{Lt}`, `\p{Nd}`, `^\p{L}[\p{L}\p{M}' .-]*$`,
	`\1`, `(a)\1`, `\8`, `\0`, `\01`, `\012`, `\0123`, `\377`, `\400`, `\777`, `\12`, `\18`, `\x`, `\x4`, `\x41`, `\x4g`, `\x{`, `\x{}`, `\x{41`, `\x{0000000041}`, `\x{10FFFF}`, `\x{110000}`, `\x{d800}`, `\x{-1}`, `\a`, `\f`, `\n`, `\r`, `\t`, `\v`, `\e`, `\c`, `\cA`, `\C`, `\Z`, `\z`, `\A`, `\G`, `\K`, `\R`, `\X`, `\h`, `\H`, `\N`, `\u0041`, `\u{41}`, `\U00000041`, `\_`, `\-`, `\ `, `\/`, `\@`, `\é`, `\y`, `\<`, `\>`, `\b{start}`, `\`, `\\`, `\Q`, `\Qa`, `\Qa.\Eb`, `\Q\\E`, `\E`, `\Q(\E\Q)\E`,
	`a|b`, `|`, `a|`, `|a`, `(|)`, `()`, `(`, `)`, `a)`, `(a`, `(?:a`, `((a)`, `^(a|b)+$`, `^(?:a|b|)$`, `^$`, `$^`, `a^`, `$a`, `(^a)`, `(a$)`, `^^a$$`, `\Aa\z`, `#`, `a#b`, ` `, "\n", "\x00", `é`, `^.$`, `^..$`, `(?s)^..$`, `😀`,
	`^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$`, `^\+[1-9]\d{1,14}$`, `^(?:[A-Z][a-z]+ ?)+$`, `^.{0,3}$`, `^[^@\s]+@[^@\s]+$`, `^\S*$`, `^(a|b|c)$`, `^a`, `^https?://`,
}

var tokens = []string{
	"a", "b", "A", "k", "s", "é", "σ", "1", "_", "-", " ", ".", "^", "$", "|", "|", "(", "(", ")", ")", "(?:", "(?i)", "(?i:", "(?s)", "(?m)", "(?-i)", "(?-i:", "(?U)", "(?P<n>",
	"*", "+", "?", "??", "{2}", "{0,2}", "{1,}", "{,2}", "{", "}", "[", "]", "[^", "[a-c]", "[^a-c]", "[a-zA-Z]", "[é-ü]", "a-c", "[[:alpha:]]", "[[:^digit:]]", "[:space:]", "&&", "--", "~~",
	`\d`, `\D`, `\s`, `\S`, `\w`, `\W`, `\b`, `\B`, `\A`, `\z`, `\pL`, `\PL`, `\p{Greek}`, `\P{Lu}`, `\p{^Ll}`, `\x41`, `\x{e9}`, `\101`, `\0`, `\1`, `\n`, `\t`, `\.`, `\-`, `\\`, `\Q`, `\E`, `\`, "\n", "#",
}

func main() {
	seeded := rand.New(rand.NewSource(1))
	patterns := chosen
	for len(patterns) < 3000 {
		var pattern strings.Builder
		for n := 1 + seeded.Intn(7); n > 0; n-- {
			pattern.WriteString(tokens[seeded.Intn(len(tokens))])
		}
		patterns = append(patterns, pattern.String())
	}
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
	fmt.Fprintf(out, "{\"texts\": %s,\n\"patterns\": [\n", line(texts))
	for i, pattern := range patterns {
		var matches any
		if compiled, err := regexp.Compile(pattern); err == nil {
			var digits strings.Builder
			for _, text := range texts {
				if compiled.MatchString(text) {
					digits.WriteByte('1')
				} else {
					digits.WriteByte('0')
				}
			}
			matches = digits.String()
		}
		end := ","
		if i == len(patterns)-1 {
			end = "\n]}"
		}
		fmt.Fprintf(out, "%s%s\n", line([]any{pattern, matches}), end)
	}
}
