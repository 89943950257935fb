import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../../src/model/labels.ts';
import { checkText, compileText, expand } from '../../../../../src/monitor/alerts/rules/template/expand.ts';
import { TemplateError } from '../../../../../src/monitor/alerts/rules/template/tree.ts';
import type { TemplateContext } from '../../../../../src/monitor/alerts/rules/template/functions.ts';

const context: TemplateContext = {
  nowMs: 1_500,
  externalUrl: 'http://h:1/p/',
  query: (expr) => {
    if (expr === 'broken') return Promise.reject(new Error('no such thing'));
    const numbers = expr === 'x' ? [1, 2] : [];
    return Promise.resolve(numbers.map((n) => ({ Labels: Labels.from({ __name__: 'x', a: String(n) }), Value: n })));
  },
};

async function run(source: string, value = 1, from = context): Promise<string> {
  const labels = Labels.from({ __name__: 'y', a: '1' });
  try {
    return await expand(compileText(source), { labels, externalLabels: Labels.from({ dc: 'x' }), value }, from);
  } catch (error) {
    if (error instanceof TemplateError) return `parse: ${error.message}`;
    throw error;
  }
}

describe('templates', () => {
  // What Go's text/template under Prometheus makes of them; errors in our own words.
  it.each<[source: string, value: number, text: string]>([
    ['{{ $value }}', 1234567.5, '1.2345675e+06'],
    ['{{ $value | humanize }}', 1234567.5, '1.235M'],
    ['{{ $value | humanize }}', 0.00012, '120u'],
    ['{{ $value | humanize1024 }}', 1048576, '1Mi'],
    ['{{ $value | humanizeDuration }}', 93784.5, '1d 2h 3m 4s'],
    ['{{ $value | humanizeDuration }}', 59.98765, '59.99s'],
    ['{{ $value | humanizeDuration }}', 0.0123, '12.3ms'],
    ['{{ $value | humanizePercentage }}', 0.12345, '12.35%'],
    ['{{ $value | humanizeTimestamp }}', 1435065584.128, '2015-06-23 13:19:44.128 +0000 UTC'],
    ['{{ $labels.nope }}|{{ $labels.a }}', 1, '|1'],
    [
      '{{ printf "%.2f|%5.1f|%-8s|%q|%v|%d|%x|%t|%+d|%05d|%e|%g|%%" $value $value "ab" "c\\"d" true 42 255 false 7 42 $value $value }}',
      3.14159,
      '3.14|  3.1|ab      |"c\\"d"|true|42|ff|false|+7|00042|3.141590e+00|3.14159|%',
    ],
    ['{{ printf "%d %s" $value $value }}', 2, '%!d(float64=2) %!s(float64=2)'],
    ['{{ printf "%s" }}', 2, '%!s(MISSING)'],
    ['{{ printf "x" 1 "y" 2.5 }}', 2, 'x%!(EXTRA int=1, string=y, float64=2.5)'],
    ['{{ if gt $value 1.0 }}big{{ else if eq $value 1.0 }}one{{ else }}small{{ end }}', 1, 'one'],
    [
      '{{ if gt $value 1 }}x{{ end }}',
      1,
      '<error expanding template: error calling gt: incompatible types for comparison>',
    ],
    ['{{- " a " -}}  b', 1, ' a b'],
    ['x {{- /* c */ -}} y', 1, 'xy'],
    ['{{ range query "x" }}{{ . | label "a" }}={{ . | value }};{{ else }}none{{ end }}', 1, '1=1;2=2;'],
    [
      '{{ range $i, $e := query "x" | sortByLabel "a" }}{{ $i }}:{{ $e.Labels.a }}:{{ .Value }} {{ end }}',
      1,
      '0:1:1 1:2:2 ',
    ],
    ['{{ with query "nothing" }}{{ . | first | value }}{{ else }}none{{ end }}', 1, 'none'],
    [
      '{{ query "nothing" | first | value }}',
      1,
      '<error expanding template: error calling first: first() called on vector with no elements>',
    ],
    ['{{ with $x := 5 }}{{ $x }}{{ end }}{{ $y := "q" }}{{ $y = "z" }}{{ $y }}', 1, '5z'],
    ['{{ toUpper "abc" }}{{ toLower "ABC" }}{{ title "hello wOrld-foo bar" }}', 1, 'ABCabcHello WOrld-Foo Bar'],
    [
      '{{ reReplaceAll "(\\\\w+)@(\\\\w+)" "$2-${1}x" "a@b c@d" }}{{ match "^a.*" "abc" }}{{ match "z" "abc" }}',
      1,
      'b-ax d-cxtruefalse',
    ],
    [
      '{{ stripPort "host.com:80" }}|{{ stripDomain "host.com:80" }}|{{ stripDomain "10.1.2.3:80" }}|{{ stripPort "[::1]:80" }}|{{ stripDomain "host" }}',
      1,
      'host.com|host:80|10.1.2.3:80|::1|host',
    ],
    [
      '{{ graphLink "up == 1" }}|{{ tableLink "a{b=\\"c\\"}" }}',
      1,
      '/graph?g0.expr=up+%3D%3D+1&g0.tab=0|/graph?g0.expr=a%7Bb%3D%22c%22%7D&g0.tab=1',
    ],
    ['{{ len "abc" }}{{ len $labels }}|{{ index $labels "a" }}|{{ slice "abcdef" 1 3 }}', 1, '32|1|bc'],
    ['{{ and 1 0 "x" }}|{{ or "" "y" }}|{{ not true }}|{{ and true "z" }}', 1, '0|y|false|z'],
    [
      '{{ print 1 2 "a" "b" 3 4.5 }}|{{ println "a" 1 }}|{{ html "<a&b>\\"" }}|{{ urlquery "a b&c/é" }}|{{ js "it\'s \\"<x>\\"" }}',
      1,
      '1 2ab3 4.5|a 1\n|&lt;a&amp;b&gt;&#34;|a+b%26c%2F%C3%A9|it\\\'s \\"\\u003Cx\\u003E\\"',
    ],
    [
      '{{ eq "a" "b" "a" }}{{ ne 1 2 }}{{ lt 1 2 }}{{ le 2 2 }}{{ ge 1 2 }}{{ lt "a" "b" }}',
      1,
      'truetruetruetruefalsetrue',
    ],
    ['{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" "x" }}{{ template "t" $value }}', 2, '[x][2]'],
    [
      '{{ define "t" }}<{{ .arg0 }},{{ .arg1 }}>{{ end }}{{ template "t" (args 1 "b") }}{{ tmpl "t" (args 3 4) }}',
      2,
      '<1,b><3,4>',
    ],
    ['{{ $labels }}', 2, 'map[__name__:y a:1]'],
    ['{{ . }}', 2, 'map[ExternalLabels:map[dc:x] ExternalURL:http://h:1/p/ Labels:map[__name__:y a:1] Value:2]'],
    ['{{ .Value }} {{ .Labels.a }}', 2, '2 1'],
    [
      "{{ `raw\\n` }}{{ 'a' }}{{ 0x10 }}{{ 1.50 }}{{ 1e3 }}{{ true }}{{ nil | print }}",
      2,
      '<error expanding template: nil is not a command>',
    ],
    ['{{ $nope }}', 2, 'parse: line 1: undefined variable "$nope"'],
    ['{{ nofunc 1 }}', 2, 'parse: line 1: function "nofunc" not defined'],
    ['{{ 1 2 }}', 2, "<error expanding template: can't give argument to non-function>"],
    ['{{ if }}x{{ end }}', 2, 'parse: line 1: missing value for command'],
    ['{{ end }}', 2, 'parse: unexpected {{end}}'],
    ['{{ range 3 }}x', 2, 'parse: line 1: unexpected EOF, {{range}} has no {{end}}'],
    ['{{ "a }}', 2, 'parse: line 1: unexpected "\\"" in command'],
    ['{{ $value | humanizeDuration }}', -75, '-1m 15s'],
    ['{{ $value | humanize }}', -1e30, '-1e+06Y'],
    ['{{ humanize "12345" }}', 1, '12.35k'],
    [
      '{{ humanize "abc" }}',
      1,
      '<error expanding template: error calling humanize: strconv.ParseFloat: parsing "abc": invalid syntax>',
    ],
    ['{{ parseDuration "1h30m" }}', 1, '5400'],
    ['{{ range $k, $v := $labels }}{{ $k }}={{ $v }},{{ end }}', 1, '__name__=y,a=1,'],
    [
      '{{ range $e := query "x" }}{{ if eq $e.Value 1.0 }}{{ continue }}{{ end }}{{ $e.Value }}{{ break }}{{ end }}',
      1,
      '2',
    ],
    [
      '{{ externalURL }}|{{ pathPrefix }}|{{ $externalLabels.dc }}|{{ .ExternalURL }}',
      1,
      'http://h:1/p/|/p|x|http://h:1/p/',
    ],
    ['{{ strvalue (query "x" | first) }}|{{ query "x" | first | strvalue }}', 1, '|'],
    [
      '{{ toTime $value }}|{{ (toTime $value) }}',
      1435065584.128,
      '2015-06-23 13:19:44.128 +0000 UTC|2015-06-23 13:19:44.128 +0000 UTC',
    ],
    ['{{ toDuration $value }}', 3725.5, '1h2m5.5s'],
    ['{{ safeHtml "<b>" }}', 1, '<b>'],
    ['{{ call $value }}', 1, 'parse: line 1: function "call" not defined'],
    ['{{ printf "%T %T %T %v" $value 1 "s" $labels }}', 1, 'float64 int string map[__name__:y a:1]'],
    ['{{ 1 | printf "%d-%d" 2 }}', 1, '2-1'],
    ['{{ (index (query "x") 0).Value }}', 1, '1'],
    ['{{ block "b" 5 }}b{{ . }}{{ end }}', 1, 'b5'],
    ['{{ if and (gt $value 0.5) (lt $value 2.0) }}in{{ end }}', 1, 'in'],
    ['{{ $value }}', NaN, 'NaN'],
    ['{{ $value | humanizePercentage }}', Infinity, '+Inf%'],
    ['{{ printf "%.3s|%6.2f|%-6d|%X|%c" "abcdef" $value 5 "hi" 65 }}', 2.5, 'abc|  2.50|5     |6869|A'],
    [
      '{{ match "(" "a" }}',
      1,
      '<error expanding template: error calling match: error parsing regexp: missing closing ): `(`>',
    ],
    ['{{ reReplaceAll "(?P<n>b)" "<$n|$z|$$|$9>" "abc" }}', 1, 'a<b||$|>c'],
    [
      '{{ toDuration "0" }} {{ toDuration 1e-9 }} {{ toDuration 0.0000015 }} {{ toDuration -0.25 }} {{ toDuration 61 }}',
      1,
      '0s 1ns 1.5µs -250ms 1m1s',
    ],
    ['{{ index (query "x") 5 }}', 1, '<error expanding template: error calling index: index out of range: 5>'],
    [
      '{{ index "a" 1 }}',
      1,
      "<error expanding template: error calling index: can't index item with what is no string>",
    ],
    [
      '{{ index (query "x") "a" }}',
      1,
      '<error expanding template: error calling index: cannot index a slice with what is no int>',
    ],
    ['{{ slice 1 }}', 1, "<error expanding template: error calling slice: can't slice item>"],
    ['{{ slice "abc" "x" }}', 1, '<error expanding template: error calling slice: cannot slice with what is no int>'],
    ['{{ slice "abc" 2 1 }}', 1, '<error expanding template: error calling slice: index out of range>'],
    ['{{ slice (query "x") 1 }}', 1, '[{map[__name__:x a:2] 2}]'],
    ['{{ len 1 }}', 1, '<error expanding template: error calling len: len of value without a length>'],
    ['{{ eq 1 1.0 }}', 1, '<error expanding template: error calling eq: incompatible types for comparison>'],
    ['{{ eq 1 }}', 1, '<error expanding template: error calling eq: missing argument for comparison>'],
    ['{{ eq $labels 1 }}', 1, '<error expanding template: error calling eq: invalid type for comparison>'],
    ['{{ eq nil nil }}', 1, 'true'],
    ['{{ lt true false }}', 1, '<error expanding template: error calling lt: invalid type for comparison>'],
    ['{{ printf 1 }}', 1, '<error expanding template: error calling printf: printf wants a string first>'],
    [
      '{{ toUpper 1 }}',
      1,
      '<error expanding template: error calling toUpper: wrong type of argument: expected string>',
    ],
    ['{{ value 1 }}', 1, '<error expanding template: error calling value: wrong type of argument: expected sample>'],
    [
      '{{ first 1 }}',
      1,
      '<error expanding template: error calling first: wrong type of argument: expected query result>',
    ],
    ['{{ len }}', 1, '<error expanding template: wrong number of args for len: got 0>'],
    ['{{ $value.x }}', 1, "<error expanding template: can't evaluate field x in type float64>"],
    ['{{ .Nope }}', 1, '<no value>'],
    [
      '{{ humanize $labels }}',
      1,
      "<error expanding template: error calling humanize: can't convert map[string]string to float>",
    ],
    ['{{ humanize "inf" }}{{ humanize "nan" }}', 1, '+InfNaN'],
    ['{{ toTime NaN }}', 1, 'parse: line 1: function "NaN" not defined'],
    ['{{ toTime "nan" }}', 1, '<error expanding template: error calling toTime: time is out of range>'],
    ['{{ toDuration 1e300 }}', 1, '<error expanding template: error calling toDuration: duration is out of range>'],
    [
      '{{ parseDuration "x" }}',
      1,
      '<error expanding template: error calling parseDuration: not a valid duration string: "x">',
    ],
    ['{{ template "none" }}', 1, '<error expanding template: template "none" not defined>'],
    [
      '{{ define "r" }}{{ template "r" }}{{ end }}{{ template "r" }}',
      1,
      '<error expanding template: templates call each other too deeply>',
    ],
    ['{{ tmpl 1 }}', 1, '<error expanding template: tmpl wants the name of a template>'],
    ['{{ define "t" }}in{{ end }}[{{ tmpl "t" }}]', 1, '[in]'],
    ['{{ range 3 }}{{ . }}{{ end }}', 1, '012'],
    ['{{ range "x" }}{{ end }}', 1, "<error expanding template: range can't iterate over this value>"],
    ['{{ range nil }}{{ else }}e{{ end }}', 1, '<error expanding template: nil is not a command>'],
    ['{{ range args 1 "b" }}{{ . }}{{ end }}', 1, '1b'],
    ['{{ range $x := query "x" }}{{ $y := $x.Value }}{{ $y }}{{ end }}', 1, '12'],
    ['{{ $n := 0 }}{{ range $i, $e = query "x" }}{{ end }}', 1, 'parse: line 1: undefined variable "$i"'],
    ['{{ $e := 0 }}{{ range $e = query "x" }}{{ end }}{{ $e.Value }}', 1, '2'],
    [
      '{{ now }}{{ safeHtml "a" }}{{ humanizeTimestamp 1e20 }}{{ humanizeTimestamp "1.5" }}',
      1,
      '1.5a1e+201970-01-01 00:00:01.5 +0000 UTC',
    ],
    ['{{ with "" }}a{{ else with "b" }}{{ . }}{{ else }}c{{ end }}', 1, 'b'],
    [
      '{{ print (query "x") (args 1) }}|{{ print (query "x" | first) true }}',
      1,
      '[{map[__name__:x a:1] 1} {map[__name__:x a:2] 2}] map[arg0:1]|{map[__name__:x a:1] 1} true',
    ],
    [
      '{{ printf "%*d|%q|%x|%o|%b|%E|%s|%5t|%d" 5 42 65 "hi" 8 5 1.5 1.5 true "x" }}',
      1,
      "   42|'A'|6869|10|101|1.500000E+00|%!s(float64=1.5)| true|%!d(string=x)",
    ],
    [
      '{{ printf "%v %.2g %.3g %g % d %f" 1e10 123456.0 0.00001234 1e300 5 $value }}',
      Infinity,
      '1e+10 1.2e+05 1.23e-05 1e+300  5 +Inf',
    ],
    ['{{ print $value }}', Infinity, '+Inf'],
    [
      '{{ if $labels }}y{{ end }}{{ if query "none" }}n{{ end }}{{ if toTime 0 }}t{{ end }}{{ if toDuration 0 }}n{{ end }}',
      1,
      'yt',
    ],
    ['{{ html "a" 1 }}{{ js " " }}', 1, 'a1\\u2028'],
    ['a\n  {{- /* trimmed */}} b {{/* kept */}} c', 1, 'a b  c'],
    ["{{ 'ab' }}", 1, 'parse: line 1: unexpected "\'" in command'],
    ["{{ '\\n' }}{{ -5 }}{{ +3 }}{{ 0x_1F }}", 1, '10-5331'],
    ['{{ true false }}', 1, "<error expanding template: can't give argument to non-function>"],
    ['{{ "\\q" }}', 1, 'parse: line 1: unexpected "\\"" in command'],
    ['{{ # }}', 1, 'parse: line 1: unexpected "#" in command'],
    ['{{ (1 }}', 1, 'parse: line 1: unclosed left paren'],
    ['{{ 1 ) }}', 1, 'parse: line 1: unexpected ")"'],
    ['{{ $ }}{{ .Value.x }}', 1, "<error expanding template: can't evaluate field x in type float64>"],
    ['{{ 1"a" }}', 1, 'parse: line 1: unexpected "\\"a\\"" in operand'],
    ['{{ }}', 1, 'parse: line 1: missing value for command'],
    ['{{ | }}', 1, 'parse: line 1: missing value for command'],
    ['{{ define "x" 1 }}{{ end }}', 1, 'parse: line 1: unexpected text after the name'],
    ['{{ define x }}{{ end }}', 1, 'parse: line 1: a template is named by a quoted string'],
    ['{{ define "x" }}', 1, 'parse: line 1: {{define}} has no {{end}}'],
    ['{{ break }}', 1, 'parse: line 1: {{break}} outside {{range}}'],
    ['{{ else }}', 1, 'parse: unexpected {{else}}'],
    ['{{ if true }}{{ else }}{{ else }}{{ end }}', 1, 'parse: line 1: expected end after {{else}}'],
    ['{{ if true }}{{ else with }}{{ end }}', 1, 'parse: line 1: unexpected "with" after {{else}}'],
    ['{{ $x, $y, $z := 1 }}', 1, 'parse: line 1: undefined variable "$x"'],
    ['{{ $x = 1 }}', 1, 'parse: line 1: undefined variable "$x"'],
    [
      '{{ . | first }}',
      1,
      '<error expanding template: error calling first: wrong type of argument: expected query result>',
    ],
    ['{{ 1 = 2 }}', 1, 'parse: line 1: unexpected "=" in operand'],
    ['{{ stripDomain "[::1]:80" }}{{ stripPort "a:b:c" }}', 1, '[::1]:80a:b:c'],
    [
      '{{ sortByLabel "a" 1 }}',
      1,
      '<error expanding template: error calling sortByLabel: wrong type of argument: expected query result>',
    ],
    ['{{ 1 | 2 }}', 1, "<error expanding template: can't give argument to non-function>"],
    ['{{ if false }}a{{ else if false }}b{{ else if true }}c{{ end }}', 1, 'c'],
    [
      '{{ label "a" 1 }}',
      1,
      '<error expanding template: error calling label: wrong type of argument: expected sample>',
    ],
    ['{{ query "x" }}', 1, '[{map[__name__:x a:1] 1} {map[__name__:x a:2] 2}]'],
  ])('case %#', async (source, value, text) => expect(await run(source, value), source).toBe(text));

  it.each<[source: string, value: number, text: string]>([
    ['{{ range 2 }}{{ range 3 }}{{ break }}{{ end }}{{ . }}{{ end }}', 1, '01'],
    ['{{ toDuration 90 }} {{ toDuration -3600 }} {{ toDuration "0.000000001" }}', 1, '1m30s -1h0m0s 1ns'],
    ['{{ $value | humanize1024 }}|{{ $value | humanizeDuration }}', NaN, 'NaN|NaN'],
    ['{{ $value | humanize1024 }}|{{ $value | humanizeDuration }}', 0, '0|0s'],
    ['{{ $value | humanizeDuration }}', -90_061, '-1d 1h 1m 1s'],
    ['{{ len (args 1 2) }}{{ len (query "x") }}{{ not $labels }}', 1, '22false'],
    ['{{ index (args 1) "arg0" }}{{ (args 5).arg0 }}', 1, '15'],
    ['{{ now | print }}{{ and }}', 1, '1.5<no value>'],
    ["{{ '\\q' }}", 1, 'parse: line 1: unexpected "\'" in command'],
    ['{{ "a', 1, 'parse: line 1: unexpected "\\"" in command'],
    ['{{ 1', 1, 'parse: line 1: unclosed action'],
    [
      '{{ stripDomain "a.b" }}{{ stripDomain 1 }}',
      1,
      '<error expanding template: error calling stripDomain: wrong type of argument: expected string>',
    ],
    [
      '{{ printf "%q %v %s %x" (toTime 0) (query "none") nil "é" }}',
      1,
      '"1970-01-01 00:00:00 +0000 UTC" [] <nil> c3a9',
    ],
    ['{{ printf "% d %+.1f %-5t|%5s|%.10f" 5 1.25 true "é" 0.5 }}', 1, ' 5 +1.3 true |    é|0.5000000000'],
  ])('more: case %#', async (source, value, text) => expect(await run(source, value), source).toBe(text));

  it('shows the error of a query', async () => {
    expect(await run('{{ query "broken" }}')).toBe('<error expanding template: error calling query: no such thing>');
  });

  it('has no path prefix without an address', async () => {
    expect(await run('{{ pathPrefix }}', 1, { ...context, externalUrl: '' })).toBe('');
  });

  it('limits source, output, steps and depth', async () => {
    expect(checkText(`{{ 1 }}${'x'.repeat(65_536)}`)).toBe('longer than 65536 characters');
    expect(await run(`{{ range 100000 }}${'x'.repeat(1_000)}{{ end }}`)).toContain('output exceeds 262144 characters');
    expect(await run('{{ range 1000 }}{{ range 1000 }}{{ if true }}{{ end }}{{ end }}{{ end }}')).toContain(
      'more than 100000 steps',
    );
    expect(checkText('{{ if true }}'.repeat(200))).toBe('line 1: nested deeper than 100');
    expect(checkText(`{{ ${'('.repeat(60)}1${')'.repeat(60)} }}`)).toBe('line 1: parentheses nested deeper than 50');
    expect(await run(`{{ match "${'a'.repeat(1_001)}" "a" }}`)).toContain('regular expression is too long');
    expect((await run('{{ printf "%99999d" 1 }}')).length).toBe(1_000);
  });

  it('rethrows internal errors', async () => {
    const data = { labels: Labels.empty, externalLabels: Labels.empty, value: 1 };
    const broken = { kind: 'template', template: { nodes: undefined, defined: new Map() } } as never;
    await expect(expand(broken, data, context)).rejects.toThrow(TypeError);
  });

  it('names the mistake and its line', () => {
    expect(checkText('a\nb {{ nope }}')).toBe('line 2: function "nope" not defined');
    expect(checkText('{{ $value }}')).toBeUndefined();
    expect(checkText('plain')).toBeUndefined();
  });
});
