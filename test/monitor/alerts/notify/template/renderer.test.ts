import { describe, expect, it } from 'vitest';
import { Renderer } from '../../../../../src/monitor/alerts/notify/template/renderer.ts';
import { TemplateError } from '../../../../../src/monitor/alerts/rules/template/tree.ts';
import { notification, notifiedAlert } from '../../../../support/alerts/notifications.ts';

const NOW = Date.UTC(2026, 10, 30, 12, 5, 0);
const about = notification({
  alerts: [
    notifiedAlert({ labels: { alertname: 'Down', host: 'a', dc: 'x' } }),
    notifiedAlert({
      status: 'resolved',
      labels: { alertname: 'Down', host: 'b', dc: 'x' },
      endsAtMs: Date.UTC(2026, 10, 30, 12, 4, 0),
    }),
  ],
  groupLabels: { alertname: 'Down' },
  commonLabels: { alertname: 'Down', dc: 'x' },
  routeLabels: { team: 'pay' },
});
const render = (text: string): Promise<string> => new Renderer().render(text, about, NOW);

describe('templates of notifications', () => {
  it.each([
    ['{{ .Status }} {{ .Receiver }}', 'firing ops'],
    ['{{ template "__subject" . }}', '[FIRING:1] Down (x)'],
    ['{{ .Alerts.Firing | len }}{{ .Alerts.Resolved | len }}{{ len .Alerts }}', '112'],
    ['{{ range .Alerts }}{{ .Labels.host }}{{ end }}', 'ab'],
    ['{{ .GroupLabels }}', 'alertname=Down'],
    ['{{ .CommonLabels.SortedPairs.Names }}', '[alertname dc]'],
    ['{{ .CommonLabels.Values | join "," }}', 'Down,x'],
    ['{{ .CommonLabels.Values.Join "-" }}', 'Down-x'],
    ['{{ (.CommonLabels.Remove .GroupLabels.Names).Names.Join "" }}', 'dc'],
    ['{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }};{{ end }}', 'alertname=Down;dc=x;'],
    ['{{ .CommonLabels.nothing }}|{{ index .CommonLabels "dc" }}', '|x'],
    ['{{ routeLabels "team" }}{{ routeLabels "none" }}', 'pay'],
    ['{{ (index .Alerts 0).StartsAt.Format "2006-01-02 15:04 MST" }}', '2026-11-30 12:00 UTC'],
    [
      '{{ (index .Alerts 0).StartsAt | tz "Europe/Berlin" | date "Mon, 2 Jan 3:04pm -07:00" }}',
      'Mon, 30 Nov 1:00pm +01:00',
    ],
    ['{{ (index .Alerts 0).EndsAt.IsZero }}{{ (index .Alerts 1).EndsAt.IsZero }}', 'truefalse'],
    ['{{ since (index .Alerts 0).StartsAt }}', '5m0s'],
    ['{{ humanizeDuration 95 }}', '1m 35s'],
    ['{{ toJson .GroupLabels }}', '{"alertname":"Down"}'],
    ['{{ list 1 "<a>" | toJson }}', '[1,"\\u003ca\\u003e"]'],
    ['{{ dict "a" (stringSlice "b") | toJson }}', '{"a":["b"]}'],
    ['{{ append (list 1) 2 | toJson }}', '[1,2]'],
    ['{{ base64encode "a?>" }} {{ base64decode "YT8-" }}', 'YT8- a?>'],
    ['{{ urlUnescape "a+b%20c" }}{{ trimSpace " d " }}', 'a b cd'],
    ['{{ toDate "2006-01-02" "2026-01-05" | date "02.01.06" }}', '05.01.26'],
    ['{{ if .Alerts.Firing }}{{ .NotificationReason }}{{ end }}', 'first notification'],
    ['{{ .Summary }} {{ .PageURL }}', `${about.summary} ${about.links.page}`],
    ['{{ reReplaceAll "D(o)" "$1" "Down" }} {{ title "two words" }}', 'own Two Words'],
  ])('%s', async (text, expected) => {
    expect(await render(text)).toBe(expected);
  });

  it.each([
    ['{{ .Nothing }}', "can't evaluate field Nothing in type template.Data"],
    ['{{ template "none" . }}', 'template "none" not defined'],
    ['{{ .CommonLabels.Remove }}', 'wrong number of args for Remove: want 1 got 0'],
    ['{{ .Status.Format "x" }}', "can't give argument to non-function"],
    ['{{ tz "Mars/Base" (index .Alerts 0).StartsAt }}', 'unknown time zone Mars/Base'],
    ['{{ query "up" }}', 'function "query" not defined'],
    ['{{ join "," "a" }}', 'expected list'],
    ['{{ dict "a" }}', 'even number'],
    ['{{ mustToDate "2006" "x" }}', 'parsing time'],
    ['{{ date "2006" "x" }}', 'expected time.Time'],
  ])('%s fails', async (text, expected) => {
    const failed = await render(text).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TemplateError);
    expect((failed as Error).message).toContain(expected);
  });

  it('takes definitions of files over the default ones', async () => {
    const renderer = new Renderer(['{{ define "slack.default.title" }}mine {{ template "__subject" . }}{{ end }}']);
    expect(await renderer.render('{{ template "slack.default.title" . }}', about, NOW)).toBe(
      'mine [FIRING:1] Down (x)',
    );
  });
});
