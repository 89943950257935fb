import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { instanceIdOf, isLauncher } from '../../src/telemetry/process-identity.ts';

describe('isLauncher', () => {
  it.each([
    '/usr/lib/node_modules/npm/bin/npm-cli.js',
    '/usr/share/nodejs/npm/bin/npx-cli.js',
    '/home/me/app/.yarn/releases/yarn-4.9.2.cjs',
    '/opt/yarn-v1.22.22/bin/yarn.js',
    '/home/me/.cache/node/corepack/v1/pnpm/10.0.0/bin/pnpm.cjs',
    '/app/node_modules/.pnpm/nodemon@3.1.0/node_modules/nodemon/bin/nodemon.js',
    '/app/node_modules/tsx/dist/cli.mjs',
    '/app/node_modules/pm2/bin/pm2-runtime',
    '/app/node_modules/pm2/lib/Daemon.js',
    '/app/node_modules/vitrine/dist/main.js',
  ])('leaves out %s', (script) => expect(isLauncher(script)).toBe(true));

  it.each([
    undefined,
    '/app/server.js',
    '/app/yarn-shop/server.js',
    '/app/node_modules/verdaccio/bin/verdaccio',
    '/app/node_modules/next/dist/bin/next',
    '/app/node_modules/pm2/lib/ProcessContainerFork.js',
    '/app/node_modules/pm2/lib/ProcessContainer.js',
  ])('observes %s', (script) => expect(isLauncher(script)).toBe(false));
});

describe('instanceIdOf', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'vitrine-identity-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const own = `${os.hostname()}:3000`;
  const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

  it('is the host and the port, and a UUID without a port', () => {
    expect(instanceIdOf({ PORT: '3000' }, undefined)).toBe(own);
    expect(instanceIdOf({}, undefined)).toMatch(uuid);
  });

  it('has the index of a pm2 worker, whatever its parent is', () => {
    expect(instanceIdOf({ PORT: '3000', NODE_APP_INSTANCE: '2' }, undefined)).toBe(`${own}/2`);
    expect(instanceIdOf({ PORT: '3000', NODE_APP_INSTANCE: '2', VITRINE_INSTANCE_PARENT: '1' }, undefined)).toBe(
      `${own}/2`,
    );
  });

  it('has the index that pm2 is going to write into the environment of a worker of its cluster', () => {
    const worker = (text: string): string => instanceIdOf({ PORT: '3000', pm2_env: text }, undefined);
    expect(worker('{"NODE_APP_INSTANCE":0}')).toBe(`${own}/0`);
    expect(worker('{"NODE_APP_INSTANCE":"11"}')).toBe(`${own}/11`);
    for (const odd of ['{"NODE_APP_INSTANCE":{}}', '{}', 'null', '[', '']) expect(worker(odd)).toBe(own);
  });

  it('is a UUID for a child, which the environment marks', () => {
    const env: NodeJS.ProcessEnv = { PORT: '3000' };
    expect(instanceIdOf(env, undefined)).toBe(own);
    expect(instanceIdOf({ ...env }, undefined)).toMatch(uuid);
  });

  it('is given once where two processes share a PORT, and again when the first has ended', () => {
    const file = path.join(dir, `instance-${own.replace(/[^\w.-]/g, '_')}`);
    writeFileSync(file, '1');
    expect(instanceIdOf({ PORT: '3000' }, dir)).toMatch(uuid);
    // Linux gives no process this id.
    writeFileSync(file, String(2 ** 22 + 1));
    expect(instanceIdOf({ PORT: '3000' }, dir)).toBe(own);
  });
});
