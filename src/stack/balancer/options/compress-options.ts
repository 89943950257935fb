/** The switch `compress` of a route: which answers of its upstreams are compressed, and by which codings. */
import { z } from 'zod';
import { size } from '../../../config/types.ts';

const coding = z.enum(['br', 'zstd', 'gzip']);
export type Coding = z.output<typeof coding>;

const TYPE = /^[a-z0-9!#$&^_.+*-]+\/[a-z0-9!#$&^_.+*-]+$/;
/** Texts, and the formats of fonts and programs that are not compressed already. */
const TYPES = [
  'text/*',
  'application/json',
  'application/*+json',
  'application/x-ndjson',
  'application/javascript',
  'application/xml',
  'application/*+xml',
  'application/wasm',
  'image/svg+xml',
  'font/otf',
  'font/ttf',
];

const compress = z.strictObject({
  codings: z
    .array(coding)
    .min(1)
    .max(3)
    .prefault(['br', 'zstd', 'gzip'])
    .describe('Codings in order of preference; it decides between those that a client accepts equally.'),
  min_size: size().prefault('1KiB').describe('Shorter bodies are sent as they are. 0B: all are compressed.'),
  types: z
    .array(z.string().toLowerCase().regex(TYPE, { error: 'a media type like "text/html" or "text/*"' }))
    .min(1)
    .max(64)
    .prefault(TYPES)
    .describe('Media types that are compressed; `*` stands for any text. Event streams never are.'),
});
export type CompressOptions = z.output<typeof compress>;

/** `false` is the same as no switch. */
export const compressSchema = z.union([z.boolean().transform((on) => (on ? compress.parse({}) : undefined)), compress]);
