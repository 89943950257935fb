/** The JSON Schema of log lines, read from a file when the configuration is loaded. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import { takePatterns, type PatternCheck } from './schema-patterns.ts';
import type { SchemaCheck } from './line-reader.ts';

/** @throws VitrineError `config_invalid` */
export function schemaCheck(file: string): SchemaCheck {
  let schema: z.ZodType;
  let patterns: PatternCheck;
  try {
    const { rest, check } = takePatterns(JSON.parse(readFileSync(file, 'utf8')));
    patterns = check;
    schema = z.fromJSONSchema(rest as never);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VitrineError('config_invalid', `ingest.logs.schema: ${file}: ${why}`, { cause });
  }
  return (line) => {
    const { error } = schema.safeParse(line);
    const issue = error?.issues[0] ?? patterns(line);
    if (issue === undefined) return undefined;
    const place = issue.path.length === 0 ? 'the line' : issue.path.map(String).join('.');
    return `${place}: ${issue.message}`.slice(0, 200);
  };
}
