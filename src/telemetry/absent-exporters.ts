/**
 * Replaces the exporters and the configuration reader that `@opentelemetry/sdk-node` imports even when they are not used
 * (`slim-sdk.ts`). Vitrine resolves exporters from the environment and gives them to the SDK, so none of these is called.
 * A call throws an error that says so.
 */
const absent = (name: string) => {
  const stand = function (): never {
    throw new Error(`${name} was left out of the SDK; exporters are loaded by name, outside of it.`);
  };
  // Callers may use it with or without `new`.
  return stand as unknown as new () => unknown;
};

export const OTLPTraceExporter = absent('OTLPTraceExporter');
export const OTLPMetricExporter = absent('OTLPMetricExporter');
export const OTLPLogExporter = absent('OTLPLogExporter');
export const ZipkinExporter = absent('ZipkinExporter');
export const PrometheusExporter = absent('PrometheusExporter');
export const AggregationTemporalityPreference = { CUMULATIVE: 1, DELTA: 0, LOWMEMORY: 2 };
export const startNodeSDK = absent('startNodeSDK');
export const startNodeSdk = absent('startNodeSdk');
