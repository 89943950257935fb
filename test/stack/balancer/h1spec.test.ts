/** The cases of h1spec through the balancer; `npm run rel -- h1spec` asks the other ports too. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { H1SPEC } from '../../support/http/h1spec-cases.ts';
import { until } from '../../support/until.ts';
import { Rig, settled, talk } from './rig.ts';

describe('h1spec', () => {
  const rig = new Rig();
  let port = 0;
  beforeAll(async () => {
    const upstream = await rig.http((request, response) => request.resume().on('end', () => response.end('ok')));
    ({ port } = await rig.balancer({ upstreams: [upstream.url] }));
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('has 33 cases, each with the section that says it', () => {
    expect(H1SPEC).toHaveLength(33);
    for (const { rfc } of H1SPEC) expect(rfc).toMatch(/^911[02] \d+(?:\.\d+){0,2}$/);
  });

  it.concurrent.each(H1SPEC)('$name (RFC $rfc): $wants', async ({ bytes, wants, rest = '' }) => {
    const client = talk(rig, port, bytes);
    if (wants === 'open') {
      await settled(() => client.text().length);
      expect(client.text()).toBe('');
      client.socket.write(rest, 'latin1');
    }
    const final = /(?:^|\r\n\r\n)HTTP\/1\.1 ([2-5]\d\d) /;
    await until(() => final.test(client.text()));
    const status = Number(final.exec(client.text())?.[1]);
    if (wants === 'refused') expect(status).toBeGreaterThanOrEqual(400);
    else expect(status).toBe(200);
  });
});
