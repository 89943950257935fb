/** The JSON Schema of log lines, read from a file when the configuration is loaded. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { SchemaCheck } from './line-reader.ts';

/** @throws VitrineError `config_invalid` */
export function schemaCheck(file: string): SchemaCheck {
  let schema: z.ZodType;
  try {
    schema = z.fromJSONSchema(JSON.parse(readFileSync(file, 'utf8')) as never);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VitrineError('config_invalid', `ingest.logs.schema: ${file}: ${why}`, { cause });
  }
  return (line) => {
    const { error } = schema.safeParse(line);
    const [issue] = error?.issues ?? [];
    if (issue === undefined) return undefined;
    const place = issue.path.length === 0 ? 'the line' : issue.path.map(String).join('.');
    return `${place}: ${issue.message}`.slice(0, 200);
  };
}
