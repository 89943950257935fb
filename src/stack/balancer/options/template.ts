/**
 * Text with a few variables, such as `https://{host}{uri}`. It is parsed once when the configuration is loaded, so that a
 * request only joins the pieces. The names are Caddy's. Braces around anything but a lower-case word are plain text. Pure.
 */
import { nearest } from '../../../config/schema-walk.ts';

/**
 * `host` is without the port, `query` without `?`; `uri` is path and query; `client` is the address of the request's client.
 */
export const VARIABLES = [
  'host',
  'hostport',
  'path',
  'query',
  'uri',
  'method',
  'scheme',
  'client',
  'request_id',
] as const;
export type Variable = (typeof VARIABLES)[number];
export type Facts = Readonly<Record<Variable, string>>;

export interface Template {
  /** Text between the variables: one more than there are variables. */
  readonly texts: readonly string[];
  readonly variables: readonly Variable[];
}

const isVariable = (name: string): name is Variable => (VARIABLES as readonly string[]).includes(name);

/** The template, or a sentence that says what is wrong with it. */
export function parseTemplate(text: string): Template | string {
  const texts: string[] = [];
  const variables: Variable[] = [];
  let from = 0;
  for (const found of text.matchAll(/\{([a-z_]+)\}/g)) {
    const name = found[1];
    if (!isVariable(name)) {
      const meant = nearest(name, VARIABLES);
      const hint = meant === undefined ? `; known here: ${VARIABLES.join(', ')}` : `, did you mean "{${meant}}"?`;
      return `unknown variable "{${name}}"${hint}`;
    }
    texts.push(text.slice(from, found.index));
    variables.push(name);
    from = found.index + found[0].length;
  }
  texts.push(text.slice(from));
  return { texts, variables };
}

export function render(template: Template, facts: Facts): string {
  const { texts, variables } = template;
  let out = texts[0];
  for (let at = 0; at < variables.length; at += 1) out += facts[variables[at]] + texts[at + 1];
  return out;
}
