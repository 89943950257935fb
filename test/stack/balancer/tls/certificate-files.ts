/** Certificates for tests, made by openssl: an authority and leaves of it, in files. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Rig } from '../rig.ts';

const run = promisify(execFile);
const OPENSSL = process.env['OPENSSL'] ?? 'openssl';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-batch'];

/** Tests that need certificates are skipped without it; where everything is tested it is installed. */
export const hasOpenssl = spawnSync(OPENSSL, ['version']).status === 0;

export interface Leaf {
  readonly cert_file: string;
  readonly key_file: string;
}

export interface Authority {
  readonly caFile: string;
  /** `names`: as in `DNS:a.example` or `IP:127.0.0.1`. Writes NAME.crt and NAME.key; again over those there are. */
  issue(name: string, names: readonly string[]): Promise<Leaf>;
}

export async function makeAuthority(rig: Pick<Rig, 'add'>): Promise<Authority> {
  const directory = mkdtempSync(path.join(tmpdir(), 'certificates-'));
  rig.add(() => rmSync(directory, { recursive: true, force: true }));
  const at = (file: string): string => path.join(directory, file);
  await run(OPENSSL, [
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=Test CA',
  ]);
  return {
    caFile: at('ca.crt'),
    async issue(name, names) {
      await run(OPENSSL, [
        'req',
        ...KEY,
        '-keyout',
        at(`${name}.new.key`),
        '-out',
        at(`${name}.csr`),
        '-subj',
        `/CN=${name}`,
      ]);
      writeFileSync(at(`${name}.ext`), `subjectAltName=${names.join(',')}\n`);
      await run(OPENSSL, [
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        '-CA',
        at('ca.crt'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-days',
        '1',
        '-extfile',
        at(`${name}.ext`),
        '-out',
        at(`${name}.new.crt`),
      ]);
      const leaf = { cert_file: at(`${name}.crt`), key_file: at(`${name}.key`) };
      await run('mv', [at(`${name}.new.crt`), leaf.cert_file]);
      await run('mv', [at(`${name}.new.key`), leaf.key_file]);
      return leaf;
    },
  };
}
