/** A sender of remote write 1.0: series in, snappy-compressed protobuf over HTTP out. */
import { compress } from 'snappyjs';
import { encodeProto } from './otlp-proto.ts';

export interface WrittenSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly t: number; readonly v: number }[];
  /** Native histograms as protobufjs takes them, `timestamp` included. */
  readonly histograms?: readonly object[] | undefined;
}

export function writeBody(series: readonly WrittenSeries[]): Buffer {
  const timeseries = series.map(({ labels, samples, histograms }) => ({
    labels: Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value })),
    samples: samples.map(({ t, v }) => ({ timestamp: t, value: v })),
    ...(histograms === undefined ? {} : { histograms }),
  }));
  return Buffer.from(compress(encodeProto('WriteV1', { timeseries })));
}

/** `url` is the server's base. */
export function postWrite(url: string, body: Buffer): Promise<Response> {
  return fetch(`${url}/api/v1/write`, {
    method: 'POST',
    body: Uint8Array.from(body),
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
  });
}

/** Fails unless the server kept everything. */
export async function remoteWrite(url: string, series: readonly WrittenSeries[]): Promise<void> {
  const response = await postWrite(url, writeBody(series));
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
}
