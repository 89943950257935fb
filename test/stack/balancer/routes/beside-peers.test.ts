/** The same switches in nginx and HAProxy, before the same upstream in the same run: what a client sees is the same. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startHaproxy, startNginx } from '../../../support/http/proxy-peers.ts';
import { programPath } from '../../../support/program.ts';
import { raw, Rig } from '../rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`;
const statuses = async (port: number, requests: readonly string[]): Promise<number[]> => {
  const all: number[] = [];
  for (const request of requests) all.push((await raw(port, request)).status);
  return all;
};
const upstream = () => rig.http((request, response) => response.end(`saw ${request.url}`));

describe.skipIf(programPath('nginx') === undefined)('beside nginx', () => {
  it('decides the same for one password file and address list (auth_basic, deny)', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'beside-'));
    rig.add(() => rmSync(directory, { recursive: true }));
    const file = path.join(directory, 'users');
    // nginx's worker may run as somebody else.
    writeFileSync(file, 'ana:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nben:$apr1$abcdefgh$hcjHlmdLgnTuWc7cuQgHj1\n', {
      mode: 0o644,
    });
    const { port: inner, url } = await upstream();
    const peer = await startNginx([inner], `auth_basic "x"; auth_basic_user_file ${file};`);
    if (peer === undefined) throw new Error('nginx did not start');
    rig.add(async () => peer[Symbol.asyncDispose]());
    const { port } = await rig.balancer({ routes: [{ upstreams: [url], basic_auth: { file } }] });
    const as = (pair: string) => get('/', `Authorization: Basic ${Buffer.from(pair).toString('base64')}\r\n`);
    const requests = [
      get('/'),
      as('ana:password'),
      as('ana:Password'),
      as('ben:päss word 123'),
      as('carl:password'),
      as('ana:'),
      get('/', 'Authorization: Bearer x\r\n'),
    ];
    const ours = await statuses(port, requests);
    expect(ours).toEqual([401, 200, 401, 200, 401, 401, 401]);
    expect(await statuses(peer.port, requests)).toEqual(ours);
  });
});

describe.skipIf(programPath('haproxy') === undefined)('beside HAProxy', () => {
  it('lets the same burst through and refuses the rest (stick table of request rates)', async () => {
    const { port: inner, url } = await upstream();
    const rules = [
      ' stick-table type ip size 1k expire 60s store http_req_rate(60s)',
      ' http-request track-sc0 src',
      ' http-request deny deny_status 429 if { sc_http_req_rate(0) gt 4 }',
    ];
    const peer = await startHaproxy([inner], rules.join('\n'));
    if (peer === undefined) throw new Error('HAProxy did not start');
    rig.add(async () => peer[Symbol.asyncDispose]());
    const rate_limit = { requests: 4, per: '60s' };
    const { port } = await rig.balancer({ routes: [{ upstreams: [url], rate_limit }] });
    const many = Array.from({ length: 7 }, () => get('/'));
    const ours = await statuses(port, many);
    expect(ours).toEqual([200, 200, 200, 200, 429, 429, 429]);
    expect(await statuses(peer.port, many)).toEqual(ours);
  });

  it('rewrites, redirects and denies in the same way (http-request)', async () => {
    const { port: inner, url } = await upstream();
    const rules = [
      ' http-request deny deny_status 403 if { path_beg /secret }',
      ' http-request redirect location /new code 302 if { path /old }',
      ' http-request replace-path /api/(.*) /v2/\\1',
    ];
    const peer = await startHaproxy([inner], rules.join('\n'));
    if (peer === undefined) throw new Error('HAProxy did not start');
    rig.add(async () => peer[Symbol.asyncDispose]());
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [url] },
        { upstreams: [url], path: '/secret', deny: ['127.0.0.0/8'] },
        { path: '/old', redirect: { to: '/new', status: 302 } },
        { upstreams: [url], path: '/api', strip_prefix: true, add_prefix: '/v2' },
      ],
    });
    for (const target of ['/', '/secret', '/old', '/api/users?id=1', '/apiary']) {
      const [ours, theirs] = [await raw(port, get(target)), await raw(peer.port, get(target))];
      const told = ({ status, text }: typeof ours) => [
        target,
        status,
        /saw \S*/.exec(text)?.[0],
        /location: (\S+)/i.exec(text)?.[1],
      ];
      expect(told(ours)).toEqual(told(theirs));
    }
  });
});
