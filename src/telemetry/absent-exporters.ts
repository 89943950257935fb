/**
 * Stands in for the exporters and the configuration reader that `@opentelemetry/sdk-node` imports whether they are used or
 * not (`slim-sdk.ts`). Here exporters are resolved from the environment and given to the SDK, so none of these is ever called;
 * whoever does call one is told.
 */
const absent = (name: string) => {
  const stand = function (): never {
    throw new Error(`${name} was left out of the SDK; exporters are loaded by name, outside of it.`);
  };
  // Used with `new` as well as called.
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
