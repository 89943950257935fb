/**
 * The facts about TLS that the listener needs: the options of its server, the HSTS line, and which requests are redirected
 * from http to https.
 */
import type { Server, TlsOptions as TlsServerOptions } from 'node:tls';
import type { Logger } from '../../../base/logger.ts';
import type { Peer } from '../http/forward-head.ts';
import { FIELD, fieldMeaning } from '../http/fields.ts';
import type { RequestHead } from '../http/request-head.ts';
import { hstsLine, type TlsOptions } from '../options/tls-options.ts';
import type { WatchedFiles } from '../timing/watched-files.ts';
import { Certificates, contextOptions } from './certificates.ts';

const HANDSHAKE_MS = 10_000;

export class TlsListening {
  #options: TlsOptions;
  readonly #log: Logger;
  certificates: Certificates;
  /** Ended by CRLF; empty when it is off. */
  hsts: string;

  /** Throws VitrineError `config_invalid`. */
  constructor(options: TlsOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.certificates = new Certificates(options);
    this.hsts = hstsLine(options.hsts);
  }

  serverOptions(): TlsServerOptions {
    return {
      ...contextOptions(this.#options),
      ...this.certificates.first.pem,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
      SNICallback: (name, done) => done(null, this.certificates.contextFor(name)),
    };
  }

  /** Takes other options. Throws VitrineError `config_invalid` and keeps the old ones. */
  replace(options: TlsOptions, server: Pick<Server, 'setSecureContext'> | undefined): void {
    const certificates = new Certificates(options);
    server?.setSecureContext({ ...contextOptions(options), ...certificates.first.pem });
    this.certificates = certificates;
    this.#options = options;
    this.hsts = hstsLine(options.hsts);
  }

  /** Reads the certificates again when their files change, and gives them to `server`. */
  watch(files: WatchedFiles, server: () => Pick<Server, 'setSecureContext'> | undefined): Promise<void> {
    return files.watch(this.certificates.files, () => this.reload(server()));
  }

  /** Returns whether the new set was taken. */
  reload(server: Pick<Server, 'setSecureContext'> | undefined): boolean {
    try {
      this.certificates.reload();
      server?.setSecureContext({ ...contextOptions(this.#options), ...this.certificates.first.pem });
      this.#log.info({ certificates: this.certificates.all.length }, 'certificates read again');
      return true;
    } catch (error) {
      this.#log.error({ err: error }, 'certificates not taken; the old ones stay');
      return false;
    }
  }

  /**
   * Whether a request that came over plain HTTP must be redirected to https. A trusted proxy may have received it over TLS.
   */
  redirects(head: RequestHead, peer: Peer): boolean {
    if (!this.#options.redirect || peer.scheme === 'https' || head.host === '') return false;
    return !peer.trusted || !saysHttps(head.raw);
  }

  location({ host, target }: RequestHead): string {
    const { port } = this.#options.listen;
    const bare = host.replace(/:\d+$/, '');
    return `https://${bare}${port === 443 || port === 0 ? '' : `:${port}`}${target === '*' ? '/' : target}`;
  }
}

function saysHttps(raw: readonly string[]): boolean {
  for (let at = 0; at < raw.length; at += 2) {
    if (fieldMeaning(raw[at]) !== FIELD.forwarded) continue;
    const [name, value] = [raw[at].toLowerCase(), raw[at + 1].toLowerCase()];
    if (name === 'x-forwarded-proto' ? value.trim() === 'https' : /(?:^|[;,\s])proto="?https/.test(value)) return true;
  }
  return false;
}
