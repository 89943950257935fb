/** TLS towards clients, as written in the configuration: `balancer.tls`. */
import { z } from 'zod';
import { address, duration } from '../../../config/types.ts';

const hsts = z.strictObject({
  max_age: duration({ min: 0 })
    .prefault('365d')
    .describe('Browsers ask this host by https alone for so long. 0s: forget it.'),
  include_subdomains: z.boolean().prefault(false).describe('And all names below it.'),
  preload: z.boolean().prefault(false).describe('The host may be put on the list that browsers ship. Hard to undo.'),
});

export const tlsSchema = z.strictObject({
  listen: address().describe('Address of the TLS listener, host:port.'),
  certificates: z
    .array(
      z.strictObject({
        cert_file: z.string().min(1).describe('PEM: the certificate and those between it and its authority.'),
        key_file: z.string().min(1).describe('PEM: its key, without a passphrase.'),
      }),
    )
    .min(1)
    .max(1000)
    .describe(
      'Chosen by the name a client asks for (SNI); the first is for clients that name none of theirs. Read again when they change.',
    ),
  min_version: z.enum(['TLSv1.2', 'TLSv1.3']).prefault('TLSv1.2').describe('Older versions are refused.'),
  redirect: z
    .boolean()
    .prefault(false)
    .describe(
      'Requests to `balancer.listen` are answered 308 to https; own endpoints and what a trusted proxy took by https are not.',
    ),
  hsts: z
    .union([z.boolean().transform((on) => (on ? hsts.parse({}) : undefined)), hsts])
    .optional()
    .describe(
      '`Strict-Transport-Security` on every answer over TLS: `true`, or `{ max_age, include_subdomains, preload }`.',
    ),
});

export type TlsOptions = z.output<typeof tlsSchema>;

/** The line, ended by CRLF; empty when it is off. */
export function hstsLine(options: TlsOptions['hsts']): string {
  if (options === undefined) return '';
  const { max_age: ms, include_subdomains: all, preload } = options;
  return `Strict-Transport-Security: max-age=${Math.floor(ms / 1000)}${all ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}\r\n`;
}
