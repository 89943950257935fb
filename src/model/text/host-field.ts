/** The syntax of the `Host` field (RFC 9112 section 3.2): a host of RFC 3986 section 3.2.2 and an optional port. */

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::([0-9]{1,5}))?$/;
/** A name of 255 characters, a colon and a port, with room for brackets. */
const MAX_LENGTH = 262;
const MAX_PORT = 65_535;

/** Whether the value names one host: no user, no path, a port that exists. */
export function isHostField(value: string): boolean {
  const found = HOST.exec(value);
  return found !== null && value.length <= MAX_LENGTH && Number(found[1] ?? 0) <= MAX_PORT;
}
