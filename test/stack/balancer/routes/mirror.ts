/** Upstreams that say what they saw, and a client that reads whole answers. */
import { request as httpRequest } from 'node:http';
import type { Rig } from '../rig.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly name: string;
}

/** An upstream that says what it saw. */
export async function mirrorOn(rig: Rig, name: string): Promise<{ url: string; port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const { url, port } = await rig.http((request, response) => {
    const one = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, name };
    seen.push(one);
    request.resume();
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('X-Powered-By', 'mirror');
    response.end(JSON.stringify(one));
  });
  return { url, port, seen };
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

export function ask(
  port: number,
  target: string,
  headers: Record<string, string> = {},
  method = 'GET',
  body?: string,
  localAddress?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path: target, method, headers, agent: false, localAddress },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export const sees = ({ body }: Answer): Seen => JSON.parse(body) as Seen;
