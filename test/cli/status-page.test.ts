import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { exportStatusPage } from '../../src/cli/targets/status-page.ts';

let dir: string;
let server: Server;
let files: { path: string; text: string }[];
let url: string;
const out: string[] = [];

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'status-export-'));
  server = createServer((_, response) => response.end(JSON.stringify({ files })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  out.length = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => out.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

test('writes the files into a folder and says where they are', async () => {
  files = [
    { path: 'index.html', text: '<p>' },
    { path: 'badge/shop-2/uptime/7d.svg', text: '<svg>' },
  ];
  const folder = path.join(dir, 'public');
  expect(await exportStatusPage({ url, json: false }, folder)).toBe(0);
  expect(readFileSync(path.join(folder, 'badge/shop-2/uptime/7d.svg'), 'utf8')).toBe('<svg>');
  expect(out.join('')).toContain('2 files');
  out.length = 0;
  await exportStatusPage({ url, json: true }, folder);
  expect(JSON.parse(out.join(''))).toEqual({ folder, files: ['index.html', 'badge/shop-2/uptime/7d.svg'] });
});

test.each(['../x.html', '/etc/x.html', 'a/../../x.html', '.ssh/x.html', 'x', 'a//x.html', 'C:\\x.html'])(
  'refuses a server that names %s, and writes nothing',
  async (name) => {
    files = [
      { path: 'index.html', text: '' },
      { path: name, text: '' },
    ];
    await expect(exportStatusPage({ url, json: false }, dir)).rejects.toThrow('not of a status page');
    expect(existsSync(path.join(dir, 'index.html'))).toBe(false);
  },
);

test('says when the folder cannot be written', async () => {
  files = [{ path: 'index.html', text: '' }];
  await expect(exportStatusPage({ url, json: false }, '/dev/null/x')).rejects.toThrow('cannot be written (ENOTDIR)');
});
