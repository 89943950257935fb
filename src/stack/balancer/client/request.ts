/**
 * Node's request without Node's header object. Node's server reads a few names of `request.headers` and would therefore make
 * an object of all fields for each request; the balancer reads only `rawHeaders`.
 */
import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import { FIELD, fieldMeaning } from '../http/fields.ts';

const NOTHING: IncomingHttpHeaders = Object.freeze({});

/** Only the fields that Node's server reads: framing, `expect` and `upgrade`. */
function askedFor(raw: readonly string[]): IncomingHttpHeaders {
  let found: IncomingHttpHeaders | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    switch (fieldMeaning(raw[at])) {
      case FIELD.contentLength:
        (found ??= {})['content-length'] = raw[at + 1];
        break;
      case FIELD.transferEncoding:
        (found ??= {})['transfer-encoding'] = raw[at + 1];
        break;
      case FIELD.expect:
        (found ??= {}).expect = raw[at + 1];
        break;
      case FIELD.upgrade:
        (found ??= {}).upgrade = raw[at + 1];
        break;
      default:
    }
  }
  return found ?? NOTHING;
}

export class ClientRequest extends IncomingMessage {
  #asked: IncomingHttpHeaders | undefined;

  static {
    // Node's types declare a property, so this cannot be written as a getter.
    Object.defineProperty(ClientRequest.prototype, 'headers', {
      get(this: ClientRequest): IncomingHttpHeaders {
        return (this.#asked ??= askedFor(this.rawHeaders));
      },
    });
  }
}
