/** The facts of a request that templates and keys of switches read. Made only on routes that have such a switch. */
import type { BlockList } from 'node:net';
import type { Facts } from '../options/template.ts';
import { clientAddress } from '../http/address-list.ts';
import type { Peer } from '../http/forward-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import { bareHost, pathOf } from './path.ts';

export class RequestFacts implements Facts {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly request_id: string;
  readonly #trusted: BlockList;
  #client: string | undefined;

  constructor(head: RequestHead, peer: Peer, requestId: string, trusted: BlockList) {
    this.head = head;
    this.peer = peer;
    this.request_id = requestId;
    this.#trusted = trusted;
  }

  get client(): string {
    return (this.#client ??= clientAddress(this.head, this.peer, this.#trusted));
  }

  get host(): string {
    return bareHost(this.head.host);
  }

  get hostport(): string {
    return this.head.host;
  }

  get path(): string {
    return pathOf(this.head.target);
  }

  get query(): string {
    return this.head.target.slice(this.path.length + 1);
  }

  get uri(): string {
    return this.head.target;
  }

  get method(): string {
    return this.head.method;
  }

  get scheme(): string {
    return this.peer.scheme;
  }

  /** First value of a field, by its lower-case name. */
  field(name: string): string | undefined {
    return fieldOf(this.head.raw, name);
  }

  cookie(name: string): string | undefined {
    return cookieOf(this.head.raw, name);
  }
}

export function fieldOf(raw: readonly string[], name: string): string | undefined {
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at].length === name.length && raw[at].toLowerCase() === name) return raw[at + 1];
  }
  return undefined;
}

/** Value of the first cookie with that name (RFC 6265 section 4.2), without its quotes. */
export function cookieOf(raw: readonly string[], name: string): string | undefined {
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at].length !== 6 || raw[at].toLowerCase() !== 'cookie') continue;
    for (const pair of raw[at + 1].split(';')) {
      const equals = pair.indexOf('=');
      if (equals > 0 && pair.slice(0, equals).trim() === name) {
        return pair
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1');
      }
    }
  }
  return undefined;
}
