/**
 * The certificates of the TLS listener. They are read and checked as a set, chosen by the name that a client asks for, and
 * replaced as a whole when a file changes. Handshakes in progress and open connections keep their certificate. When a set
 * cannot be read, or a key belongs to another certificate (while two files are being replaced), the old set stays in use.
 */
import { readFileSync } from 'node:fs';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { VitrineError } from '../../../base/errors.ts';
import type { TlsOptions } from '../options/tls-options.ts';

export interface Certificate {
  readonly file: string;
  /** Lower case; wildcards as `*.example.com`. */
  readonly names: readonly string[];
  readonly expiresMs: number;
  readonly pem: { readonly cert: Buffer; readonly key: Buffer };
  readonly context: SecureContext;
}

/** Only cipher suites with forward secrecy for TLS 1.2: Mozilla's intermediate profile of 2024. */
const CIPHERS =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305';

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new VitrineError('config_invalid', `The ${what} ${file} cannot be read (${reason}).`, { cause });
  }
}

function namesOf(x509: X509Certificate): string[] {
  const listed = [...(x509.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name]) => name);
  const common = /^CN=(.+)$/m.exec(x509.subject)?.[1];
  return (listed.length > 0 ? listed : common === undefined ? [] : [common]).map((name) => name.toLowerCase());
}

export function contextOptions(options: TlsOptions): SecureContextOptions {
  return { minVersion: options.min_version, ciphers: CIPHERS, honorCipherOrder: false };
}

function read(
  { cert_file: file, key_file: keyFile }: TlsOptions['certificates'][number],
  options: TlsOptions,
): Certificate {
  const pem = { cert: readPem(file, 'certificate'), key: readPem(keyFile, 'key') };
  try {
    const x509 = new X509Certificate(pem.cert);
    if (!x509.checkPrivateKey(createPrivateKey(pem.key))) throw new Error('the key belongs to another certificate');
    const context = createSecureContext({ ...contextOptions(options), ...pem });
    return { file, names: namesOf(x509), expiresMs: Date.parse(x509.validTo), pem, context };
  } catch (cause) {
    const fact = cause instanceof Error ? cause.message : 'unknown';
    throw new VitrineError('config_invalid', `${file} and ${keyFile} are no certificate and its key: ${fact}.`, {
      cause,
    });
  }
}

export class Certificates {
  readonly #options: TlsOptions;
  #all: readonly Certificate[];
  #byName: ReadonlyMap<string, Certificate>;

  /** Throws VitrineError `config_invalid`. */
  constructor(options: TlsOptions) {
    this.#options = options;
    this.#all = options.certificates.map((one) => read(one, options));
    this.#byName = indexed(this.#all);
  }

  get all(): readonly Certificate[] {
    return this.#all;
  }

  get files(): string[] {
    return this.#options.certificates.flatMap((one) => [one.cert_file, one.key_file]);
  }

  /** The certificate for clients that send no name, or a name that no certificate has. */
  get first(): Certificate {
    return this.#all[0];
  }

  /** Reads all files again. Throws VitrineError `config_invalid`; the present certificates then stay. */
  reload(): void {
    const fresh = this.#options.certificates.map((one) => read(one, this.#options));
    this.#byName = indexed(fresh);
    this.#all = fresh;
  }

  /** An exact name comes before a wildcard; a wildcard stands for one label (RFC 6125 section 6.4.3). */
  contextFor(serverName: string): SecureContext {
    const name = serverName.toLowerCase();
    const dot = name.indexOf('.');
    const found = this.#byName.get(name) ?? (dot > 0 ? this.#byName.get(`*${name.slice(dot)}`) : undefined);
    return (found ?? this.first).context;
  }
}

/** When two certificates have the same name, the first in the configuration is used. */
function indexed(all: readonly Certificate[]): Map<string, Certificate> {
  const byName = new Map<string, Certificate>();
  for (const one of all) for (const name of one.names) if (!byName.has(name)) byName.set(name, one);
  return byName;
}
