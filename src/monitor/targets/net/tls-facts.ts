/**
 * The certificate chain of a TLS connection in the forms that the blackbox exporter reports: earliest expiry of what the server
 * sent, expiry of the chain that was verified, and the leaf.
 */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { CertificateFacts, ProbeSeries } from '../check.ts';

export interface TlsFacts {
  /** `TLS 1.3`, as Go names it. */
  readonly version: string;
  /** Seconds since the epoch of the first certificate of the chain to expire. */
  readonly earliestExpiry: number;
  /** The same for the verified chain; Go's zero time when the chain was not verified. */
  readonly lastChainExpiry: number;
  readonly leaf: Readonly<Record<'fingerprint_sha256' | 'issuer' | 'subject' | 'subjectalternative', string>>;
}

/** The exporter reports the zero time of Go for a chain that was not verified. */
const GO_ZERO_TIME = -62_135_596_800;
const VERSIONS: Readonly<Record<string, string>> = {
  TLSv1: 'TLS 1.0',
  'TLSv1.1': 'TLS 1.1',
  'TLSv1.2': 'TLS 1.2',
  'TLSv1.3': 'TLS 1.3',
};
/** The order in which Go prints the parts of a name (crypto/x509/pkix, RDNSequence reversed). */
const NAME_ORDER = ['SERIALNUMBER', 'CN', 'POSTALCODE', 'STREET', 'ST', 'L', 'OU', 'O', 'C'];
/** No chain is longer; a loop of issuers ends here. */
const MAX_CHAIN = 16;

/** `CN=a\nO=b` → `CN=a,O=b` in Go's order. */
function nameText(lines: string): string {
  const parts = lines.split('\n').filter((part) => part !== '');
  const rank = (part: string): number => {
    const at = NAME_ORDER.indexOf(part.slice(0, part.indexOf('=')));
    return at < 0 ? NAME_ORDER.length : at;
  };
  return parts.toSorted((a, b) => rank(a) - rank(b)).join(',');
}

const dnsNames = (certificate: X509Certificate): string[] =>
  [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name);

const expirySeconds = (certificate: X509Certificate): number => Date.parse(certificate.validTo) / 1_000;

/** Once a connection: Node.js 24 returns the certificate to the first caller only. */
export function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < MAX_CHAIN) {
    chain.push(next);
    const issuer: X509Certificate | undefined = next.issuerCertificate;
    next = issuer?.fingerprint256 === next.fingerprint256 ? undefined : issuer;
  }
  return chain;
}

export function certificateOf(socket: TLSSocket, [leaf]: readonly X509Certificate[]): CertificateFacts | undefined {
  if (leaf === undefined) return undefined;
  const error: unknown = socket.authorizationError;
  return {
    subject: nameText(leaf.subject),
    issuer: nameText(leaf.issuer),
    names: (leaf.subjectAltName ?? '').split(', ').filter((name) => name !== ''),
    validFromMs: Date.parse(leaf.validFrom),
    validToMs: Date.parse(leaf.validTo),
    fingerprint256: leaf.fingerprint256,
    error: socket.authorized ? '' : reasonOf(error),
  };
}

/** Node.js gives the code of OpenSSL as a text, although its types say Error. */
const reasonOf = (error: unknown): string =>
  typeof error === 'string' ? error : error instanceof Error ? error.message : 'not verified';

/** `isVerified`: the chain was checked, not only accepted. */
export function tlsFactsOf(
  socket: TLSSocket,
  chain: readonly X509Certificate[],
  isVerified: boolean,
): TlsFacts | undefined {
  const [leaf] = chain;
  if (leaf === undefined) return undefined;
  const earliest = Math.min(...chain.map(expirySeconds));
  const protocol = socket.getProtocol() ?? '';
  return {
    version: VERSIONS[protocol] ?? protocol,
    earliestExpiry: earliest,
    lastChainExpiry: isVerified ? earliest : GO_ZERO_TIME,
    leaf: {
      fingerprint_sha256: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
      issuer: nameText(leaf.issuer),
      subject: nameText(leaf.subject),
      subjectalternative: dnsNames(leaf).join(','),
    },
  };
}

export function tlsSeries({ version, earliestExpiry, lastChainExpiry, leaf }: TlsFacts): ProbeSeries[] {
  return [
    { name: 'probe_ssl_earliest_cert_expiry', value: earliestExpiry },
    { name: 'probe_ssl_last_chain_expiry_timestamp_seconds', value: lastChainExpiry },
    { name: 'probe_ssl_last_chain_info', labels: leaf, value: 1 },
    { name: 'probe_tls_version_info', labels: { version }, value: 1 },
  ];
}
