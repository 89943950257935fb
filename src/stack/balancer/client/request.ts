/**
 * Node's request without Node's header object. Node's server looks at `request.headers` for a few names and would make an
 * object of all of them for that, for each request; the balancer reads `rawHeaders` alone.
 */
import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import { FIELD, fieldMeaning } from '../http/fields.ts';

const NOTHING: IncomingHttpHeaders = Object.freeze({});

/** Only what Node's server asks for: framing, `expect` and `upgrade`. */
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
    // The types say property, so it cannot be written as the getter it is.
    Object.defineProperty(ClientRequest.prototype, 'headers', {
      get(this: ClientRequest): IncomingHttpHeaders {
        return (this.#asked ??= askedFor(this.rawHeaders));
      },
    });
  }
}
