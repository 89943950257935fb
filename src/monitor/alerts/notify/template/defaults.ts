/**
 * The templates that a message uses unless the configuration says otherwise. Their names are those of Alertmanager's default
 * templates, so that files which refer to them work here too.
 */
export const DEFAULT_TEMPLATES = `
{{ define "__alertmanager" }}Vitrine{{ end }}
{{ define "__alertmanagerURL" }}{{ .PageURL }}{{ end }}
{{ define "__subject" }}[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] {{ join " " .GroupLabels.SortedPairs.Values }} {{ if gt (len .CommonLabels) (len .GroupLabels) }}({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ join " " .Values }}{{ end }}){{ end }}{{ end }}
{{ define "__facts" }}{{ .Summary }}
Since {{ .Since.Format "2006-01-02 15:04:05 MST" }}
{{ if .ErrorLine }}Error: {{ .ErrorLine }}
{{ end }}{{ if .TraceURL }}Trace: {{ .TraceURL }}
{{ end }}Page: {{ .PageURL }}
Silence: {{ .SilenceURL }}
{{ if .RunbookURL }}Runbook: {{ .RunbookURL }}
{{ end }}{{ end }}
{{ define "__measured" }}{{ if .Threshold }} (value {{ .Value }}, threshold {{ .Threshold }}){{ end }}{{ end }}
{{ define "__text_alert_list" }}{{ range . }}{{ .Summary }}{{ template "__measured" . }}
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Source: {{ .GeneratorURL }}
{{ end }}{{ end }}
{{ define "__text_alert_list_markdown" }}{{ range . }}
**{{ .Summary }}**{{ template "__measured" . }}
{{ range .Labels.SortedPairs }}  - {{ .Name }} = {{ .Value }}
{{ end }}
Source: {{ .GeneratorURL }}
{{ end }}{{ end }}
{{ define "__text" }}{{ template "__facts" . }}
{{ if .Alerts.Firing }}Firing:
{{ template "__text_alert_list" .Alerts.Firing }}{{ end }}{{ if .Alerts.Resolved }}Resolved:
{{ template "__text_alert_list" .Alerts.Resolved }}{{ end }}{{ end }}
{{ define "__markdown" }}{{ template "__facts" . }}
{{ if .Alerts.Firing }}
# Firing
{{ template "__text_alert_list_markdown" .Alerts.Firing }}{{ end }}{{ if .Alerts.Resolved }}
# Resolved
{{ template "__text_alert_list_markdown" .Alerts.Resolved }}{{ end }}{{ end }}
{{ define "slack.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "slack.default.fallback" }}{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}{{ end }}
{{ define "slack.default.color" }}{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}{{ end }}
{{ define "slack.default.callbackid" }}{{ end }}
{{ define "slack.default.pretext" }}{{ end }}
{{ define "slack.default.iconemoji" }}{{ end }}
{{ define "slack.default.iconurl" }}{{ end }}
{{ define "slack.default.text" }}{{ template "__facts" . }}{{ range .Alerts }}{{ .Status }}: {{ .Summary }}{{ template "__measured" . }}
{{ end }}{{ end }}
{{ define "slack.default.footer" }}{{ end }}
{{ define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end }}
{{ define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end }}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}
{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{ define "email.default.text" }}{{ template "__text" . }}{{ end }}
{{ define "email.default.html" }}<h2>{{ .Summary }}</h2><p>Since {{ .Since.Format "2006-01-02 15:04:05 MST" }}</p>{{ if .ErrorLine }}<p>Error: {{ .ErrorLine }}</p>{{ end }}{{ range .Alerts }}<p><b>{{ .Status }}</b> {{ .Summary }}{{ template "__measured" . }}</p><ul>{{ range .Labels.SortedPairs }}<li>{{ .Name }} = {{ .Value }}</li>{{ end }}</ul>{{ end }}<p><a href="{{ .PageURL }}">Page</a> · <a href="{{ .SilenceURL }}">Silence</a>{{ if .TraceURL }} · <a href="{{ .TraceURL }}">Trace</a>{{ end }}{{ if .RunbookURL }} · <a href="{{ .RunbookURL }}">Runbook</a>{{ end }}</p>{{ end }}
{{ define "telegram.default.message" }}{{ template "__text" . }}{{ end }}
{{ define "discord.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "discord.default.message" }}{{ template "__text" . }}{{ end }}
{{ define "discord.default.content" }}{{ end }}
{{ define "msteams.default.summary" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteams.default.text" }}{{ template "__markdown" . }}{{ end }}
{{ define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end }}
{{ define "msteamsv2.default.text" }}{{ template "__markdown" . }}{{ end }}
`;
