// Names and values as Prometheus' OTLP receiver has them: one JSON request a line on stdin, one JSON answer a line on
// stdout. Requests: {"label":NAME}, {"metric":{"name","unit","type"}}, {"value":ANYVALUE} (OTLP/JSON).
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/collector/pdata/plog"
)

type metric struct {
	Name string
	Unit string
	Type int
}

type request struct {
	Label  *string
	Metric *metric
	Value  json.RawMessage
}

type answer struct {
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func value(raw json.RawMessage) (string, error) {
	body := append(append([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":`), raw...), []byte(`}]}]}]}`)...)
	logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		return "", err
	}
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().AsString(), nil
}

func main() {
	labels := otlptranslator.LabelNamer{}
	metrics := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for scanner.Scan() {
		var asked request
		var result string
		err := json.Unmarshal(scanner.Bytes(), &asked)
		switch {
		case err != nil:
		case asked.Label != nil:
			result, err = labels.Build(*asked.Label)
		case asked.Metric != nil:
			result, err = metrics.Build(otlptranslator.Metric{Name: asked.Metric.Name, Unit: asked.Metric.Unit, Type: otlptranslator.MetricType(asked.Metric.Type)})
		default:
			result, err = value(asked.Value)
		}
		_ = encoder.Encode(answer{result, text(err)})
	}
}
