/** One question to a server as bytes on a connection of its own: the path goes out as it is written. */
import http from 'node:http';

/** Of the monitors that rows start. */
export const TOKEN = 'rel-token-of-32-characters-or-so';

export interface Asked {
  readonly status: number;
  readonly body: string;
  /** `name=value` of the cookie that was set, '' without. */
  readonly cookie: string;
  readonly tookMs: number;
}

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The address that the connection comes from; loopback has 16 million. */
  readonly from?: string;
}

/** The path goes out as it is written: fetch would tidy it. */
export function ask(
  base: string,
  path: string,
  { method = 'GET', headers = {}, body, from }: Question = {},
): Promise<Asked> {
  const { hostname, port } = new URL(base);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = http.request({
      hostname,
      port,
      method,
      path,
      agent: false,
      ...(from === undefined ? {} : { localAddress: from }),
      headers: {
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...headers,
      },
    });
    request.once('error', reject);
    request.once('response', (response) => {
      let got = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (got += part));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: got,
          cookie: response.headers['set-cookie']?.[0].split(';')[0] ?? '',
          tookMs: performance.now() - began,
        }),
      );
    });
    request.end(text);
  });
}

export const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });
