// The package.json that is published is not the one of the repository: users get no Node.js binary (`node-linux-*` serves the
// repository's own scripts), no development packages, no overrides (npm reads them in the root project only) and no scripts.
//   strip     the last thing before the tarball is written: puts the original aside and writes the published one
//   restore   puts the original back (after packing, and before anything that finds one left by a pack that was killed)
//   refuse    `npm publish` of the folder: the registry would get the repository's package.json, so only a tarball is published
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PUBLISHED = [
  'name',
  'version',
  'description',
  'license',
  'type',
  'engines',
  'bin',
  'exports',
  'files',
  'dependencies',
];

/**
 * Large packages that few users need. The repository and the container image have them; users install them when the configuration
 * needs one, and an error names the command.
 */
export const OPTIONAL_PEERS = ['redis', '@resvg/resvg-js'];

function withOptionalPeers({ dependencies = {}, ...rest }) {
  const isPeer = ([name]) => OPTIONAL_PEERS.includes(name);
  const all = Object.entries(dependencies);
  return {
    ...rest,
    dependencies: Object.fromEntries(all.filter((entry) => !isPeer(entry))),
    peerDependencies: Object.fromEntries(all.filter(isPeer).map(([name, version]) => [name, `^${version}`])),
    peerDependenciesMeta: Object.fromEntries(all.filter(isPeer).map(([name]) => [name, { optional: true }])),
  };
}

/** The published form of `manifest`. Throws when a package that users would install is a Node.js binary. */
export function publishedManifest(manifest) {
  const node = Object.keys(manifest.dependencies ?? {}).filter((name) => /^node(-|$)/.test(name));
  if (node.length > 0) throw new Error(`dependencies hold a Node.js binary: ${node.join(', ')}`);
  return withOptionalPeers(
    Object.fromEntries(PUBLISHED.filter((key) => key in manifest).map((key) => [key, manifest[key]])),
  );
}

const manifestOf = (root) => path.join(root, 'package.json');
const asideOf = (root) => path.join(root, '.cache/package.json.original');

/** Writes the published package.json; the original is saved first, so that it is never only in memory. */
export function strip(root = ROOT) {
  restore(root);
  const original = readFileSync(manifestOf(root), 'utf8');
  const published = `${JSON.stringify(publishedManifest(JSON.parse(original)), null, 2)}\n`;
  mkdirSync(path.dirname(asideOf(root)), { recursive: true });
  writeFileSync(`${asideOf(root)}.part`, original);
  renameSync(`${asideOf(root)}.part`, asideOf(root));
  writeFileSync(manifestOf(root), published);
}

/** Restores the saved original if there is one. A package.json that was edited since is kept: then the saved one is stale. */
export function restore(root = ROOT) {
  if (!existsSync(asideOf(root))) return false;
  const present = readFileSync(manifestOf(root), 'utf8');
  const original = readFileSync(asideOf(root), 'utf8');
  const untouched = present === `${JSON.stringify(publishedManifest(JSON.parse(original)), null, 2)}\n`;
  if (untouched) renameSync(asideOf(root), manifestOf(root));
  else renameSync(asideOf(root), `${asideOf(root)}.stale`);
  return untouched;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what] = process.argv.slice(2);
  if (what === 'restore') restore();
  else if (what === 'strip') strip();
  else {
    console.error('vitrine: publish the tarball, not the folder: npm pack && npm publish vitrine-X.tgz');
    process.exit(1);
  }
}
