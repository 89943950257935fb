/**
 * The changes to a request before it goes to the upstream: prefixes, rewriting, fields. They are compiled to one function
 * when the configuration is loaded, or to nothing.
 */
import { RE2JS } from 're2js';
import { VitrineError } from '../../../base/errors.ts';
import type { RouteOptions } from '../config.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { FieldEdits } from '../options/route-options.ts';
import { render, type Template } from '../options/template.ts';
import { plainPath, underPath } from './path.ts';
import type { RequestFacts } from './request-facts.ts';

export type Outgoing = (facts: RequestFacts) => RequestHead;

type PathStep = (path: string) => string;

const withSlash = (path: string): string => (path.startsWith('/') ? path : `/${path}`);

function stripStep(prefix: string): PathStep[] {
  const bare = prefix.replace(/\/+$/, '');
  if (bare === '') return [];
  return [(path) => (underPath(path, bare) ? withSlash(path.slice(bare.length)) : path)];
}

function addStep(prefix: string): PathStep {
  const bare = prefix.replace(/\/+$/, '');
  return (path) => (path === '*' ? path : bare + path);
}

/** RE2: the cost of a match grows only linearly with the length of the text that a client sends. */
function rewriteStep({ pattern, to }: NonNullable<RouteOptions['rewrite']>): PathStep {
  const compiled = RE2JS.compile(pattern);
  return (path) => {
    const matcher = compiled.matcher(path);
    return matcher.find() ? withSlash(matcher.replaceFirst(to)) : path;
  };
}

/** Throws VitrineError `config_invalid` when the pattern of a rewrite is not a valid pattern. */
function pathSteps({ path, strip_prefix, add_prefix, rewrite }: RouteOptions): PathStep[] {
  const strip = strip_prefix === true ? path : strip_prefix;
  try {
    return [
      ...(strip === undefined ? [] : stripStep(strip)),
      ...(add_prefix === undefined ? [] : [addStep(add_prefix)]),
      ...(rewrite === undefined ? [] : [rewriteStep(rewrite)]),
    ];
  } catch (cause) {
    throw new VitrineError('config_invalid', `The pattern "${rewrite?.pattern}" of a rewrite is no RE2 expression.`, {
      cause,
    });
  }
}

function editedTarget(target: string, steps: readonly PathStep[]): string {
  if (target === '*') return target;
  const query = target.indexOf('?');
  let path = plainPath(query < 0 ? target : target.slice(0, query));
  for (const step of steps) path = step(path);
  return query < 0 ? path : path + target.slice(query);
}

/** `[name, template, …]` in the configured order. */
const entries = (fields: Readonly<Record<string, Template>>): [string, Template][] => Object.entries(fields);

function editedFields(
  raw: readonly string[],
  edits: FieldEdits,
  gone: ReadonlySet<string>,
  facts: RequestFacts,
): string[] {
  const out: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    if (!gone.has(raw[at].toLowerCase())) out.push(raw[at], raw[at + 1]);
  }
  for (const [name, value] of [...entries(edits.set), ...entries(edits.add)]) {
    if (name.toLowerCase() !== 'host') out.push(name, render(value, facts));
  }
  return out;
}

/** Undefined when nothing is changed. */
export function compileOutgoing(options: RouteOptions): Outgoing | undefined {
  const steps = pathSteps(options);
  const edits = options.request_headers;
  if (steps.length === 0 && edits === undefined) return undefined;
  const gone = new Set(
    edits === undefined ? [] : [...Object.keys(edits.set), ...edits.remove].map((name) => name.toLowerCase()),
  );
  gone.delete('host');
  const host = edits && entries(edits.set).find(([name]) => name.toLowerCase() === 'host')?.[1];
  return (facts) => {
    const { head } = facts;
    return {
      ...head,
      target: editedTarget(head.target, steps),
      raw: edits === undefined ? head.raw : editedFields(head.raw, edits, gone, facts),
      hostForUpstream: host === undefined ? undefined : render(host, facts),
    };
  };
}

export type AnswerEdit = (fields: string, facts: RequestFacts) => string;

/** Changes to the fields of an answer, which are lines ended by CRLF. Undefined when nothing is changed. */
export function compileAnswerEdit(edits: FieldEdits | undefined): AnswerEdit | undefined {
  if (edits === undefined) return undefined;
  const gone = new Set([...Object.keys(edits.set), ...edits.remove].map((name) => name.toLowerCase()));
  const added = [...entries(edits.set), ...entries(edits.add)];
  return (fields, facts) => {
    let out = gone.size === 0 ? fields : '';
    if (gone.size > 0) {
      for (let at = 0; at < fields.length;) {
        const end = fields.indexOf('\r\n', at) + 2;
        if (!gone.has(fields.slice(at, fields.indexOf(':', at)).toLowerCase())) out += fields.slice(at, end);
        at = end;
      }
    }
    for (const [name, value] of added) out += `${name}: ${render(value, facts)}\r\n`;
    return out;
  };
}
