/** The package as users get it: the tarball of `npm pack`, and copies of it under another version. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runWell } from '../program.ts';
import { REPOSITORY } from './vitrine-process.ts';

/** Packs the repository by plain `npm pack`, which builds it: one at a time. Gives the tarball's path. */
export async function packVitrine(into: string): Promise<string> {
  const out = await runWell('flock', [REPOSITORY, 'npm', 'pack', '--silent', '--pack-destination', into], {
    cwd: REPOSITORY,
    limitMs: 240_000,
  });
  return path.join(into, out.trim().split('\n').at(-1) ?? '');
}

/** The same package under another version; `change` may break it on purpose. */
export async function repackAs(
  tarball: string,
  version: string,
  change: (folder: string) => void = () => {},
): Promise<string> {
  const work = mkdtempSync(path.join(tmpdir(), 'vitrine-repack-'));
  try {
    await runWell('tar', ['xzf', tarball, '-C', work], { cwd: work });
    const folder = path.join(work, 'package');
    const file = path.join(folder, 'package.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...manifest, version }, null, 2));
    change(folder);
    const out = path.join(path.dirname(tarball), `vitrine-${version}.tgz`);
    mkdirSync(path.dirname(out), { recursive: true });
    await runWell('tar', ['czf', out, '-C', work, 'package'], { cwd: work });
    return out;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
