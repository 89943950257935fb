// Builds the program: JavaScript from src/ into dist/, and the page into dist/page. After `npm ci`, before `npm start`, and
// before packing. `--if-stale` builds only what is missing or older than its sources, so a start with nothing to build is fast. Running the
// compiled files instead of the sources saves each process the memory of a TypeScript parser.
// Without the tools (an install without development packages) it prints a line and succeeds.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { restore, strip } from './pack-manifest.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => path.join(root, ...parts);
const ownNode = at('node_modules/.bin/node');
const node = existsSync(ownNode) ? ownNode : process.execPath;
const onlyStale = process.argv.includes('--if-stale');

const newest = (dir, skip = () => false) => {
  let latest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (skip(file)) continue;
    latest = Math.max(latest, entry.isDirectory() ? newest(file, skip) : statSync(file).mtimeMs);
  }
  return latest;
};

/** Runs `tool` unless its result is newer than its sources. */
function build(name, tool, args, stamp, sources) {
  if (!existsSync(tool)) {
    console.log(`vitrine: ${name} is not built (${path.relative(root, tool)} is not installed)`);
    return;
  }
  const builtAt = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (
    onlyStale &&
    builtAt >
      Math.max(...sources.map((source) => (statSync(source).isDirectory() ? newest(source) : statSync(source).mtimeMs)))
  )
    return;
  const { status } = spawnSync(node, [tool, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
}

restore();
if (existsSync(at('src'))) {
  if (!onlyStale) rmSync(at('dist'), { recursive: true, force: true });
  build('the program', at('node_modules/typescript/bin/tsc'), ['-p', 'tsconfig.build.json'], at('dist/.program'), [
    at('src'),
    at('tsconfig.json'),
    at('tsconfig.build.json'),
  ]);
  build(
    'the page',
    at('node_modules/vite/bin/vite.js'),
    ['build', '--config', 'src/page/vite.config.ts', '--logLevel', 'warn'],
    at('dist/page/.built'),
    [at('src/page'), at('src/dashboards'), at('src/monitor/api/contract.ts')],
  );
}
// Nothing after this can fail before the tarball is written; `postpack` restores.
if (process.env.npm_command === 'pack' && process.env.npm_lifecycle_event === 'prepare') strip();
