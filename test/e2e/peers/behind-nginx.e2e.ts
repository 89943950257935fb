/**
 * The recipe for nginx (docs/recipes/behind-nginx.md) in a real browser: its socket opens, its POSTs are taken, and where the
 * proxy changes `Host`, the refusal says what to do.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPageServer, type PageServer } from '../../support/page/page-server.ts';
import { freshDir, missingPrograms, programPath, startServer, type Server } from '../../support/program.ts';
import { REPOSITORY, freePort } from '../../support/programs/vitrine-process.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const nginx = programPath('nginx');
if (nginx === undefined || CHROMIUM === undefined) missingPrograms('the page behind nginx', 'nginx', ['chromium']);

/** The recipe on free ports, in front of a monitor. */
async function startNginx(monitorPort: number, change: (text: string) => string = (text) => text): Promise<Server> {
  const recipe = readFileSync(path.join(REPOSITORY, 'docs/recipes/behind-nginx.md'), 'utf8');
  const text = /```nginx\n([\s\S]*?)```/.exec(recipe)?.[1] ?? '';
  const [front, page] = await Promise.all([freePort(), freePort()]);
  const ported = text
    .replace('127.0.0.1:8443', `127.0.0.1:${front}`)
    .replace('127.0.0.1:8444', `127.0.0.1:${page}`)
    .replaceAll('127.0.0.1:4000', `127.0.0.1:${monitorPort}`);
  const dir = freshDir('nginx');
  const file = path.join(dir, 'nginx.conf');
  const own = `daemon off; master_process off; pid ${dir}/pid; error_log stderr;\n`;
  writeFileSync(
    file,
    own +
      change(ported).replace(
        'http {',
        `http { access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;`,
      ),
  );
  return startServer(nginx ?? '', ['-c', file, '-p', dir], { ownDir: dir, readyUrl: `http://127.0.0.1:${page}/livez` });
}

describe.skipIf(nginx === undefined || CHROMIUM === undefined)('the page behind nginx', () => {
  let monitor: PageServer;
  let browser: Browser;
  beforeAll(async () => {
    monitor = await startPageServer({ kind: 'busy' });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    await monitor?.[Symbol.asyncDispose]();
  });

  /** The first message of the socket, or 'refused'; and the status of a POST. As text, because it runs in the browser. */
  const PROBE = `(async () => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws');
    const first = await new Promise((resolve) => {
      socket.onmessage = ({ data }) => resolve(JSON.parse(data).kind);
      socket.onerror = () => resolve('refused');
    });
    const posted = await fetch('/api/v1/query', { method: 'POST', body: new URLSearchParams({ query: 'up' }) });
    return [first, posted.status === 403 ? 'foreign' : 'taken'];
  })()`;

  async function inBrowser(url: string): Promise<unknown> {
    const page = await browser.newPage();
    try {
      await page.goto(`${url}/livez`);
      return await page.evaluate(PROBE);
    } finally {
      await page.close();
    }
  }

  it('gets its figures over the WebSocket, and may post', async () => {
    await using proxy = await startNginx(monitor.port);
    expect(await inBrowser(proxy.url)).toEqual(['hello', 'taken']);
  });

  it('is refused where the proxy changes the Host field, and the answer says what to do', async () => {
    const host = `127.0.0.1:${monitor.port}`;
    await using proxy = await startNginx(monitor.port, (text) => text.replace('$http_host', host));
    expect(await inBrowser(proxy.url)).toEqual(['refused', 'foreign']);
    const body = await new Promise<string>((resolve, reject) => {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'YWJjZGVmZ2hpamtsbW5vcA==',
        origin: proxy.url,
      };
      request(`${proxy.url}/ws`, { headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
    expect(JSON.parse(body)).toMatchObject({
      status: 403,
      detail: 'Only the page of this server may listen.',
      hint: expect.stringContaining('proxy_set_header Host $http_host'),
    });
  });
});
